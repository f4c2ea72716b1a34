package engine

import (
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/jsonlex"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/view"
)

// text returns the edits on a text under a name; used is the number of layers that hold it already.
func (w *worker) text(data []byte, name *detect.Name, used int) []view.Edit {
	if len(data) == 0 || name.Sealed && sealed(data) {
		return nil
	}
	if name.Key == nil {
		if edits, ok := w.nestedDocument(data, name, used); ok {
			return edits
		}
	}
	stack := w.stack()
	defer w.unstack(stack)
	decoded, within := stack.Decode(data, w.limits.Layers-used)
	if !within {
		return w.opaqueText(data, "layers")
	}
	used += stack.Depth()
	if stack.Depth() > 0 && name.Key == nil && used < w.limits.Layers {
		if edits, ok := w.nestedDocument(decoded, name, used); ok {
			return stack.Down(edits)
		}
	}
	return stack.Down(w.view(stack.Fold(decoded), name, used))
}

const leastSealed = 16

// sealed reports whether a text looks like what providers sign or encrypt; what does not is scanned, whatever its name says.
func sealed(data []byte) bool {
	if len(data) < leastSealed {
		return false
	}
	for _, c := range data {
		if !sealedBytes[c] {
			return false
		}
	}
	return true
}

var sealedBytes = func() (class [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_.:-") {
		class[c] = true
	}
	return class
}()

func (w *worker) opaqueText(data []byte, why string) []view.Edit {
	w.tally.AddOpaque(why)
	return []view.Edit{{Start: 0, End: int32(len(data)), New: w.redactor.rules.StandIn}}
}

// nestedDocument returns the edits on a text that is a JSON document itself.
func (w *worker) nestedDocument(data []byte, name *detect.Name, used int) ([]view.Edit, bool) {
	if c := data[0]; c != '{' && c != '[' && c != '"' {
		return nil, false
	}
	document := w.lex()
	defer w.unlex(document)
	if !jsonlex.Lex(data, document) || document.Depth > w.limits.Depth {
		return nil, false
	}
	if used+1 > w.limits.Layers {
		return w.opaqueText(data, "layers"), true
	}
	return w.document(data, document, name, used+1, false), true
}

// view returns the edits on a decoded and folded text.
func (w *worker) view(text []byte, name *detect.Name, used int) []view.Edit {
	scanner := w.scanner()
	defer w.unscan(scanner)
	if name.Key != nil {
		edit, changed := scanner.Whole(text, name, w.tally)
		if !changed {
			return nil
		}
		return []view.Edit{edit}
	}
	edits := scanner.Scan(text, name, w.tally, w, used)
	if len(edits) == 0 {
		return nil
	}
	return append([]view.Edit(nil), edits...)
}

// Nest redacts the decoded bytes of an encoded run.
func (w *worker) Nest(decoded []byte, name *detect.Name, used int) ([]byte, detect.Outcome) {
	if used+1 > w.limits.Layers {
		w.tally.AddOpaque("layers")
		return nil, detect.Over
	}
	inner := w.text(decoded, name, used+1)
	if len(inner) == 0 {
		return nil, detect.Unchanged
	}
	return view.Apply(decoded, inner), detect.Changed
}

// The memory of a worker: what is taken is given back, the last first.

func (w *worker) scanner() *detect.Scanner {
	if n := len(w.scanners); n > 0 {
		s := w.scanners[n-1]
		w.scanners = w.scanners[:n-1]
		return s
	}
	return w.names.Another()
}

func (w *worker) unscan(s *detect.Scanner) { w.scanners = append(w.scanners, s) }

func (w *worker) stack() *view.Stack {
	if n := len(w.stacks); n > 0 {
		s := w.stacks[n-1]
		w.stacks = w.stacks[:n-1]
		s.Reset()
		return s
	}
	return &view.Stack{}
}

func (w *worker) unstack(s *view.Stack) { w.stacks = append(w.stacks, s) }

func (w *worker) lex() *jsonlex.Document {
	if n := len(w.lexed); n > 0 {
		d := w.lexed[n-1]
		w.lexed = w.lexed[:n-1]
		return d
	}
	return &jsonlex.Document{}
}

func (w *worker) unlex(d *jsonlex.Document) { w.lexed = append(w.lexed, d) }
