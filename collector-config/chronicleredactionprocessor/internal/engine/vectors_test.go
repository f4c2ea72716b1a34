package engine

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
)

// vector is a case that every engine must meet, byte for byte.
type vector struct {
	Kind   string          `json:"kind"`
	Policy json.RawMessage `json:"policy"`
	Tenant string          `json:"tenant"`
	In     string          `json:"in"`
	Out    string          `json:"out"`
}

const vectors = "../../../../tests/redaction/vectors"

func (v *vector) redactor(t *testing.T, known map[string]*Redactor) *Redactor {
	t.Helper()
	id := string(v.Policy) + v.Tenant
	if known[id] == nil {
		p, err := policy.Default()
		if string(v.Policy) != `"default"` {
			p, err = policy.Read(v.Policy)
		}
		require.NoError(t, err)
		rules, err := detect.Compile(p)
		require.NoError(t, err)
		known[id], err = New(p, rules, []byte(strings.Repeat("0", 32)), v.Tenant)
		require.NoError(t, err)
	}
	return known[id]
}

func redact(r *Redactor, kind, text string) string {
	if kind == "text" {
		return r.Text(text, "", detect.NewTally())
	}
	return r.Payload(text, Options{}, detect.NewTally())
}

// TestVectors: the shared vectors come out as they do in the Python engine, and a second pass changes nothing.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	known := map[string]*Redactor{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var cases []vector
			require.NoError(t, json.Unmarshal(text, &cases))
			for _, c := range cases {
				r := c.redactor(t, known)
				assert.Equal(t, c.Out, redact(r, c.Kind, c.In), c.In)
				if !strings.Contains(string(c.Policy), `"mask"`) {
					assert.Equal(t, c.Out, redact(r, c.Kind, c.Out), "second pass")
				}
			}
		})
	}
}
