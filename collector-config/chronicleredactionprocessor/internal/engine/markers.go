package engine

import (
	"bytes"
	"regexp"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/jsonlex"
)

const ws = `[ \t\r\n]*`

// The exact grammar of the wire format's markers: what fits is ours and not scanned, anything else is data.
var (
	reference = regexp.MustCompile(`^` + ws + `\[` + ws + `(?:[0-9]{1,9}|\[` + ws + `"[0-9a-f]{32}"` + ws + `,` + ws + `[0-9]{1,9}` + ws + `\])` + ws + `,` +
		ws + `"[a-z.]{1,32}"` + ws + `,` + ws + `\[[0-9, \t\r\n]*\]` +
		`(?:` + ws + `,` + ws + `(?:[0-9]{1,9}|"[a-z.]{1,32}"|\[(?:` + ws + `"[0-9a-f]{32}"` + ws + `,)?[0-9, \t\r\n]*\])){0,6}` + ws + `\]$`)
	longNumber   = regexp.MustCompile(`[0-9]{10}`)
	runID        = regexp.MustCompile(`"[0-9a-f]{32}"`)
	piece        = regexp.MustCompile(`^(?:null|[0-9]{1,9}|\[` + ws + `[0-9]{1,9}` + ws + `\])$`)
	opaqueMarker = regexp.MustCompile(`^(?:\{"\$chronicle\.opaque":\{"why":"[a-z]{1,16}","size":[0-9]{1,9}\}\}|\[\]|\{\})$`)
	firstInt     = regexp.MustCompile(`[0-9]{1,9}`)

	clock = regexp.MustCompile(`^"[0-9]{1,4}[-:][0-9]{2}[-:T.+Z0-9]{0,40}"$`)
	float = regexp.MustCompile(`^"[-+0-9.einfaj()]{1,60}"$`)
	typed = map[string]*regexp.Regexp{
		`"UUID"`: regexp.MustCompile(`^"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"$`), `"datetime"`: clock, `"date"`: clock, `"time"`: clock,
		`"float"`: float, `"complex"`: float,
	}
)

func (d *walk) raw(token *jsonlex.Token) []byte { return d.data[token.Start:token.End] }

// marker handles an object of one member that is one of our markers; false if it is data.
func (d *walk) marker(first, next int, name *detect.Name, depth int) bool {
	if first >= next || int(d.tokens[first+1].Next) != next {
		return false
	}
	member := d.raw(&d.tokens[first])
	if !bytes.HasPrefix(member, []byte(`"$chronicle.`)) {
		return false
	}
	content := d.raw(&d.tokens[first+1])
	switch string(member) {
	case `"$chronicle.ref"`:
		return reference.Match(content) && !longNumber.Match(runID.ReplaceAll(content, nil))
	case `"$chronicle.piece"`:
		return piece.Match(content)
	case `"$chronicle.type"`:
		return d.typedValue(first+1, name, depth)
	}
	return false
}

// typedValue handles a value that JSON cannot carry: its elements have the context of the whole, and those of types
// that hold nothing private are passed over.
func (d *walk) typedValue(i int, name *detect.Name, depth int) bool {
	if d.tokens[i].Kind != jsonlex.Array || depth+1 > d.w.limits.Depth {
		return false
	}
	if !d.plainType(i+1, int(d.tokens[i].Next)) {
		context := detect.NoName // the type's name
		for at := i + 1; at < int(d.tokens[i].Next); at = int(d.tokens[at].Next) {
			d.value(at, context, depth+1)
			context = name
		}
	}
	return true
}

func (d *walk) plainType(first, next int) bool {
	if first >= next {
		return false
	}
	form := typed[string(d.raw(&d.tokens[first]))]
	if form == nil {
		return false
	}
	for at := int(d.tokens[first].Next); at < next; at = int(d.tokens[at].Next) {
		if token := &d.tokens[at]; token.Kind == jsonlex.String && !form.Match(d.raw(token)) {
			return false
		}
	}
	return true
}
