package walk

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/engine"
)

// chunk is the length of the pieces in which a long payload stands.
const chunk = 2000

// payload redacts a payload in any of its forms and returns its new size; the bytes that were missing before are missing
// after, so that a cut stays visible.
func (p *Places) payload(v pcommon.Value, key string, size int64, sized bool, tally *detect.Tally) (newSize int64, changed bool) {
	text, stored, ok := joined(v, size, sized)
	if !ok {
		p.value(v, "", tally)
		return 0, false
	}
	if key == runParentKey && runParent.MatchString(text) {
		return 0, false
	}
	missing := int64(0)
	if sized {
		missing = size - int64(len(text))
	}
	made := p.redactPayload(text, key, missing != 0, tally)
	if made == text {
		return 0, false
	}
	put(v, made, stored)
	return int64(len(made)) + missing, true
}

func (p *Places) redactPayload(text, key string, cut bool, tally *detect.Tally) string {
	if p.redactor != nil {
		return p.redactor.Payload(text, engine.Options{Name: key, Cut: cut, Stream: key == streamKey}, tally)
	}
	tally.AddOpaque("tenant")
	if p.policy.OnLimit == "drop" {
		return "{}"
	}
	return engine.OpaqueMarker("tenant", len(text))
}

// joined returns the text of a payload, and whether a store had turned its list of pieces into text.
func joined(v pcommon.Value, size int64, sized bool) (text string, stored, ok bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		text = v.Str()
		if sized && strings.HasPrefix(text, "[") && int64(len(text)) != size {
			var pieces []string
			if json.Unmarshal([]byte(text), &pieces) == nil {
				if whole := strings.Join(pieces, ""); int64(len(whole)) == size {
					return whole, true, true
				}
			}
		}
		return text, false, true
	case pcommon.ValueTypeSlice:
		var out strings.Builder
		for _, piece := range v.Slice().All() {
			if piece.Type() != pcommon.ValueTypeStr {
				return "", false, false
			}
			out.WriteString(piece.Str())
		}
		return out.String(), false, true
	}
	return "", false, false
}

// put writes a payload's text as the wire format wants it: in pieces where it is long.
func put(v pcommon.Value, text string, stored bool) {
	pieces := cut(text)
	switch {
	case len(pieces) == 1:
		v.SetStr(text)
	case stored:
		spelled, err := json.Marshal(pieces)
		if err != nil {
			v.SetStr(detect.Opaque)
			return
		}
		v.SetStr(string(spelled))
	default:
		list := v.SetEmptySlice()
		list.EnsureCapacity(len(pieces))
		for _, piece := range pieces {
			list.AppendEmpty().SetStr(piece)
		}
	}
}

// cut cuts a text between code points into pieces that stores leave alone.
func cut(text string) []string {
	if len(text) <= chunk {
		return []string{text}
	}
	pieces := make([]string, 0, len(text)/chunk+1)
	for len(text) > chunk {
		end := chunk
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		if end == 0 {
			end = chunk // no text at all; never without an end
		}
		pieces = append(pieces, text[:end])
		text = text[end:]
	}
	return append(pieces, text)
}
