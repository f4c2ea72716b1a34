package checks

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func project(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithConsistency(true), cli.WithInterpolation(true))
	require.NoError(t, err)
	loaded, err := options.LoadProject(context.Background())
	require.NoError(t, err)
	return loaded
}

// TestComposeIsValid: the file loads as `docker compose` would load it, with the services that the documents name.
func TestComposeIsValid(t *testing.T) {
	assert.ElementsMatch(t, []string{"collector", "jaeger", "tempo", "grafana"}, project(t).ServiceNames())
}

// TestEveryPortIsBoundToLoopback: nothing of the stack is reachable from another machine.
func TestEveryPortIsBoundToLoopback(t *testing.T) {
	for name, service := range project(t).Services {
		assert.NotEmpty(t, service.Ports, name)
		for _, port := range service.Ports {
			assert.Equal(t, "127.0.0.1", port.HostIP, "%s: %s", name, port.Published)
		}
	}
}

// TestEveryServiceIsBounded: images have a fixed tag, memory has a limit, logs rotate, nothing is privileged.
func TestEveryServiceIsBounded(t *testing.T) {
	tag := regexp.MustCompile(`:\d+\.\d+\.\d+$`)
	for name, service := range project(t).Services {
		assert.Regexp(t, tag, service.Image, name)
		assert.Positive(t, int64(service.MemLimit), name)
		assert.Contains(t, service.Logging.Options, "max-size", name)
		assert.False(t, service.Privileged, name)
	}
}

// TestMountedFilesExist: what is mounted from the repository is there, read-only, and whatever is written goes to a named volume.
func TestMountedFilesExist(t *testing.T) {
	loaded := project(t)
	for name, service := range loaded.Services {
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeVolume {
				assert.Contains(t, loaded.Volumes, volume.Source, name)
				continue
			}
			assert.True(t, volume.ReadOnly, "%s: %s", name, volume.Target)
			_, err := os.Stat(volume.Source)
			assert.NoError(t, err, name)
		}
	}
}

// TestTheKeyIsASecret: the redaction key comes from a file, stands in no variable, and git ignores that file.
func TestTheKeyIsASecret(t *testing.T) {
	loaded := project(t)
	key := loaded.Secrets["chronicle_redaction_key"]
	assert.Equal(t, "redaction.key", filepath.Base(key.File))
	assert.Empty(t, key.Content)
	assert.Empty(t, key.Environment)
	for name, service := range loaded.Services {
		assert.NotContains(t, service.Environment, "CHRONICLE_REDACTION_KEY", name)
		if name != "collector" {
			assert.Empty(t, service.Secrets, name)
		}
	}
	ignored, err := os.ReadFile("../../.gitignore")
	require.NoError(t, err)
	assert.Contains(t, string(ignored), "/docker/redaction.key\n")
}

// TestVariablesAreRead: every variable that compose sets for a service is one that its configuration reads.
func TestVariablesAreRead(t *testing.T) {
	configs := map[string]string{
		"collector": "../../collector-config/pipelines/stores.yaml",
		"jaeger":    "../jaeger.yaml",
		"tempo":     "../tempo.yaml",
	}
	loaded := project(t)
	for name, file := range configs {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for variable := range loaded.Services[name].Environment {
			if variable == "GOMEMLIMIT" { // of the Go runtime
				continue
			}
			assert.Regexp(t, `\$\{(env:)?`+variable+`:-`, string(text), "%s in %s", variable, file)
		}
	}
}
