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

// Nester looks at the decoded bytes of an encoded run of a text that lies under so many layers.
type Nester interface {
	Nest(decoded []byte, context *Name, layers int) (edited []byte, outcome Outcome)
}

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
	nester  Nester
	layers  int
	tally   *Tally
	found   anchors
	edits   []Edit
	plan    []Edit // of the match that is being made
	spans   []span // matches of the rules that are at work, a stack
	offers  []offer
	gaps    []span // between the pieces of matches, a stack
	inside  bool   // such a gap is looked at: it is no beginning of a text

	// Of the part that is at work: its anchors, how far they were looked at, and which national ids may be in it.
	part   span
	digits []int32
	words  []int32
	cursor int
	due    []bool

	seen    classRun
	lengths uint64  // of its runs of digits, as bits
	claims  []claim // own output of the parts that are at work, a stack
	level   int     // how many cuts lie around the part that is at work
}

// NewScanner returns a scanner for one tenant.
func NewScanner(rules *Rules, key *pseudonym.Key) *Scanner {
	return &Scanner{rules: rules, key: key, names: make(map[string]*Name)}
}

// Scan returns the edits on a view, in order. The slice is valid until the next call.
func (s *Scanner) Scan(text []byte, context *Name, tally *Tally, nester Nester, layers int) []Edit {
	s.text, s.context, s.tally, s.nester, s.layers = text, context, tally, nester, layers
	if len(text) > longText && len(context.vetoes) > 0 {
		without := *context // what is long is running text, whatever its name says
		without.vetoes = nil
		s.context = &without
	}
	s.edits, s.seen = s.edits[:0], classRun{}
	if !s.collect() {
		return nil
	}
	s.spans, s.claims, s.gaps, s.inside, s.level = s.spans[:0], s.claims[:0], s.gaps[:0], false, 0
	s.scan(span{0, len(text)})
	slices.SortFunc(s.edits, func(x, y Edit) int { return cmp.Compare(x.Start, y.Start) })
	return s.edits
}

// longText is the number of bytes from which on a name says nothing against the parts of a text.
const longText = 64

// maxLevel is the number of cuts within cuts: only a text that is made for it has more, and each of them costs a look at
// all that is left.
const maxLevel = 32

// scan cuts a part at our own output and looks at what is left.
func (s *Scanner) scan(part span) {
	if part.from >= part.to || s.tally.Matches > s.rules.maxMatches {
		return // over the limit the whole value becomes opaque
	}
	first := len(s.claims)
	s.claims = s.own(part, s.claims)
	last := len(s.claims)
	if first == last {
		s.rest(part)
		return
	}
	if s.level >= maxLevel {
		s.tooDeep(part)
		s.claims = s.claims[:first]
		return
	}
	s.level++
	defer func() { s.level-- }()
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
	s.enter(part)
	due := s.dueIDs(part)
	for i := range s.rules.order {
		rule := &s.rules.order[i]
		if rule.id != nil && (due == nil || !due[rule.id.number]) {
			continue
		}
		s.cursor = 0
		first, firstGap := len(s.spans), len(s.gaps)
		rule.find(s, rule, part)
		last, lastGap := len(s.spans), len(s.gaps)
		if last == first {
			continue
		}
		if s.level >= maxLevel {
			s.spans, s.gaps = s.spans[:first], s.gaps[:firstGap]
			s.tooDeep(part)
			return
		}
		s.level++
		defer func() { s.level-- }()
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

// tooDeep replaces a part, and whatever was found in it.
func (s *Scanner) tooDeep(part span) {
	s.edits = slices.DeleteFunc(s.edits, func(e Edit) bool { return int(e.Start) >= part.from && int(e.End) <= part.to })
	s.tally.opaque("layers")
	s.edit(part, s.rules.StandIn)
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

// enter looks up the anchors of a part once for all rules.
func (s *Scanner) enter(part span) {
	s.part = part
	s.digits = within(s.found.digits, part)
	s.words = within(s.found.words, span{part.from + 1, part.to})
	s.cursor = 0
}

// firstDigit returns the first digit at or after i that begins a group, or stands at i; -1 if there is none. Whoever goes
// through a part asks for ever later places.
func (s *Scanner) firstDigit(part span, i int) int {
	if s.at(part, i, digit) {
		return i
	}
	for s.cursor < len(s.digits) {
		if at := int(s.digits[s.cursor]); at >= i {
			return at
		}
		s.cursor++
	}
	return -1
}

// nextGroup returns the first digit after the group in which i stands.
func (s *Scanner) nextGroup(part span, i int) int {
	return s.firstDigit(part, s.run(part, i, digit))
}

// eachWord calls do for every place at which a word may begin: the beginning of a part and the anchors in it.
func (s *Scanner) eachWord(part span, do func(at int)) {
	if part.from >= part.to {
		return
	}
	if is(s.text[part.from], alnum) {
		do(part.from)
	}
	for _, at := range s.words {
		do(int(at))
	}
}

// Another returns a scanner that shares what this one knows about names. The two may work in turns, not at once.
func (s *Scanner) Another() *Scanner {
	return &Scanner{rules: s.rules, key: s.key, names: s.names}
}
