package chronicleredactionprocessor

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/plogtest"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/pdatatest/ptracetest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/metadata"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/metadatatest"
)

// sink remembers what the next component was handed, and with which client.
type sink struct {
	consumertest.TracesSink
	mu      sync.Mutex
	clients []client.Info
}

func (s *sink) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	s.mu.Lock()
	s.clients = append(s.clients, client.FromContext(ctx))
	s.mu.Unlock()
	return s.TracesSink.ConsumeTraces(ctx, td)
}

func keyed() *Config {
	return &Config{KeyFile: filepath.Join("testdata", "key.txt"), MaxSpanBytes: defaultMaxSpanBytes, Tenant: TenantConfig{Default: "acme"}}
}

func processTraces(t *testing.T, ctx context.Context, cfg *Config, td ptrace.Traces) (*sink, *componenttest.Telemetry) {
	t.Helper()
	telemetry := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, telemetry.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	next := &sink{}
	p, err := NewFactory().CreateTraces(ctx, set, cfg, next)
	require.NoError(t, err)
	require.NoError(t, p.Start(ctx, componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeTraces(ctx, td))
	require.NoError(t, p.Shutdown(ctx))
	return next, telemetry
}

// TestGoldenTraces: every place of a span is redacted, and a second pass changes nothing.
func TestGoldenTraces(t *testing.T) {
	folder := filepath.Join("testdata", "traces", "agent_run")
	input, err := golden.ReadTraces(filepath.Join(folder, "input.yaml"))
	require.NoError(t, err)
	next, _ := processTraces(t, t.Context(), keyed(), input)
	require.Len(t, next.AllTraces(), 1)
	actual := next.AllTraces()[0]
	hidePolicy(actual)
	if os.Getenv("CHRONICLE_REFILL") == "1" {
		require.NoError(t, golden.WriteTracesToFile(filepath.Join(folder, "expected.yaml"), actual))
	}
	expected, err := golden.ReadTraces(filepath.Join(folder, "expected.yaml"))
	require.NoError(t, err)
	require.NoError(t, ptracetest.CompareTraces(expected, actual))
	for _, private := range []string{"maria", `"stringValue":"4539"`, `"intValue":"4539148803436467"`, "867-5309", "219-09", "hunter2", "2128675309"} {
		assert.NotContains(t, spell(t, actual), private)
	}

	again := ptrace.NewTraces()
	actual.CopyTo(again)
	next, _ = processTraces(t, t.Context(), keyed(), again)
	require.NoError(t, ptracetest.CompareTraces(expected, next.AllTraces()[0]))
}

var policyID = regexp.MustCompile(`"policy":"[0-9a-f]{64}"`)

// hidePolicy makes a report independent of the policy's id, which changes with every entry of the default policy.
func hidePolicy(td ptrace.Traces) {
	for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		if v, exists := span.Attributes().Get("chronicle.redaction"); exists {
			v.SetStr(policyID.ReplaceAllString(v.Str(), `"policy":"`+strings.Repeat("0", 64)+`"`))
		}
	}
}

func spell(t *testing.T, td ptrace.Traces) string {
	t.Helper()
	text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(td)
	require.NoError(t, err)
	return string(text)
}

// TestGoldenLogs: bodies and attributes of log records are redacted.
func TestGoldenLogs(t *testing.T) {
	folder := filepath.Join("testdata", "logs", "agent_log")
	input, err := golden.ReadLogs(filepath.Join(folder, "input.yaml"))
	require.NoError(t, err)
	next := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(t.Context(), processortest.NewNopSettings(metadata.Type), keyed(), next)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, p.ConsumeLogs(t.Context(), input))
	require.NoError(t, p.Shutdown(t.Context()))
	actual := next.AllLogs()[0]
	if os.Getenv("CHRONICLE_REFILL") == "1" {
		require.NoError(t, golden.WriteLogsToFile(filepath.Join(folder, "expected.yaml"), actual))
	}
	expected, err := golden.ReadLogs(filepath.Join(folder, "expected.yaml"))
	require.NoError(t, err)
	require.NoError(t, plogtest.CompareLogs(expected, actual))
	text, err := (&plog.JSONMarshaler{}).MarshalLogs(actual)
	require.NoError(t, err)
	for _, private := range []string{"maria", "4539", "8.8.8.8"} {
		assert.NotContains(t, string(text), private)
	}
}

