package engine

import (
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

// broken returns the edits on a document that breaks off or goes wrong: what came before the break is a document, the
// rest a text; a value that was cut off is masked.
func (w *worker) broken(data []byte, document *jsonlex.Document, name *detect.Name, cut bool) []view.Edit {
	edits := w.document(data, document, name, 0, false)
	if document.Named {
		open := document.OpenName
		name = w.names.NameOf(data[open.Start+1 : open.End-1])
	}
	at := document.At
	stack := w.stack()
	defer w.unstack(stack)
	rest := data[at:]
	if len(rest) > 0 && rest[0] == '"' {
		at++
		rest = stack.String(data[at:])
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
