package walk

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
)

// Summary is what was done to a batch.
type Summary struct {
	Tally   *detect.Tally
	Items   int64
	Changed int64
}

// NewSummary returns an empty one.
func NewSummary() *Summary { return &Summary{Tally: detect.NewTally()} }

func (s *Summary) add(tally *detect.Tally) {
	s.Items++
	if !tally.Empty() {
		s.Changed++
	}
	s.Tally.Merge(tally)
}

// ResourceSpans redacts the spans of one resource, and the resource. Spans above a number of bytes lose their largest
// strings.
func (p *Places) ResourceSpans(rs ptrace.ResourceSpans, maxSpanBytes int, summary *Summary) {
	tally := detect.NewTally()
	p.attributes(rs.Resource().Attributes(), tally, false)
	p.set(rs.SchemaUrl(), rs.SetSchemaUrl, tally)
	for _, ss := range rs.ScopeSpans().All() {
		p.instrumentation(ss.Scope(), tally)
		p.set(ss.SchemaUrl(), ss.SetSchemaUrl, tally)
		for _, span := range ss.Spans().All() {
			p.span(span, maxSpanBytes, summary)
		}
	}
	summary.Tally.Merge(tally)
}

func (p *Places) instrumentation(scope pcommon.InstrumentationScope, tally *detect.Tally) {
	p.set(scope.Name(), scope.SetName, tally)
	p.set(scope.Version(), scope.SetVersion, tally)
	p.attributes(scope.Attributes(), tally, false)
}

func (p *Places) span(span ptrace.Span, maxSpanBytes int, summary *Summary) {
	tally := detect.NewTally()
	p.set(span.Name(), span.SetName, tally)
	p.traceState(span.TraceState(), tally)
	for _, event := range span.Events().All() {
		p.set(event.Name(), event.SetName, tally)
		p.attributes(event.Attributes(), tally, false)
	}
	for _, link := range span.Links().All() {
		p.traceState(link.TraceState(), tally)
		p.attributes(link.Attributes(), tally, false)
	}
	p.set(span.Status().Message(), span.Status().SetMessage, tally)
	p.attributes(span.Attributes(), tally, true)
	shrink(span, maxSpanBytes, tally)
	p.report(span.Attributes(), tally)
	summary.add(tally)
}

// traceState drops the members that the policy does not keep; a recorder's own holds a run id.
func (p *Places) traceState(state pcommon.TraceState, tally *detect.Tally) {
	raw := state.AsRaw()
	if raw == "" {
		return
	}
	var kept []string
	for member := range strings.SplitSeq(raw, ",") {
		member = strings.TrimSpace(member)
		if member == "" {
			continue
		}
		key, value, _ := strings.Cut(member, "=")
		switch {
		case key == chronicleMember && runID.MatchString(value):
			kept = append(kept, member)
		case p.scope.states != nil && p.scope.states.MatchString(key):
			kept = append(kept, key+"="+p.text(value, "", tally))
		default:
			tally.Rules["trace_state"]++
		}
	}
	if made := strings.Join(kept, ","); made != raw {
		state.FromRaw(made)
	}
}

// ResourceLogs redacts the log records of one resource, and the resource.
func (p *Places) ResourceLogs(rl plog.ResourceLogs, summary *Summary) {
	tally := detect.NewTally()
	p.attributes(rl.Resource().Attributes(), tally, false)
	p.set(rl.SchemaUrl(), rl.SetSchemaUrl, tally)
	for _, sl := range rl.ScopeLogs().All() {
		p.instrumentation(sl.Scope(), tally)
		p.set(sl.SchemaUrl(), sl.SetSchemaUrl, tally)
		for _, record := range sl.LogRecords().All() {
			p.record(record, summary)
		}
	}
	summary.Tally.Merge(tally)
}

func (p *Places) record(record plog.LogRecord, summary *Summary) {
	tally := detect.NewTally()
	p.set(record.SeverityText(), record.SetSeverityText, tally)
	p.set(record.EventName(), record.SetEventName, tally)
	p.value(record.Body(), "", tally)
	p.attributes(record.Attributes(), tally, false)
	summary.add(tally)
}
