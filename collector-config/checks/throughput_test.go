package checks

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor"
)

// blocked is a dozen patterns of the kind that users of contrib's processor write.
var blocked = []string{
	`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`,
	`\b4[0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b`,
	`\b5[1-5][0-9]{2}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b`,
	`\b3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}\b`,
	`\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b`,
	`\b(?:\+?1[ .-]?)?\(?[2-9][0-9]{2}\)?[ .-]?[0-9]{3}[ .-]?[0-9]{4}\b`,
	`\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b`,
	`\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b`,
	`\b(?:[0-9a-fA-F]{1,4}:){2,7}[0-9a-fA-F]{1,4}\b`,
	`\bgh[pousr]_[A-Za-z0-9]{36}\b`,
	`\bsk-[A-Za-z0-9_-]{20,}`,
	`\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`,
}

var sentences = []string{
	"The run of 2026-11-14T09:12:44.120Z took 1,284 ms and returned 37 rows from orders_2026 (offset 1200).",
	"Agent build 4.18.2 asked gpt-5-mini for a plan; the tool list_orders was called with limit=50, cursor=eyJwIjoz.",
	`def total(rows): return sum(row['qty'] * row['price'] for row in rows if row['state'] != \"void\")`,
	"See docs/runbooks/queue-depth.md, section 4.2, and the dashboard at http://10.2.0.14:3000/d/queue?from=now-6h&to=now.",
	"Customer asked why the invoice of last month shows a second delivery; the warehouse says one parcel was returned.",
	"trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7 status=OK latency_ms=251.4 tokens=1834/212",
}

var privates = []string{
	"maria.keller@kestrel.de", "4539 1488 0343 6467", "+1 212-867-5309", "DE89 3704 0044 0532 0130 00", "219-09-9999", "8.8.8.8",
	"https://portal.kestrel.de/users/maria?token=a1b2c3d4e5f6", "ghp_a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6", "2001:4860:4860::8888",
}

// payload makes 16 KB of messages with a private value every so many bytes, 0 for none.
func payload(every int) string {
	var out strings.Builder
	out.WriteString(`{"model":"gpt-5-mini","temperature":0.7,"messages":[`)
	next := every
	for i := 0; out.Len() < 16<<10; i++ {
		fmt.Fprintf(&out, `{"role":"user","id":"msg_%d","created_at":%d,"content":"`, i, 1732233600+i)
		for k := range 6 {
			out.WriteString(sentences[(i+k)%len(sentences)])
			if every > 0 && out.Len() > next {
				out.WriteString(" (" + privates[next/every%len(privates)] + ")")
				next += every
			}
			out.WriteString(`\n`)
		}
		out.WriteString(`"},`)
	}
	return strings.TrimSuffix(out.String(), ",") + "]}"
}

func start(b *testing.B, factory processor.Factory, cfg component.Config) processor.Traces {
	b.Helper()
	made, err := factory.CreateTraces(b.Context(), processortest.NewNopSettings(factory.Type()), cfg, consumertest.NewNop())
	require.NoError(b, err)
	require.NoError(b, made.Start(b.Context(), componenttest.NewNopHost()))
	b.Cleanup(func() { require.NoError(b, made.Shutdown(context.WithoutCancel(b.Context()))) })
	return made
}

// spans makes a batch of ten spans that hold a payload each.
func spans(text string) ptrace.Traces {
	td := ptrace.NewTraces()
	list := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 10 {
		span := list.AppendEmpty()
		span.SetName("step")
		span.Attributes().PutStr("gen_ai.input.messages", text)
	}
	return td
}

// processorTime returns the seconds of processor time that this process has used: wall time says little on a shared machine.
func processorTime() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// BenchmarkBesideContrib runs the same spans through our processor and contrib's redaction processor with a dozen patterns,
// in turns. A ratio of the two holds on any machine: at least 12 for clean payloads, 4 with a private value per KB, and 4
// with one per 250 bytes.
func BenchmarkBesideContrib(b *testing.B) {
	b.Setenv("BENCH_REDACTION_KEY", strings.Repeat("0", 32))
	ourConfig := chronicleredactionprocessor.NewFactory().CreateDefaultConfig().(*chronicleredactionprocessor.Config)
	ourConfig.KeyEnv, ourConfig.Tenant.Default = "BENCH_REDACTION_KEY", "acme"
	theirConfig := redactionprocessor.NewFactory().CreateDefaultConfig().(*redactionprocessor.Config)
	theirConfig.AllowAllKeys, theirConfig.BlockedValues = true, blocked
	for _, c := range []struct {
		name  string
		every int
	}{{"clean", 0}, {"personal", 1000}, {"dense", 250}} {
		b.Run(c.name, func(b *testing.B) {
			ours := start(b, chronicleredactionprocessor.NewFactory(), ourConfig)
			theirs := start(b, redactionprocessor.NewFactory(), theirConfig)
			text := payload(c.every)
			var seconds [2]float64
			rounds := 0
			for b.Loop() {
				for i, p := range []processor.Traces{ours, theirs} {
					for range []int{4, 1}[i] {
						td := spans(text)
						before := processorTime()
						require.NoError(b, p.ConsumeTraces(b.Context(), td))
						seconds[i] += processorTime() - before
					}
				}
				rounds++
			}
			size := float64(10*len(text)*rounds) / 1e6
			b.ReportMetric(4*size/seconds[0], "ours-MB/s")
			b.ReportMetric(size/seconds[1], "contrib-MB/s")
			b.ReportMetric(4*seconds[1]/seconds[0], "ratio")
		})
	}
}
