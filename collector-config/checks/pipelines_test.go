package checks

import (
	"path/filepath"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/healthcheckextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
		memorylimiterprocessor.NewFactory(), chronicleredactionprocessor.NewFactory(), tailsamplingprocessor.NewFactory())
	require.NoError(t, err)
	made.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](
		debugexporter.NewFactory(), otlpexporter.NewFactory(), otlphttpexporter.NewFactory(), fileexporter.NewFactory())
	require.NoError(t, err)
	made.Extensions, err = otelcol.MakeFactoryMap[extension.Factory](healthcheckextension.NewFactory(), filestorage.NewFactory())
	require.NoError(t, err)
	return made
}

// TestPipelines: every pipeline that ships is a valid configuration of the collector that ships, and in each of them
// nothing that batches or samples stands before the redactor.
func TestPipelines(t *testing.T) {
	t.Setenv("CHRONICLE_QUEUE", t.TempDir())
	files, err := filepath.Glob("../pipelines/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cfg, err := otelcoltest.LoadConfigAndValidate(file, factories(t))
			require.NoError(t, err)
			for id, pipeline := range cfg.Service.Pipelines {
				require.GreaterOrEqual(t, len(pipeline.Processors), 2, id)
				assert.Equal(t, "memory_limiter", pipeline.Processors[0].Type().String())
				assert.Equal(t, "chronicle_redaction", pipeline.Processors[1].Type().String())
			}
		})
	}
}
