package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// instructions returns those of the Dockerfile as the builder parses them: the name in lower case, then the words.
func instructions(t *testing.T) [][]string {
	t.Helper()
	file, err := os.Open("../Dockerfile")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	parsed, err := parser.Parse(file)
	require.NoError(t, err)
	assert.Empty(t, parsed.Warnings)
	var found [][]string
	for _, node := range parsed.AST.Children {
		words := append([]string{strings.ToLower(node.Value)}, node.Flags...)
		for next := node.Next; next != nil; next = next.Next {
			words = append(words, next.Value)
		}
		found = append(found, words)
	}
	return found
}

// TestDockerfile: pinned bases, a user that is not root, and every file that is copied from the repository exists.
func TestDockerfile(t *testing.T) {
	pinned := regexp.MustCompile(`^(scratch|golang:\d+\.\d+\.\d+-\w+)$`)
	user := ""
	for _, words := range instructions(t) {
		switch words[0] {
		case "from":
			assert.Regexp(t, pinned, words[1])
		case "user":
			user = words[1]
		case "copy":
			if strings.HasPrefix(words[1], "--from=") {
				continue
			}
			for _, source := range words[1 : len(words)-1] {
				_, err := os.Stat(filepath.Join("../..", source))
				assert.NoError(t, err, source)
			}
		}
	}
	assert.Equal(t, "10001:10001", user)
}

// TestContextHoldsWhatIsCopied: the ignore file lets through what the Dockerfile copies, and neither a built collector nor a key.
func TestContextHoldsWhatIsCopied(t *testing.T) {
	text, err := os.ReadFile("../Dockerfile.dockerignore")
	require.NoError(t, err)
	assert.Equal(t, []string{"*", "!scripts/go", "!scripts/collector", "!collector-config", "collector-config/build"}, strings.Fields(string(text)))
}
