package chronicleredactionprocessor // import "github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor"

import (
	"context"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/metadata"
)

var capabilities = consumer.Capabilities{MutatesData: true}

// NewFactory returns the factory of the processor.
func NewFactory() processor.Factory {
	return processor.NewFactory(
		metadata.Type,
		createDefaultConfig,
		processor.WithTraces(createTraces, metadata.TracesStability),
		processor.WithLogs(createLogs, metadata.LogsStability),
	)
}

func createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	r, err := newRedaction(set, cfg.(*Config), "traces")
	if err != nil {
		return nil, err
	}
	anonymous, err := consumer.NewTraces(func(ctx context.Context, td ptrace.Traces) error {
		return next.ConsumeTraces(withoutClient(ctx), td)
	}, consumer.WithCapabilities(next.Capabilities()))
	if err != nil {
		return nil, err
	}
	return processorhelper.NewTraces(ctx, set, cfg, anonymous, r.processTraces,
		processorhelper.WithCapabilities(capabilities),
		processorhelper.WithStart(r.start),
		processorhelper.WithShutdown(r.shutdown))
}

func createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	r, err := newRedaction(set, cfg.(*Config), "logs")
	if err != nil {
		return nil, err
	}
	anonymous, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
		return next.ConsumeLogs(withoutClient(ctx), ld)
	}, consumer.WithCapabilities(next.Capabilities()))
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, cfg, anonymous, r.processLogs,
		processorhelper.WithCapabilities(capabilities),
		processorhelper.WithStart(r.start),
		processorhelper.WithShutdown(r.shutdown))
}

// withoutClient hands on a context without the sender's metadata and address: a persistent queue writes both to disk,
// bearer tokens included.
func withoutClient(ctx context.Context) context.Context {
	return client.NewContext(ctx, client.Info{})
}
