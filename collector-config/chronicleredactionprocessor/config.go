package chronicleredactionprocessor // import "github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor"

import (
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
)

// Config of the processor. What is private is said by the policy, not here.
type Config struct {
	// PolicyFile is the policy. Empty for the default policy that ships.
	PolicyFile string `mapstructure:"policy_file"`

	// KeyEnv is the environment variable that holds the key. The key itself never stands in a configuration.
	KeyEnv string `mapstructure:"key_env"`

	// KeyFile is the file that holds the key; a line end after it is not part of it.
	KeyFile string `mapstructure:"key_file"`

	// Tenant says where the tenant's name is found, in the place of what the policy says.
	Tenant TenantConfig `mapstructure:"tenant"`

	// MaxSpanBytes is the size above which a span loses its largest strings. It belongs below `max_size` of the exporter's
	// batches, which belongs below what the next receiver takes. 0 turns it off.
	MaxSpanBytes int `mapstructure:"max_span_bytes"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// TenantConfig says where the tenant's name is found.
type TenantConfig struct {
	// From lists sources, `metadata:NAME` of the client or `resource:NAME`, an attribute. The first that has a value counts.
	From []string `mapstructure:"from"`

	// Default is the tenant of what has no source.
	Default string `mapstructure:"default"`

	// Required says that without a tenant, or with two, all content becomes opaque.
	Required *bool `mapstructure:"required"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*Config)(nil)

// defaultMaxSpanBytes leaves room for a batch's framing below 4 MiB, which receivers take unless told otherwise.
const defaultMaxSpanBytes = 3 << 20

const leastMaxSpanBytes = 4096

func createDefaultConfig() component.Config {
	return &Config{MaxSpanBytes: defaultMaxSpanBytes}
}

// Validate reads and checks the policy, too. The key is read when the processor starts.
func (cfg *Config) Validate() error {
	var failures []error
	switch {
	case cfg.KeyEnv != "" && cfg.KeyFile != "":
		failures = append(failures, errors.New("key_env, key_file: only one of them may be set"))
	case cfg.KeyEnv == "" && cfg.KeyFile == "":
		failures = append(failures, errors.New("key_env, key_file: one of them must be set; there is no redaction without a key"))
	}
	if cfg.MaxSpanBytes != 0 && cfg.MaxSpanBytes < leastMaxSpanBytes {
		failures = append(failures, fmt.Errorf("max_span_bytes: %d is less than %d; 0 turns the limit off", cfg.MaxSpanBytes, leastMaxSpanBytes))
	}
	for i, source := range cfg.Tenant.From {
		if _, err := parseSource(source); err != nil {
			failures = append(failures, fmt.Errorf("tenant::from[%d]: %w", i, err))
		}
	}
	if _, _, err := cfg.load(); err != nil {
		failures = append(failures, fmt.Errorf("policy_file: %w", err))
	}
	return errors.Join(failures...)
}

// load reads the policy and puts the tenant's sources of this configuration in the place of its own.
func (cfg *Config) load() (*policy.Policy, *detect.Rules, error) {
	read, err := policy.Load(cfg.PolicyFile)
	if err != nil {
		return nil, nil, err
	}
	if len(cfg.Tenant.From) > 0 {
		read.Tenant.From = cfg.Tenant.From
	}
	if cfg.Tenant.Default != "" {
		read.Tenant.Default = cfg.Tenant.Default
	}
	if cfg.Tenant.Required != nil {
		read.Tenant.Required = *cfg.Tenant.Required
	}
	rules, err := detect.Compile(read)
	return read, rules, err
}

// source is a place in which a tenant's name can stand.
type source struct {
	metadata bool
	name     string
}

func parseSource(text string) (source, error) {
	kind, name, ok := strings.Cut(text, ":")
	if !ok || name == "" || kind != "metadata" && kind != "resource" {
		return source{}, fmt.Errorf("%q is neither metadata:NAME nor resource:NAME", text)
	}
	return source{metadata: kind == "metadata", name: name}, nil
}
