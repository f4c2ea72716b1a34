package engine

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
)

func newRedactor(tb testing.TB) *Redactor {
	tb.Helper()
	p, err := policy.Default()
	require.NoError(tb, err)
	rules, err := detect.Compile(p)
	require.NoError(tb, err)
	r, err := New(p, rules, []byte(strings.Repeat("0", 32)), "acme")
	require.NoError(tb, err)
	return r
}

// sentences are what agents say and read: words, numbers, dates, ids, paths and code, none of it private.
var sentences = []string{
	"The run of 2026-11-14T09:12:44.120Z took 1,284 ms and returned 37 rows from orders_2026 (offset 1200).",
	"Agent build 4.18.2 asked gpt-5-mini for a plan; the tool list_orders was called with limit=50, cursor=eyJwIjoz.",
	"def total(rows): return sum(row['qty'] * row['price'] for row in rows if row['state'] != 'void')",
	"See docs/runbooks/queue-depth.md, section 4.2, and the dashboard at http://10.2.0.14:3000/d/queue?from=now-6h&to=now.",
	"Customer asked why the invoice of last month shows a second delivery; the warehouse says one parcel was returned.",
	"trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7 status=OK latency_ms=251.4 tokens=1834/212",
}

var privates = []string{
	"maria.keller@kestrel.de", "4539 1488 0343 6467", "+1 212-867-5309", "DE89 3704 0044 0532 0130 00", "219-09-9999", "8.8.8.8",
	"https://portal.kestrel.de/users/maria?token=a1b2c3d4e5f6", "ghp_a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6", "2001:4860:4860::8888",
}

// sample makes a payload of messages with a private value every so many bytes, 0 for none.
func sample(size, every int) string {
	var out strings.Builder
	out.WriteString(`{"model":"gpt-5-mini","temperature":0.7,"messages":[`)
	next, n := every, 0
	for i := 0; out.Len() < size; i++ {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `{"role":"user","id":"msg_%d","created_at":%d,"content":"`, i, 1732233600+i)
		for k := range 6 {
			out.WriteString(strings.ReplaceAll(sentences[(i+k)%len(sentences)], `"`, `\"`))
			if every > 0 && out.Len() > next {
				out.WriteString(" (" + privates[n%len(privates)] + ")")
				n++
				next += every
			}
			out.WriteString(`\n`)
		}
		out.WriteString(`"}`)
	}
	out.WriteString(`]}`)
	return out.String()
}

// cpuTime returns the seconds of processor time that this process has used: wall time says little on a shared machine.
func cpuTime() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// BenchmarkPayload measures payloads of 16 KB: clean, with a private value per KB, and with one per 250 bytes.
func BenchmarkPayload(b *testing.B) {
	for _, c := range []struct {
		name        string
		size, every int
	}{{"clean", 16 << 10, 0}, {"personal", 16 << 10, 1000}, {"dense", 16 << 10, 250}, {"clean2k", 2 << 10, 0}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRedactor(b)
			text := sample(c.size, c.every)
			tally := detect.NewTally()
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			before := cpuTime()
			for b.Loop() {
				r.Payload(text, Options{Name: "chronicle.input"}, tally)
			}
			b.ReportMetric(float64(len(text))*float64(b.N)/1e6/(cpuTime()-before), "MB/cpu-s")
		})
	}
}
