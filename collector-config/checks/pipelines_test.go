package checks

import (
	"path/filepath"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/loadbalancingexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/healthcheckextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/forwardconnector"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/otelcol/otelcoltest"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor"
)

func factories(t *testing.T) otelcol.Factories {
	t.Helper()
	made := otelcol.Factories{Telemetry: otelconftelemetry.NewFactory()}
	var err error
	made.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory())
	require.NoError(t, err)
	made.Processors, err = otelcol.MakeFactoryMap[processor.Factory](
		memorylimiterprocessor.NewFactory(), chronicleredactionprocessor.NewFactory(), tailsamplingprocessor.NewFactory(), filterprocessor.NewFactory())
	require.NoError(t, err)
	made.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](
		debugexporter.NewFactory(), otlpexporter.NewFactory(), otlphttpexporter.NewFactory(), fileexporter.NewFactory(), loadbalancingexporter.NewFactory())
	require.NoError(t, err)
	made.Connectors, err = otelcol.MakeFactoryMap[connector.Factory](forwardconnector.NewFactory())
	require.NoError(t, err)
	made.Extensions, err = otelcol.MakeFactoryMap[extension.Factory](healthcheckextension.NewFactory(), filestorage.NewFactory())
	require.NoError(t, err)
	return made
}

// TestPipelines: every pipeline that ships is a valid configuration of the collector that ships. What comes from outside is
// redacted before anything batches, samples or leaves; what comes from another pipeline was redacted there.
func TestPipelines(t *testing.T) {
	t.Setenv("CHRONICLE_QUEUE", t.TempDir())
	t.Setenv("CHRONICLE_ARCHIVE", t.TempDir()+"/spans.jsonl")
	files, err := filepath.Glob("../pipelines/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 7)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cfg, err := otelcoltest.LoadConfigAndValidate(file, factories(t))
			require.NoError(t, err)
			for id, pipeline := range cfg.Service.Pipelines {
				if isForwarded(pipeline.Receivers) {
					continue
				}
				require.GreaterOrEqual(t, len(pipeline.Processors), 2, id)
				assert.Equal(t, "memory_limiter", pipeline.Processors[0].Type().String())
				assert.Equal(t, "chronicle_redaction", pipeline.Processors[1].Type().String())
			}
		})
	}
}

func isForwarded(receivers []component.ID) bool {
	for _, receiver := range receivers {
		if receiver.Type().String() != "forward" {
			return false
		}
	}
	return true
}