func traceOf(attributes map[string]any) ptrace.Traces {
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetName("call")
	if err := span.Attributes().FromRaw(attributes); err != nil {
		panic(err)
	}
	return td
}

func attributesOf(td ptrace.Traces) pcommon.Map {
	return td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes()
}

func text(m pcommon.Map, key string) string {
	v, _ := m.Get(key)
	return v.AsString()
}

// TestClientIsNotHandedOn: a persistent queue behind us has no bearer token and no address to write to disk.
func TestClientIsNotHandedOn(t *testing.T) {
	ctx := client.NewContext(t.Context(), client.Info{Metadata: client.NewMetadata(map[string][]string{"authorization": {"Bearer x"}})})
	next, _ := processTraces(t, ctx, keyed(), traceOf(nil))
	require.Len(t, next.clients, 1)
	assert.Empty(t, next.clients[0].Metadata.Get("authorization"))
	assert.Nil(t, next.clients[0].Addr)
}

// TestTenants: the first source that has a value decides, the same value of another tenant has another pseudonym.
func TestTenants(t *testing.T) {
	cfg := keyed()
	cfg.Tenant.From = []string{"metadata:x-tenant", "resource:tenant.id"}
	mail := map[string]any{"to": "maria.keller@kestrel.de"}
	of := func(metadata map[string][]string, resource string) string {
		td := traceOf(mail)
		if resource != "" {
			td.ResourceSpans().At(0).Resource().Attributes().PutStr("tenant.id", resource)
		}
		ctx := client.NewContext(t.Context(), client.Info{Metadata: client.NewMetadata(metadata)})
		next, _ := processTraces(t, ctx, cfg, td)
		m := attributesOf(next.AllTraces()[0])
		return text(m, "to") + " " + text(m, "chronicle.redaction")
	}
	acme := of(nil, "")
	assert.Contains(t, acme, "mm9r9axwfstt6p4ym@dih54qp.example.com")
	assert.Contains(t, acme, `"tenant_from":"default"`)
	other := of(map[string][]string{"x-tenant": {"other"}}, "acme")
	assert.NotContains(t, other, "mm9r9axwfstt6p4ym")
	assert.Contains(t, other, `"tenant_from":"metadata:x-tenant"`)
	assert.Contains(t, of(nil, "acme"), "mm9r9axwfstt6p4ym")
	assert.Contains(t, of(nil, "acme"), `"tenant_from":"resource:tenant.id"`)
}

// TestTenantRequired: without a tenant, or with two, content is opaque and never another tenant's.
func TestTenantRequired(t *testing.T) {
	cfg := keyed()
	required := true
	cfg.Tenant = TenantConfig{From: []string{"metadata:x-tenant"}, Required: &required}
	content := map[string]any{
		"to": "maria.keller@kestrel.de", "n": 4539148803436467, "x": 1.5, "raw": []byte("maria"), "list": []any{"maria"}, "flag": true,
		"chronicle.input": `{"to":"maria"}`, "chronicle.input.size": 14, "service.name": "agent", "maria@kestrel.de": "x",
	}
	for _, tenants := range [][]string{nil, {"a", "b"}} {
		ctx := client.NewContext(t.Context(), client.Info{Metadata: client.NewMetadata(map[string][]string{"x-tenant": tenants})})
		next, _ := processTraces(t, ctx, cfg, traceOf(content))
		m := attributesOf(next.AllTraces()[0])
		assert.Equal(t, "chronicle-opaque", text(m, "to"))
		assert.Equal(t, "0", text(m, "n"))
		assert.Equal(t, `{"$chronicle.opaque":{"why":"tenant","size":14}}`, text(m, "chronicle.input"))
		assert.Equal(t, "48", text(m, "chronicle.input.size"))
		assert.Equal(t, "agent", text(m, "service.name"))
		assert.NotContains(t, spell(t, next.AllTraces()[0]), "maria")
	}
}

