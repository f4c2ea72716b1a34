package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The one version of the collector that everything here is made for. A tidied go.mod drifts to newer modules without a
// word, and the strict check of the builder does not complain.
const (
	beta   = "v0.159.0"
	stable = "v1.65.0"
)

var module = regexp.MustCompile(`((?:go\.opentelemetry\.io/collector|github\.com/open-telemetry/opentelemetry-collector-contrib)[^\s"]*)\s+(v[^\s"]+)`)

// TestVersions: every module of the collector, in every go.mod and in the manifests, has the pinned version.
func TestVersions(t *testing.T) {
	files := []string{"../builder-config.yaml", "stock-collector.yaml", "go.mod", "../tools/go.mod", "../chronicleredactionprocessor/go.mod"}
	if built, err := filepath.Glob("../build/go.mod"); err == nil {
		files = append(files, built...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		found := module.FindAllStringSubmatch(string(text), -1)
		require.NotEmpty(t, found, file)
		for _, match := range found {
			assert.Contains(t, []string{beta, stable}, match[2], "%s in %s", match[1], file)
		}
	}
}

// TestSharedData: the tables and the default policy are those of the Python engine, byte for byte.
func TestSharedData(t *testing.T) {
	embedded, err := filepath.Glob("../chronicleredactionprocessor/internal/data/*.*")
	require.NoError(t, err)
	compared := 0
	for _, file := range embedded {
		if strings.HasSuffix(file, ".go") {
			continue
		}
		ours, err := os.ReadFile(file)
		require.NoError(t, err)
		theirs, err := os.ReadFile(filepath.Join("../../chronicle_otel/redaction/data", filepath.Base(file)))
		require.NoError(t, err)
		assert.Equal(t, string(theirs), string(ours), filepath.Base(file))
		compared++
	}
	assert.Equal(t, 5, compared)
}
