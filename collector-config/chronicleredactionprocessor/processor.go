package chronicleredactionprocessor // import "github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/metadata"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/walk"
)

// redaction redacts batches. It holds no state between them, and is safe for concurrent use.
type redaction struct {
	cfg       *Config
	signal    attribute.KeyValue
	telemetry *metadata.TelemetryBuilder
	tenants   *tenants
}

func newRedaction(set processor.Settings, cfg *Config, signal string) (*redaction, error) {
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &redaction{cfg: cfg, signal: attribute.String("signal", signal), telemetry: telemetry}, nil
}

// start reads the policy again, and the key: without one, the processor does not start.
func (r *redaction) start(context.Context, component.Host) (err error) {
	r.tenants, err = newTenants(r.cfg)
	return err
}

func (r *redaction) shutdown(context.Context) error {
	r.telemetry.Shutdown()
	return nil
}

func (r *redaction) processTraces(ctx context.Context, td ptrace.Traces) (ptrace.Traces, error) {
	summary := walk.NewSummary()
	for _, rs := range td.ResourceSpans().All() {
		r.tenants.of(ctx, rs.Resource()).ResourceSpans(rs, r.cfg.MaxSpanBytes, summary)
	}
	r.count(ctx, summary)
	return td, nil
}

func (r *redaction) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	summary := walk.NewSummary()
	for _, rl := range ld.ResourceLogs().All() {
		r.tenants.of(ctx, rl.Resource()).ResourceLogs(rl, summary)
	}
	r.count(ctx, summary)
	return ld, nil
}

func (r *redaction) count(ctx context.Context, summary *walk.Summary) {
	signal := metric.WithAttributes(r.signal)
	r.telemetry.ProcessorChronicleRedactionItems.Add(ctx, summary.Items, signal)
	r.telemetry.ProcessorChronicleRedactionItemsChanged.Add(ctx, summary.Changed, signal)
	r.telemetry.ProcessorChronicleRedactionBytesScanned.Add(ctx, summary.Tally.Bytes, signal)
	for rule, n := range summary.Tally.Rules {
		r.telemetry.ProcessorChronicleRedactionValuesReplaced.Add(ctx, n, metric.WithAttributes(r.signal, attribute.String("rule", rule)))
	}
	for reason, n := range summary.Tally.Opaque {
		r.telemetry.ProcessorChronicleRedactionOpaqueValues.Add(ctx, n, metric.WithAttributes(r.signal, attribute.String("reason", reason)))
	}
}