// TestShrink: a span that would not fit loses its largest strings, payloads keep their structure.
func TestShrink(t *testing.T) {
	cfg := keyed()
	cfg.MaxSpanBytes = 5000
	long := strings.Repeat("word ", 1000)
	payload := `{"a":"` + long + `","b":"short"}`
	td := traceOf(map[string]any{"note": long, "chronicle.output": payload, "chronicle.output.size": len(payload)})
	next, _ := processTraces(t, t.Context(), cfg, td)
	out := next.AllTraces()[0]
	span := out.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	assert.LessOrEqual(t, (&ptrace.ProtoMarshaler{}).SpanSize(span), 5000+400) // the report says so on top
	assert.Equal(t, `{"a":"chronicle-opaque","b":"short"}`, text(span.Attributes(), "chronicle.output"))
	assert.Equal(t, "36", text(span.Attributes(), "chronicle.output.size"))
	assert.Contains(t, text(span.Attributes(), "chronicle.redaction"), `"opaque":{"size":`)
}

// TestPolicyOfOnesOwn: patterns, allow lists and scope of a policy hold.
func TestPolicyOfOnesOwn(t *testing.T) {
	cfg := keyed()
	cfg.PolicyFile = filepath.Join("testdata", "policies", "acme.yaml")
	next, _ := processTraces(t, t.Context(), cfg, traceOf(map[string]any{
		"a": "ACC-12345678", "b": "help@acme.example and maria.keller@kestrel.de", "build.id": "4539148803436467", "debug.sql": "select",
	}))
	m := attributesOf(next.AllTraces()[0])
	assert.Regexp(t, `^ACC-chr[a-z2-9]{24}$`, text(m, "a"))
	assert.Equal(t, "help@acme.example and mm9r9axwfstt6p4ym@dih54qp.example.com", text(m, "b"))
	assert.Equal(t, "4539148803436467", text(m, "build.id"))
	assert.Empty(t, text(m, "debug.sql"))
}

// TestForgedReport: what a sender writes into our report does not get through.
func TestForgedReport(t *testing.T) {
	next, _ := processTraces(t, t.Context(), keyed(), traceOf(map[string]any{"chronicle.redaction": `{"v":1,"passes":[{"policy":"maria"}]}`}))
	assert.NotContains(t, spell(t, next.AllTraces()[0]), "maria")
}

// TestNoKey: without its key the processor does not start.
func TestNoKey(t *testing.T) {
	for _, cfg := range []*Config{{KeyEnv: "CHRONICLE_NO_SUCH_KEY"}, {KeyFile: "testdata/none"}, {KeyFile: filepath.Join("testdata", "config.yaml"), PolicyFile: "none"}} {
		p, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
		require.NoError(t, err)
		require.Error(t, p.Start(t.Context(), componenttest.NewNopHost()))
	}
	t.Setenv("CHRONICLE_SHORT_KEY", "short")
	p, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), &Config{KeyEnv: "CHRONICLE_SHORT_KEY"}, consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, p.Start(t.Context(), componenttest.NewNopHost()), "at least 32 are needed")
}

