package chronicleredactionprocessor // import "github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor"

import (
	"context"
	"regexp"
	"sync"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/engine"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/keys"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/walk"
)

// maxTenants bounds the memory of tenants: senders may name any number of them.
const maxTenants = 1024

// tenants makes a redactor for each tenant and remembers some. A forgotten one is made again, the same.
type tenants struct {
	policy  *policy.Policy
	rules   *detect.Rules
	scope   *walk.Scope
	master  []byte
	keyName string
	sources []source
	opaque  *walk.Places // of those of whom nobody knows who they are

	mu    sync.Mutex
	known map[string]*walk.Places
}

func newTenants(cfg *Config) (*tenants, error) {
	read, rules, err := cfg.load()
	if err != nil {
		return nil, err
	}
	master, err := keys.Read(cfg.KeyEnv, cfg.KeyFile)
	if err != nil {
		return nil, err
	}
	t := &tenants{
		policy: read, rules: rules, scope: walk.NewScope(read), master: master, keyName: keyName(cfg), known: make(map[string]*walk.Places),
	}
	for _, text := range read.Tenant.From {
		from, err := parseSource(text)
		if err != nil {
			return nil, err
		}
		t.sources = append(t.sources, from)
	}
	t.opaque = walk.New(read, t.scope, nil, walk.About{Policy: read.ID, Key: t.keyName, CheckValue: "00000000", TenantFrom: "missing"})
	// The default tenant's redactor is made at once, so that what is wrong with a key shows at the start.
	_, err = t.places(read.Tenant.Default, "default")
	return t, err
}

var keyWord = regexp.MustCompile(`^[A-Za-z_]{1,40}$`)

// keyName says in reports where the key came from.
func keyName(cfg *Config) string {
	switch {
	case cfg.KeyFile != "":
		return "file"
	case keyWord.MatchString(cfg.KeyEnv):
		return cfg.KeyEnv
	}
	return "env"
}

// of returns the places of the tenant to whom a resource belongs.
func (t *tenants) of(ctx context.Context, resource pcommon.Resource) *walk.Places {
	tenant, from := t.tenant(ctx, resource)
	if tenant == "" {
		return t.opaque
	}
	places, err := t.places(tenant, from)
	if err != nil {
		return t.opaque
	}
	return places
}

// tenant returns the tenant's name and where it was found. It is empty where one is required and there is none, or two.
func (t *tenants) tenant(ctx context.Context, resource pcommon.Resource) (name, from string) {
	for _, s := range t.sources {
		values := s.values(ctx, resource)
		switch {
		case len(values) == 0 || len(values) == 1 && values[0] == "":
			continue
		case len(values) > 1:
			return t.missing()
		}
		return values[0], s.describe()
	}
	return t.missing()
}

func (t *tenants) missing() (name, from string) {
	if t.policy.Tenant.Required {
		return "", ""
	}
	return t.policy.Tenant.Default, "default"
}

func (s source) values(ctx context.Context, resource pcommon.Resource) []string {
	if s.metadata {
		return client.FromContext(ctx).Metadata.Get(s.name)
	}
	var found []string
	for key, v := range resource.Attributes().All() {
		if key == s.name && v.Type() == pcommon.ValueTypeStr {
			found = append(found, v.Str())
		}
	}
	return found
}

var sourceWord = regexp.MustCompile(`^[a-z._-]{1,64}$`)

// describe names a source in a report, which holds no capitals and no digits.
func (s source) describe() string {
	kind := "resource"
	if s.metadata {
		kind = "metadata"
	}
	if sourceWord.MatchString(s.name) {
		return kind + ":" + s.name
	}
	return kind
}

func (t *tenants) places(tenant, from string) (*walk.Places, error) {
	id := from + "\x00" + tenant
	t.mu.Lock()
	defer t.mu.Unlock()
	if places, ok := t.known[id]; ok {
		return places, nil
	}
	redactor, err := engine.New(t.policy, t.rules, t.master, tenant)
	if err != nil {
		return nil, err
	}
	if len(t.known) >= maxTenants {
		clear(t.known)
	}
	about := walk.About{Policy: t.policy.ID, Key: t.keyName, CheckValue: redactor.CheckValue(), TenantFrom: from}
	places := walk.New(t.policy, t.scope, redactor, about)
	t.known[id] = places
	return places, nil
}
