package engine

import (
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/jsonlex"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/view"
)

// walk is the walk through one document.
type walk struct {
	w      *worker
	data   []byte
	tokens []jsonlex.Token
	used   int
	edits  []view.Edit
}

// document returns the edits on a document, in order.
func (w *worker) document(data []byte, document *jsonlex.Document, name *detect.Name, used int, stream bool) []view.Edit {
	if len(document.Tokens) == 0 {
		return nil
	}
	d := &walk{w: w, data: data, tokens: document.Tokens, used: used}
	if stream && d.tokens[0].Kind == jsonlex.Object {
		d.stream(name)
	} else {
		d.value(0, name, 0)
	}
	return d.edits
}

// value looks at the value that begins with a token; depth is the number of containers around it.
func (d *walk) value(i int, name *detect.Name, depth int) {
	token := &d.tokens[i]
	switch token.Kind {
	case jsonlex.String:
		d.string(token, name)
	case jsonlex.Number:
		if made, changed := d.w.names.Number(d.data[token.Start:token.End], name, d.w.tally); changed {
			d.edit(token.Start, token.End, made)
		}
	case jsonlex.Array, jsonlex.Object:
		switch {
		case depth+1 > d.w.limits.Depth:
			if opaqueMarker.Match(d.raw(token)) {
				return
			}
			d.w.tally.AddOpaque("depth")
			d.edit(token.Start, token.End, d.tooDeep(token))
		case token.Kind == jsonlex.Array:
			d.array(i, name, depth+1)
		default:
			d.object(i, name, depth+1)
		}
	}
}

func (d *walk) edit(start, end int32, text string) {
	d.edits = append(d.edits, view.Edit{Start: start, End: end, New: text})
}

func (d *walk) tooDeep(token *jsonlex.Token) string {
	if d.w.redactor.policy.OnLimit != "drop" {
		return OpaqueMarker("depth", int(token.End-token.Start))
	}
	if token.Kind == jsonlex.Object {
		return "{}"
	}
	return "[]"
}

// string looks at the content of a string.
func (d *walk) string(token *jsonlex.Token, name *detect.Name) {
	for _, e := range d.content(token, name) {
		d.edit(e.Start+token.Start+1, e.End+token.Start+1, e.New)
	}
}

// content returns the edits on what stands between the quotes of a string.
func (d *walk) content(token *jsonlex.Token, name *detect.Name) []view.Edit {
	inner := d.data[token.Start+1 : token.End-1]
	if !token.Escaped {
		edits := d.w.text(inner, name, d.used)
		for i := range edits {
			edits[i].New = view.JSONEscape(edits[i].New)
		}
		return edits
	}
	stack := d.w.stack()
	defer d.w.unstack(stack)
	return stack.Down(d.w.text(stack.String(inner), name, d.used))
}

// decoded returns what stands between the quotes of a string, its escapes read.
func (d *walk) decoded(token *jsonlex.Token) []byte {
	inner := d.data[token.Start+1 : token.End-1]
	if !token.Escaped {
		return inner
	}
	var layer view.Layer
	layer.Unescape(inner)
	return layer.Out
}

func (d *walk) array(i int, name *detect.Name, depth int) {
	first, next := i+1, int(d.tokens[i].Next)
	split := d.splitCards(first, next)
	pair := d.pairName(first, next, name)
	for at, element := first, 0; at < next; at, element = int(d.tokens[at].Next), element+1 {
		token := &d.tokens[at]
		if split[int32(at)] {
			d.w.tally.AddOpaque("split")
			d.edit(token.Start+1, token.End-1, d.w.redactor.rules.StandIn)
			continue
		}
		if element == 1 && pair != nil {
			d.value(at, pair, depth)
			continue
		}
		d.value(at, name, depth)
	}
}

// pairName returns the context of the second of two elements of which the first is a name; nil where they are no pair.
func (d *walk) pairName(first, next int, name *detect.Name) *detect.Name {
	if first >= next || d.tokens[first].Kind != jsonlex.String || first+1 >= next || int(d.tokens[first+1].Next) != next {
		return nil
	}
	return d.saidBy(first, name)
}

const maxSaid = 64

// saidBy returns what a string says as a name, or the context that holds without it.
func (d *walk) saidBy(i int, otherwise *detect.Name) *detect.Name {
	text := d.decoded(&d.tokens[i])
	if len(text) == 0 || len(text) > maxSaid {
		return otherwise
	}
	for _, c := range text {
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			return otherwise
		}
	}
	if said := d.w.names.Name(string(text)); said.SaysSomething() {
		return said
	}
	return otherwise
}

func (d *walk) object(i int, name *detect.Name, depth int) {
	first, next := i+1, int(d.tokens[i].Next)
	if d.marker(first, next, name, depth) {
		return
	}
	valueAt, said := d.namedValue(first, next)
	var rewritten []renamed
	for at := first; at < next; at = int(d.tokens[at+1].Next) {
		member := &d.tokens[at]
		if edits := d.content(member, detect.NoName); len(edits) > 0 {
			made := string(view.Apply(d.data[member.Start+1:member.End-1], edits))
			rewritten = append(rewritten, renamed{token: at, edit: len(d.edits), name: made})
			d.edit(member.Start+1, member.End-1, made)
		}
		below := said
		if at+1 != valueAt {
			below = d.nameOf(member)
		}
		d.value(at+1, below, depth)
	}
	if len(rewritten) > 0 {
		d.keepApart(first, next, rewritten)
	}
}

func (d *walk) nameOf(member *jsonlex.Token) *detect.Name {
	return d.w.names.NameOf(d.decoded(member))
}

// namedValue returns the token of `value` beside a `name` or `key`, and the context that this gives it; 0 if there is
// none.
func (d *walk) namedValue(first, next int) (int, *detect.Name) {
	if first >= next {
		return 0, nil
	}
	second := int(d.tokens[first+1].Next)
	if second >= next || int(d.tokens[second+1].Next) != next {
		return 0, nil
	}
	for _, order := range [2][2]int{{first, second}, {second, first}} {
		named := string(d.decoded(&d.tokens[order[1]]))
		if string(d.decoded(&d.tokens[order[0]])) == "value" && (named == "name" || named == "key") &&
			d.tokens[order[1]+1].Kind == jsonlex.String {
			return order[0] + 1, d.saidBy(order[1]+1, d.w.names.Name("value"))
		}
	}
	return 0, nil
}
