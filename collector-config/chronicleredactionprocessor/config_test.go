package chronicleredactionprocessor

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/metadata"
)

func configOf(t *testing.T, name string) *Config {
	t.Helper()
	all, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := all.Sub(component.NewIDWithName(metadata.Type, name).String())
	require.NoError(t, err)
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(cfg))
	return cfg
}

// TestConfig: what is left out has its default, what is given is read.
func TestConfig(t *testing.T) {
	assert.Equal(t, &Config{KeyEnv: "CHRONICLE_REDACTION_KEY", MaxSpanBytes: 3 << 20}, configOf(t, ""))
	required := true
	all := configOf(t, "all")
	assert.Equal(t, &Config{
		PolicyFile:   "testdata/policies/acme.yaml",
		KeyFile:      "testdata/key.txt",
		MaxSpanBytes: 1_000_000,
		Tenant:       TenantConfig{From: []string{"metadata:x-tenant", "resource:tenant.id"}, Default: "acme", Required: &required},
	}, all)
	require.NoError(t, confmap.Validate(all))
}

// TestInvalid: an error names the setting, and in a policy the field and its line.
func TestInvalid(t *testing.T) {
	for name, want := range map[string]string{
		"no_key":         "key_env, key_file: one of them must be set",
		"two_keys":       "key_env, key_file: only one of them may be set",
		"no_such_policy": "policy_file: cannot read the policy",
		"bad_policy":     "rules[0].alow (line 3): unknown; known are action, allow",
		"bad_pattern":    "rules[0].pattern (line 3): a bare `.` is not allowed",
		"hooks":          "hooks (line 3): hooks run in Python",
		"bad_source":     `tenant::from[0]: "header:x" is neither metadata:NAME nor resource:NAME`,
		"small":          "max_span_bytes: 10 is less than 4096",
	} {
		assert.ErrorContains(t, confmap.Validate(configOf(t, name)), want, name)
	}
}