// TestMetrics: what was done is counted, by rule and by reason.
func TestMetrics(t *testing.T) {
	_, telemetry := processTraces(t, t.Context(), keyed(), traceOf(map[string]any{"to": "maria.keller@kestrel.de and 8.8.8.8", "zip": []byte("\x1f\x8bxyz")}))
	traces := attribute.String("signal", "traces")
	metadatatest.AssertEqualProcessorChronicleRedactionItems(t, telemetry,
		[]metricdata.DataPoint[int64]{{Value: 1, Attributes: attribute.NewSet(traces)}}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorChronicleRedactionItemsChanged(t, telemetry,
		[]metricdata.DataPoint[int64]{{Value: 1, Attributes: attribute.NewSet(traces)}}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorChronicleRedactionValuesReplaced(t, telemetry, []metricdata.DataPoint[int64]{
		{Value: 1, Attributes: attribute.NewSet(traces, attribute.String("rule", "email"))},
		{Value: 1, Attributes: attribute.NewSet(traces, attribute.String("rule", "ipv4"))},
	}, metricdatatest.IgnoreTimestamp())
	metadatatest.AssertEqualProcessorChronicleRedactionOpaqueValues(t, telemetry, []metricdata.DataPoint[int64]{
		{Value: 1, Attributes: attribute.NewSet(traces, attribute.String("reason", "packed"))},
	}, metricdatatest.IgnoreTimestamp())
}

// TestConcurrent: many batches at once come out as one after the other does.
func TestConcurrent(t *testing.T) {
	p, err := NewFactory().CreateTraces(t.Context(), processortest.NewNopSettings(metadata.Type), keyed(), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 20 {
				td := traceOf(map[string]any{"to": "maria.keller@kestrel.de", "chronicle.input": `{"pan":"4539 1488 0343 6467"}`})
				assert.NoError(t, p.ConsumeTraces(context.Background(), td))
				assert.Equal(t, "mm9r9axwfstt6p4ym@dih54qp.example.com", text(attributesOf(td), "to"))
			}
		})
	}
	workers.Wait()
	require.NoError(t, p.Shutdown(t.Context()))
}

// FuzzPayload: no payload stops the processor, whatever stands in it.
func FuzzPayload(f *testing.F) {
	f.Add(`{"to":"maria.keller@kestrel.de"}`)
	f.Add("[1,\"\\ud800\",{")
	p, err := NewFactory().CreateTraces(context.Background(), processortest.NewNopSettings(metadata.Type), keyed(), consumertest.NewNop())
	require.NoError(f, err)
	require.NoError(f, p.Start(context.Background(), componenttest.NewNopHost()))
	f.Fuzz(func(t *testing.T, payload string) {
		td := traceOf(map[string]any{"chronicle.input": payload, "chronicle.stream": payload, "text": payload, payload: "x"})
		require.NoError(t, p.ConsumeTraces(context.Background(), td))
		for key, v := range attributesOf(td).All() {
			assert.NotContains(t, v.AsString(), `"why":"error"`, key)
		}
	})
}

// BenchmarkTraces measures a batch of 100 spans of 4 KB with a private value each.
func BenchmarkTraces(b *testing.B) {
	p, err := NewFactory().CreateTraces(b.Context(), processortest.NewNopSettings(metadata.Type), keyed(), consumertest.NewNop())
	require.NoError(b, err)
	require.NoError(b, p.Start(b.Context(), componenttest.NewNopHost()))
	batch := ptrace.NewTraces()
	spans := batch.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 100 {
		payload := `{"to":"maria.keller@kestrel.de","text":"` + strings.Repeat("The quick brown fox jumps over 13 lazy dogs. ", 90) + `"}`
		spans.AppendEmpty().Attributes().PutStr("chronicle.input", payload)
	}
	b.SetBytes(int64((&ptrace.ProtoMarshaler{}).TracesSize(batch)))
	for b.Loop() {
		td := ptrace.NewTraces()
		batch.CopyTo(td)
		require.NoError(b, p.ConsumeTraces(b.Context(), td))
	}
}

// BenchmarkLogs measures a batch of 100 log records.
func BenchmarkLogs(b *testing.B) {
	p, err := NewFactory().CreateLogs(b.Context(), processortest.NewNopSettings(metadata.Type), keyed(), consumertest.NewNop())
	require.NoError(b, err)
	require.NoError(b, p.Start(b.Context(), componenttest.NewNopHost()))
	for b.Loop() {
		ld := plog.NewLogs()
		records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for range 100 {
			records.AppendEmpty().Body().SetStr("mail to maria.keller@kestrel.de took 12 ms")
		}
		require.NoError(b, p.ConsumeLogs(b.Context(), ld))
	}
}
