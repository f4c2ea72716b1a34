// Package detect finds private values in the bytes of a view and says what to put in their place.
//
//	view ──anchors──► own output cut out ──► rules, in order ──► matches ──► gaps, scanned again ──► encoded runs
//
// Every built-in rule is a byte scanner in a file of its own. A rule looks at a part of the view as if nothing stood
// around it.
package detect

import (
	"cmp"
	"slices"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/view"
)

// Edit is an edit on units of the view.
type Edit = view.Edit

// Nested looks at the decoded bytes of an encoded run.
type Nested func(decoded []byte) (edited []byte, outcome Outcome)

// Outcome is what became of an encoded run.
type Outcome uint8

// The outcomes.
const (
	Unchanged Outcome = iota
	Changed
	Over // there are more layers than the policy allows
)

// Scanner looks at one view at a time. It is not safe for concurrent use.
type Scanner struct {
	rules   *Rules
	key     *pseudonym.Key
	names   map[string]*Name
	text    []byte
	context *Name
	nested  Nested
	tally   *Tally
	found   anchors
	edits   []Edit
	plan    []Edit // of the match that is being made
	spans   []span // matches of the rules that are at work, a stack
	offers  []offer
	gaps    []span  // between the pieces of matches, a stack
	inside  bool    // such a gap is looked at: it is no beginning of a text
	claims  []claim // own output of the parts that are at work, a stack
}

// NewScanner returns a scanner for one tenant.
func NewScanner(rules *Rules, key *pseudonym.Key) *Scanner {
	return &Scanner{rules: rules, key: key, names: make(map[string]*Name)}
}

// Scan returns the edits on a view, in order. The slice is valid until the next call.
func (s *Scanner) Scan(text []byte, context *Name, tally *Tally, nested Nested) []Edit {
	s.text, s.context, s.tally, s.nested = text, context, tally, nested
	s.edits = s.edits[:0]
	if !s.collect() {
		return nil
	}
	s.spans, s.claims, s.gaps, s.inside = s.spans[:0], s.claims[:0], s.gaps[:0], false
	s.scan(span{0, len(text)})
	slices.SortFunc(s.edits, func(x, y Edit) int { return cmp.Compare(x.Start, y.Start) })
	return s.edits
}

// scan cuts a part at our own output and looks at what is left.
func (s *Scanner) scan(part span) {
	if part.from >= part.to {
		return
	}
	first := len(s.claims)
	s.claims = s.own(part, s.claims)
	last := len(s.claims)
	if first == last {
		s.rest(part)
		return
	}
	at := part.from
	for i := first; i < last; i++ {
		c := s.claims[i]
		s.scan(span{at, c.from})
		at = c.to
	}
	s.scan(span{at, part.to})
	s.claims = s.claims[:first]
}

// rest looks at a part that holds nothing of our own: the first rule that finds something cuts it.
func (s *Scanner) rest(part span) {
	if part.from >= part.to {
		return
	}
	leads := s.leads(part)
	for i := range s.rules.order {
		rule := &s.rules.order[i]
		if rule.leads != 0 && rule.leads&leads == 0 {
			continue
		}
		first, firstGap := len(s.spans), len(s.gaps)
		rule.find(s, rule, part)
		last, lastGap := len(s.spans), len(s.gaps)
		if last == first {
			continue
		}
		at := part.from
		for k := first; k < last; k++ {
			m := s.spans[k]
			s.scan(span{at, m.from})
			at = m.to
		}
		s.scan(span{at, part.to})
		s.spans = s.spans[:first]
		s.scanGaps(firstGap, lastGap)
		return
	}
	s.encoded(part)
}

func (s *Scanner) scanGaps(first, last int) {
	was := s.inside
	s.inside = true
	for i := first; i < last; i++ {
		s.scan(s.gaps[i])
	}
	s.inside = was
	s.gaps = s.gaps[:first]
}

// leads returns the lengths of the runs of digits in a part as bits, bit 0 for words without digits at their beginning.
func (s *Scanner) leads(part span) uint64 {
	bits := uint64(1)
	for at := s.firstDigit(part, part.from); at >= 0; {
		end := s.run(part, at, digit)
		bits |= 1 << min(end-at, 63)
		at = s.firstDigit(part, end)
	}
	return bits
}

// eachWord calls do for every place at which a word may begin: the beginning of a part and the anchors in it.
func (s *Scanner) eachWord(part span, do func(at int)) {
	if part.from >= part.to {
		return
	}
	if is(s.text[part.from], alnum) {
		do(part.from)
	}
	for _, at := range within(s.found.words, span{part.from + 1, part.to}) {
		do(int(at))
	}
}

// Another returns a scanner that shares what this one knows about names. The two may work in turns, not at once.
func (s *Scanner) Another() *Scanner {
	return &Scanner{rules: s.rules, key: s.key, names: s.names}
}
