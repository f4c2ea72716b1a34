package walk

import (
	"cmp"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/engine"
)

// smallest is the length below which taking a string out gains nothing.
const smallest = 64

// holder is a string of a span that can be taken out.
type holder struct {
	size int
	take func()
}

// shrink takes the largest strings out of a span that is too large for the next hop, where a batch that holds it would be
// lost. The largest strings inside payloads go before whole payloads: a payload is what later Steps refer to.
func shrink(span ptrace.Span, limit int, tally *detect.Tally) {
	if limit <= 0 {
		return
	}
	var sizer ptrace.ProtoMarshaler
	size := sizer.SpanSize(span)
	if size <= limit {
		return
	}
	for _, find := range []func(ptrace.Span, int, *detect.Tally) []holder{stringHolders, payloadHolders} {
		holders := find(span, size-limit, tally)
		slices.SortStableFunc(holders, func(x, y holder) int { return cmp.Compare(y.size, x.size) })
		for _, h := range holders {
			h.take()
			tally.AddOpaque("size")
			if size = sizer.SpanSize(span); size <= limit {
				return
			}
		}
	}
}

// stringHolders returns the strings of a span; of a payload, all at once that are needed to save so many bytes.
func stringHolders(span ptrace.Span, excess int, tally *detect.Tally) []holder {
	holders := valueHolders(nil, span.Attributes())
	for _, event := range span.Events().All() {
		holders = valueHolders(holders, event.Attributes())
	}
	for _, link := range span.Links().All() {
		holders = valueHolders(holders, link.Attributes())
	}
	for key, v := range span.Attributes().All() {
		if !payloads[key] || key == reportKey {
			continue
		}
		if text, _, ok := joined(v, 0, false); ok && len(text) > smallest {
			holders = append(holders, holder{len(text), func() {
				resize(span.Attributes(), key, v, engine.Shrink(text, excess))
			}})
		}
	}
	return holders
}

// resize writes a shorter payload with its size.
func resize(attributes pcommon.Map, key string, v pcommon.Value, text string) {
	put(v, text, false)
	if size, exists := attributes.Get(key + sizeSuffix); exists {
		size.SetInt(int64(len(text)))
	}
}

func valueHolders(holders []holder, m pcommon.Map) []holder {
	for key, v := range m.All() {
		if !payloads[key] {
			holders = collect(holders, v)
		}
	}
	return holders
}

func collect(holders []holder, v pcommon.Value) []holder {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		if len(v.Str()) > smallest {
			holders = append(holders, holder{len(v.Str()), func() { v.SetStr(detect.Opaque) }})
		}
	case pcommon.ValueTypeBytes:
		if v.Bytes().Len() > smallest {
			holders = append(holders, holder{v.Bytes().Len(), func() { v.SetEmptyBytes() }})
		}
	case pcommon.ValueTypeSlice:
		for _, item := range v.Slice().All() {
			holders = collect(holders, item)
		}
	case pcommon.ValueTypeMap:
		for _, item := range v.Map().All() {
			holders = collect(holders, item)
		}
	}
	return holders
}

// payloadHolders returns the payloads as a whole: what is left of them is structure.
func payloadHolders(span ptrace.Span, _ int, _ *detect.Tally) []holder {
	var holders []holder
	for key, v := range span.Attributes().All() {
		if !payloads[key] || key == reportKey {
			continue
		}
		if text, _, ok := joined(v, 0, false); ok {
			holders = append(holders, holder{len(text), func() {
				resize(span.Attributes(), key, v, engine.OpaqueMarker("size", len(text)))
			}})
		}
	}
	return holders
}
