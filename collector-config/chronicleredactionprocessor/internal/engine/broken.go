package engine

import (
	"slices"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/jsonlex"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/view"
)

// cuts are the lengths at which stores and SDKs are known to cut.
var cuts = func() map[int]bool {
	known := make(map[int]bool)
	for _, n := range []int{
		128, 255, 256, 512, 1000, 1024, 2000, 2048, 4095, 4096, 8191, 8192, 10000, 16384, 25000, 25600, 32766, 32768, 64000, 65535, 65536, 131072, 262144,
	} {
		known[n] = true
	}
	return known
}()

// textFrom returns where the text begins that a broken document ends in: what was read last may belong to it.
func textFrom(data []byte, document *jsonlex.Document) int {
	switch {
	case document.Named:
		return int(document.OpenName.Start)
	case document.HasLast && firstByte(data[document.Last.End:document.At]) == 0:
		return int(document.Last.Start)
	}
	return document.At
}

// broken returns the edits on a document that breaks off or goes wrong: what came before the break is a document, the
// rest a text; a value that was cut off is masked.
func (w *worker) broken(data []byte, document *jsonlex.Document, name *detect.Name, cut bool) []view.Edit {
	edits := w.document(data, document, name, 0, false)
	at := document.At
	stack := w.stack()
	defer w.unstack(stack)
	rest := data[at:]
	if len(rest) > 0 && rest[0] == '"' {
		if document.Named {
			open := document.OpenName
			name = w.names.NameOf(data[open.Start+1 : open.End-1])
		}
		at++
		rest = stack.String(data[at:])
	} else {
		at = textFrom(data, document)
		rest = data[at:]
		edits = slices.DeleteFunc(edits, func(e view.Edit) bool { return int(e.End) > at })
	}
	found := w.text(rest, name, 0)
	if cut || cuts[len(data)] {
		found = w.names.MaskEnd(rest, found)
	}
	for _, e := range stack.Down(found) {
		edits = append(edits, view.Edit{Start: e.Start + int32(at), End: e.End + int32(at), New: e.New})
	}
	return edits
}
