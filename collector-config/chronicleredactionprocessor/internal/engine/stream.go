package engine

import (
	"strconv"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/jsonlex"
)

// stream looks at a recorded stream: each text has the context of its first piece in the frames, events are lengths and
// times.
func (d *walk) stream(name *detect.Name) {
	next := int(d.tokens[0].Next)
	contexts := make(map[int]*detect.Name)
	frames := 0
	for at := 1; at < next; at = int(d.tokens[at+1].Next) {
		if string(d.decoded(&d.tokens[at])) == "frames" {
			frames = at + 1
		}
	}
	if frames > 0 {
		d.pieces(frames, name, contexts)
	}
	for at := 1; at < next; at = int(d.tokens[at+1].Next) {
		d.streamMember(string(d.decoded(&d.tokens[at])), at+1, name, contexts)
	}
}

func (d *walk) streamMember(member string, i int, name *detect.Name, contexts map[int]*detect.Name) {
	array := d.tokens[i].Kind == jsonlex.Array
	switch {
	case member == "events" && array:
		d.events(i)
	case member == "texts" && array:
		number := 0
		for at := i + 1; at < int(d.tokens[i].Next); at = int(d.tokens[at].Next) {
			context := contexts[number]
			if context == nil {
				context = name
			}
			d.value(at, context, 2)
			number++
		}
	case member == "frames" || member == "head":
		d.value(i, name, 1)
	default:
		d.value(i, d.w.names.Name(member), 1)
	}
}

// pieces notes under which name each text has its first piece.
func (d *walk) pieces(i int, name *detect.Name, contexts map[int]*detect.Name) {
	type place struct {
		token int
		name  *detect.Name
	}
	stack := []place{{i, name}}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		token := &d.tokens[p.token]
		var below []place
		switch token.Kind {
		case jsonlex.Array:
			for at := p.token + 1; at < int(token.Next); at = int(d.tokens[at].Next) {
				below = append(below, place{at, p.name})
			}
		case jsonlex.Object:
			if d.pieceMarker(p.token, p.name, contexts) {
				continue
			}
			for at := p.token + 1; at < int(token.Next); at = int(d.tokens[at+1].Next) {
				below = append(below, place{at + 1, d.nameOf(&d.tokens[at])})
			}
		}
		for k := len(below) - 1; k >= 0; k-- {
			stack = append(stack, below[k])
		}
	}
}

func (d *walk) pieceMarker(i int, name *detect.Name, contexts map[int]*detect.Name) bool {
	next := int(d.tokens[i].Next)
	if i+1 >= next || int(d.tokens[i+2].Next) != next || string(d.raw(&d.tokens[i+1])) != `"$chronicle.piece"` {
		return false
	}
	if found := firstInt.Find(d.raw(&d.tokens[i+2])); found != nil {
		number, _ := strconv.Atoi(string(found))
		if contexts[number] == nil {
			contexts[number] = name
		}
	}
	return true
}

func (d *walk) events(i int) {
	for event := i + 1; event < int(d.tokens[i].Next); event = int(d.tokens[event].Next) {
		kind := d.tokens[event].Kind
		if kind != jsonlex.Array && kind != jsonlex.Object {
			continue
		}
		for at := event + 1; at < int(d.tokens[event].Next); at = int(d.tokens[at].Next) {
			if d.tokens[at].Kind == jsonlex.Name {
				continue
			}
			if d.tokens[at].Kind != jsonlex.Number {
				d.value(at, detect.NoName, 3)
			}
		}
	}
}
