package view

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Stack holds the layers of one text, the lowest first. The zero value is ready; Reset makes it ready again.
type Stack struct {
	layers []Layer
	used   int
}

// Reset empties the stack and keeps its memory.
func (s *Stack) Reset() { s.used = 0 }

// next returns an empty layer that is not yet part of the stack.
func (s *Stack) next(kind Kind) *Layer {
	if s.used == len(s.layers) {
		s.layers = append(s.layers, Layer{})
	}
	l := &s.layers[s.used]
	l.reset(kind)
	return l
}

// String puts the content of a JSON string on the stack.
func (s *Stack) String(content []byte) []byte {
	l := s.next(JSONString)
	l.Unescape(content)
	s.used++
	return l.Out
}

// Depth is the number of decoded layers.
func (s *Stack) Depth() int { return s.used }

// Decode reads escapes until nothing changes. It stops, and says so, when more than most layers were needed.
func (s *Stack) Decode(text []byte, most int) (decoded []byte, within bool) {
	if bytes.IndexByte(text, '\\') < 0 && bytes.IndexByte(text, '%') < 0 && bytes.IndexByte(text, '&') < 0 {
		return text, true
	}
	first := s.used
	for changed := true; changed; {
		changed = false
		for pass := range passes {
			for {
				next, did := s.pass(text, pass)
				if !did {
					break
				}
				changed = true
				text = next
				if s.used-first > most {
					return text, false
				}
				if pass != percentPass {
					break
				}
			}
		}
	}
	return text, true
}

const (
	jsonPass = iota
	percentPass
	entityPass
	passes
)

func (s *Stack) pass(text []byte, pass int) ([]byte, bool) {
	var l *Layer
	var changed bool
	switch pass {
	case jsonPass:
		if bytes.IndexByte(text, '\\') < 0 {
			return text, false
		}
		l = s.next(JSONText)
		changed = l.unescape(text)
	case percentPass:
		if bytes.IndexByte(text, '%') < 0 {
			return text, false
		}
		l = s.next(Percent)
		changed = l.percent(text)
	default:
		if bytes.IndexByte(text, '&') < 0 {
			return text, false
		}
		l = s.next(Entities)
		changed = l.entities(text)
	}
	if !changed {
		return text, false
	}
	s.used++
	return l.Out, true
}

// Fold reads look-alikes as ASCII; a text without any is returned as it is.
func (s *Stack) Fold(text []byte) []byte {
	if isASCII(text) {
		return text
	}
	l := s.next(Fold)
	l.folded(text)
	s.used++
	return l.Out
}

// isASCII looks at eight bytes at a time.
func isASCII(text []byte) bool {
	const high = 0x8080808080808080
	for len(text) >= 8 {
		if binary.LittleEndian.Uint64(text)&high != 0 {
			return false
		}
		text = text[8:]
	}
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Down takes edits on what the stack decoded to the text that it was given.
func (s *Stack) Down(edits []Edit) []Edit { return Down(s.layers[:s.used], edits) }
