package engine

import (
	"cmp"
	"slices"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/jsonlex"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/view"
)

// Shrink takes the largest strings out of a payload until it is shorter by so many bytes, or holds none that is larger
// than its stand-in. A payload that is no document becomes opaque as a whole.
func Shrink(text string, excess int) string {
	data := []byte(text)
	var document jsonlex.Document
	if !jsonlex.Lex(data, &document) {
		return OpaqueMarker("size", len(text))
	}
	var strings []jsonlex.Token
	for _, token := range document.Tokens {
		if token.Kind == jsonlex.String && int(token.End-token.Start) > len(detect.Opaque)+2 {
			strings = append(strings, token)
		}
	}
	slices.SortStableFunc(strings, func(x, y jsonlex.Token) int { return cmp.Compare(y.End-y.Start, x.End-x.Start) })
	var edits []view.Edit
	for _, token := range strings {
		if excess <= 0 {
			break
		}
		edits = append(edits, view.Edit{Start: token.Start + 1, End: token.End - 1, New: detect.Opaque})
		excess -= int(token.End-token.Start) - 2 - len(detect.Opaque)
	}
	slices.SortFunc(edits, func(x, y view.Edit) int { return cmp.Compare(x.Start, y.Start) })
	return string(view.Apply(data, edits))
}

// SplitCards returns which of some neighbouring texts make a card number together.
func (r *Redactor) SplitCards(texts []string) map[int]bool {
	w := r.workers.Get().(*worker)
	defer r.workers.Put(w)
	pieces := make([]string, len(texts))
	for i, text := range texts {
		pieces[i] = shortDigits([]byte(text))
	}
	return w.splitCards(pieces)
}
