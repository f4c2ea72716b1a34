package detect

import (
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/view"
)

// Actions of a rule.
const (
	Pseudonymise = "pseudonymise"
	Token        = "token"
	Mask         = "mask"
	Drop         = "drop"
	Keep         = "keep"
)

// begin forgets what was planned.
func (s *Scanner) begin() { s.plan = s.plan[:0] }

// replace plans to put a text in the place of a range.
func (s *Scanner) replace(of span, text string) {
	s.plan = append(s.plan, Edit{Start: int32(of.from), End: int32(of.to), New: text})
}

// commit claims a range for a rule and makes what was planned, as far as the rule's action wants it. value is what
// allow lists compare.
func (s *Scanner) commit(r *rule, of span, value string) {
	if len(s.plan) == 0 || r.vetoable && s.vetoed(r.name, s.part, of.from) {
		return
	}
	s.spans = append(s.spans, of)
	action := r.action
	if action == Keep || r.allows(value) {
		return
	}
	s.tally.match(r.name)
	for _, e := range s.plan {
		s.act(action, e)
	}
}

// commitOpen is commit for a match of which what lies between the pieces is scanned, too.
func (s *Scanner) commitOpen(r *rule, of span, value string) {
	if r.action != Keep && !r.allows(value) {
		at := of.from
		for _, e := range s.plan {
			s.gaps = append(s.gaps, span{at, int(e.Start)})
			at = int(e.End)
		}
		s.gaps = append(s.gaps, span{at, of.to})
	}
	s.commit(r, of, value)
}

func (s *Scanner) act(action string, e Edit) {
	of := span{int(e.Start), int(e.End)}
	switch action {
	case Token:
		s.edit(of, s.key.Token("token", s.slice(of)))
	case Mask:
		s.mask(of)
	case Drop:
		s.edit(of, "")
	default:
		s.edit(of, e.New)
	}
}

// edit adds an edit unless nothing would change.
func (s *Scanner) edit(of span, text string) {
	if string(s.text[of.from:of.to]) != text {
		s.edits = append(s.edits, Edit{Start: int32(of.from), End: int32(of.to), New: text})
	}
}

// mask turns letters into x and digits into 9.
func (s *Scanner) mask(of span) {
	s.edits = appendMask(s.edits, s.text, of)
}

func appendMask(edits []Edit, text []byte, of span) []Edit {
	for i := of.from; i < of.to; i++ {
		switch {
		case is(text[i], letter) && text[i] != 'x':
			edits = append(edits, view.Edit{Start: int32(i), End: int32(i + 1), New: "x"})
		case is(text[i], digit) && text[i] != '9':
			edits = append(edits, view.Edit{Start: int32(i), End: int32(i + 1), New: "9"})
		}
	}
	return edits
}

// emitWhole claims a range and replaces it.
func (s *Scanner) emitWhole(r *rule, of span, text, value string) {
	s.begin()
	s.replace(of, text)
	s.commit(r, of, value)
}

// emitDigits claims a range and replaces the digits in it, each at its place; the last stand under the last.
func (s *Scanner) emitDigits(r *rule, of span, old *number, digits, value string) {
	s.begin()
	if r.action == Pseudonymise {
		s.replaceDigits(old, digits)
	} else {
		s.replace(span{int(old.places[0]), int(old.places[old.n-1]) + 1}, "")
	}
	s.commit(r, of, value)
}

func (s *Scanner) replaceDigits(old *number, digits string) {
	digits = digits[len(digits)-old.n:]
	for i := range old.n {
		at := int(old.places[i])
		s.replace(span{at, at + 1}, digitTexts[digits[i]-'0'])
	}
}

var digitTexts = strings.Split("0123456789", "")
