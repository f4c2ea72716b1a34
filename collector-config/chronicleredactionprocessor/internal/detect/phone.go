package detect

import (
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

const (
	// calledReach is the number of bytes before a number in which a word may stand between a call and it.
	calledReach = 12
	maxGroups   = 8
	minPhone    = 7
	maxPhone    = 17
	maxAbroad   = 15
	minSaid     = 8
	maxArea     = 7 // digits of an area code, its national prefix with it
)

// phoneGroup is a run of digits of a candidate.
type phoneGroup struct {
	span
	inside bool // between parentheses
	gap    span // what stands before it
}

// phoneCandidate is a prefix of the groups that stand together.
type phoneCandidate struct {
	plus   bool
	groups []phoneGroup
	digits string
}

func (c *phoneCandidate) end() int {
	last := c.groups[len(c.groups)-1]
	if last.inside {
		return last.to + 1
	}
	return last.to
}

func (g *phoneGroup) length() int { return g.to - g.from }

// findPhones finds numbers that are possible where they claim to be.
func findPhones(s *Scanner, r *rule, part span) {
	floor := part.from
	for at := s.firstDigit(part, part.from); at >= 0; at = s.firstDigit(part, floor) {
		start := s.phoneBegins(part, at, floor)
		floor = s.run(part, at, digit)
		if s.mayGoOn(part, start, at, floor) && s.mayBeginPhone(part, start) {
			floor = max(floor, s.phoneAt(r, part, start))
		}
	}
}

// mayGoOn is a quick look at what follows the first group of digits: a number has seven, or there are more groups.
func (s *Scanner) mayGoOn(part span, start, at, end int) bool {
	if end-at >= minPhone || start < at {
		return true
	}
	c := s.byteAt(part, end)
	return phoneGap(c) || c == '(' || c == ')'
}

// phoneBegins takes an opening parenthesis and a plus sign before the first digit to a candidate.
func (s *Scanner) phoneBegins(part span, at, floor int) int {
	i := at
	if i > floor && s.text[i-1] == '(' {
		i--
	}
	if i > floor && s.text[i-1] == '+' {
		i--
		if i > floor && i+1 == at && s.text[i-1] == '(' && s.byteAt(part, s.run(part, at, digit)) == ')' {
			i-- // (+44)
		}
	}
	return i
}

func (s *Scanner) mayBeginPhone(part span, i int) bool {
	if i == part.from {
		return true
	}
	switch c := s.text[i-1]; {
	case is(c, word), c == '+':
		return false
	case c == '-', c == '/':
		return !s.before(part, i-1, alnum)
	case c == '.', c == ':':
		return !s.before(part, i-1, digit)
	}
	return true
}

func (s *Scanner) mayEndPhone(part span, i int) bool {
	if s.at(part, i, word) {
		return false
	}
	switch s.byteAt(part, i) {
	case '.', ':', '-', '/':
		return !s.at(part, i+1, digit)
	}
	return true
}

// phoneAt looks at a candidate, from all of its groups to the first alone, and returns where a number ends; 0 if there
// is none.
func (s *Scanner) phoneAt(r *rule, part span, start int) int {
	framed := s.text[start] == '(' && s.byteAt(part, start+1) == '+' // (+44) 20 7946 0018
	candidate := phoneCandidate{plus: framed || s.text[start] == '+'}
	first := start
	if candidate.plus {
		first++
	}
	var space [maxGroups]phoneGroup
	groups := s.phoneGroups(part, first, framed, space[:0])
	total := 0
	for i := range groups {
		total += groups[i].length()
	}
	if total < minPhone {
		return 0
	}
	all := s.groupDigits(groups)
	hint := phoneHint{part: part, at: groups[0].from}
	if groups[0].inside {
		hint.at--
	}
	for n := len(groups); n > 0; n-- {
		if n < len(groups) {
			total -= groups[n].length()
		}
		if total < minPhone {
			return 0
		}
		candidate.groups, candidate.digits = groups[:n], all[:total]
		end, extension, ok := s.phoneEnd(part, candidate.end())
		if total > maxPhone || !ok {
			continue
		}
		number := s.phoneNumber(part, &candidate, &hint)
		if number == "" && s.wholePhone(part, &candidate, span{start, end}) {
			number = all[:total]
		}
		if number == "" && n == len(groups) && s.saidPhone(part, &candidate, start, &hint) {
			number = all[:total]
		}
		if number == "" {
			continue
		}
		if !candidate.plus && s.vetoed(r.name, part, start) {
			return 0
		}
		if pseudonym.OwnPhone(number) {
			return end
		}
		s.emitPhone(r, span{start, end}, &candidate, number, extension)
		return end
	}
	return 0
}

func (s *Scanner) groupDigits(groups []phoneGroup) string {
	var out strings.Builder
	for i := range groups {
		out.Write(s.text[groups[i].from:groups[i].to])
	}
	return out.String()
}

// phoneHint asks for a hint once, and only if somebody wants to know.
type phoneHint struct {
	part          span
	at            int
	asked, answer bool
}

func (h *phoneHint) holds(s *Scanner) bool {
	if !h.asked {
		h.asked, h.answer = true, s.hinted("phone", h.part, h.at)
	}
	return h.answer
}

// phoneGroups reads groups of digits with at most three bytes between them, of which at most one is no blank.
func (s *Scanner) phoneGroups(part span, i int, framed bool, groups []phoneGroup) []phoneGroup {
	gap := span{i, i}
	for len(groups) < maxGroups {
		group := phoneGroup{gap: gap}
		if s.byteAt(part, i) == '(' || framed && len(groups) == 0 {
			end := s.run(part, i+1, digit)
			if end == i+1 || s.byteAt(part, end) != ')' {
				break
			}
			group.span, group.inside = span{i + 1, end}, true
			i = end + 1
		} else {
			end := s.run(part, i, digit)
			if end == i {
				break
			}
			group.span = span{i, end}
			i = end
		}
		groups = append(groups, group)
		gap = span{i, s.skipGap(part, i)}
		i = gap.to
		marks := 0
		for k := gap.from; k < gap.to; k++ {
			if s.text[k] != ' ' && s.text[k] != '\t' {
				marks++
			}
		}
		if marks > 1 || gap.from == gap.to && !group.inside && s.byteAt(part, i) != '(' {
			break
		}
	}
	return groups
}

// phoneEnd returns where a number ends whose last group ends at i: an extension belongs to it.
func (s *Scanner) phoneEnd(part span, i int) (end int, extension span, ok bool) {
	if extension, ok = s.extensionAt(part, i); ok && s.mayEndPhone(part, extension.to) {
		return extension.to, extension, true
	}
	return i, span{}, s.mayEndPhone(part, i)
}

// extensionAt returns the digits of an extension.
func (s *Scanner) extensionAt(part span, i int) (span, bool) {
	for gap := 0; gap < 2 && (s.byteAt(part, i) == ' ' || s.byteAt(part, i) == ','); gap++ {
		i++
	}
	for _, name := range [...]string{"x", "ext.", "ext", "extension"} {
		if !s.word(part, i, name) {
			continue
		}
		from := i + len(name)
		if c := s.byteAt(part, from); c == ' ' || c == '.' || c == ':' {
			from++
		}
		to := min(s.run(part, from, digit), from+6)
		if to > from {
			return span{from, to}, true
		}
	}
	return span{}, false
}

func (s *Scanner) emitPhone(r *rule, of span, c *phoneCandidate, found string, extension span) {
	s.begin()
	digits := s.key.Phone(found)
	last := c.groups[len(c.groups)-1].to
	switch {
	case found[0] != '1' || len(found) != 11:
		s.replace(span{of.from, c.end()}, "+"+digits)
	case r.action != Pseudonymise:
		s.replace(span{s.nationalStart(c), last}, "")
	default:
		var old number
		s.lastTen(c, &old)
		s.replaceDigits(&old, digits)
	}
	if extension.to > 0 && r.action != Token {
		for i := extension.from; i < extension.to; i++ {
			s.replace(span{i, i + 1}, "0")
		}
	}
	s.commit(r, of, found)
}

// lastTen collects the last ten digits of a candidate.
func (s *Scanner) lastTen(c *phoneCandidate, into *number) {
	skip := len(c.digits) - 10
	for i := range c.groups {
		for at := c.groups[i].from; at < c.groups[i].to; at++ {
			if skip > 0 {
				skip--
				continue
			}
			into.add(s.text[at], at)
		}
	}
}

// nationalStart returns the place of the first of the last ten digits.
func (s *Scanner) nationalStart(c *phoneCandidate) int {
	var ten number
	s.lastTen(c, &ten)
	return int(ten.places[0])
}

// phoneNumber returns the digits of a candidate in international form, empty if it is no number.
func (s *Scanner) phoneNumber(part span, c *phoneCandidate, hint *phoneHint) string {
	if c.plus {
		return s.international(c, c.digits)
	}
	first := &c.groups[0]
	if len(c.groups) > 1 && !first.inside {
		for _, exit := range [...]string{"00", "011"} {
			if strings.HasPrefix(c.digits[:first.length()], exit) {
				if number := s.international(c, c.digits[len(exit):]); number != "" {
					return number
				}
			}
		}
	}
	if len(c.groups) == 1 {
		// The table is asked before the surroundings: that is quicker.
		if number := s.bareNumber(c.digits); number != "" && hint.holds(s) && !s.numbered("phone", part, first.from) {
			return number
		}
		return ""
	}
	if number := s.northAmerican(c, hint); number != "" {
		return number
	}
	return s.withPrefix(part, c, hint)
}

func (s *Scanner) international(c *phoneCandidate, digits string) string {
	table := &s.rules.tables.phones
	code := table.callingCode(digits)
	if code == "" {
		return ""
	}
	national := digits[len(code):]
	if strings.HasPrefix(national, "0") && s.trunkInside(c) {
		national = national[1:]
	}
	if code == "1" {
		if len(national) == 10 && national[0] >= '2' {
			return code + national
		}
		return ""
	}
	if !table.possible(code, len(national)) {
		return ""
	}
	return code + national
}

// trunkInside reports whether a national prefix stands in parentheses: +44 (0) 20 …
func (s *Scanner) trunkInside(c *phoneCandidate) bool {
	for i := range c.groups {
		if g := &c.groups[i]; g.inside && g.length() == 1 && s.text[g.from] == '0' {
			return true
		}
	}
	return false
}

// framed reports whether something other than blanks, or another byte that does not count, holds the groups together.
func (s *Scanner) framed(c *phoneCandidate, weak byte) bool {
	for i := range c.groups {
		if c.groups[i].inside {
			return true
		}
		if i == 0 {
			continue
		}
		for k := c.groups[i].gap.from; k < c.groups[i].gap.to; k++ {
			if s.text[k] != ' ' && s.text[k] != '\t' && s.text[k] != weak {
				return true
			}
		}
	}
	return false
}

func isNANP(digits string) bool {
	return len(digits) == 10 && digits[0] >= '2' && digits[3] >= '2'
}

func (s *Scanner) northAmerican(c *phoneCandidate, hint *phoneHint) string {
	groups, digits := c.groups, c.digits
	one := len(digits) == 11 && groups[0].length() == 1 && digits[0] == '1' && !groups[0].inside
	if one {
		groups, digits = groups[1:], digits[1:]
	}
	grouped := len(digits) == 10 && len(groups) == 3 && groups[0].length() == 3 && groups[1].length() == 3
	if !isNANP(digits) && (!grouped || !s.framed(c, '/') || !hint.holds(s)) || !s.inNorthAmerica() {
		return ""
	}
	shape := len(groups) == 3 && groups[0].length() == 3 && groups[1].length() == 3 ||
		len(groups) == 2 && groups[0].length() == 3
	if !shape && !groups[0].inside {
		return ""
	}
	if s.framed(c, '/') || one || hint.holds(s) {
		return "1" + digits
	}
	return ""
}

func (s *Scanner) inNorthAmerica() bool {
	for i := range s.rules.regions {
		if s.rules.regions[i].code == "1" {
			return true
		}
	}
	return false
}

// measured reports whether digits are a postal code of nine digits, or go on behind a comma.
func (s *Scanner) measured(part span, c *phoneCandidate) bool {
	first := &c.groups[0]
	return len(c.groups) == 2 && first.length() == 5 && c.groups[1].length() == 4 ||
		s.byteAt(part, first.from-1) == ',' && s.before(part, first.from-1, digit)
}

func (s *Scanner) withPrefix(part span, c *phoneCandidate, hint *phoneHint) string {
	if c.groups[0].length() < 2 || c.groups[0].length() > maxArea || c.digits[0] != '0' || !s.evenGaps(c) || s.dateLike(part, c.groups[0].from, "99.99.9999") || !s.framed(c, ' ') && !hint.holds(s) {
		return ""
	}
	if s.measured(part, c) && !hint.holds(s) {
		return ""
	}
	national := c.digits[1:]
	if len(national) < 8 || national[0] == '0' {
		return ""
	}
	for i := range s.rules.regions {
		region := &s.rules.regions[i]
		if region.prefix != "0" {
			continue
		}
		for _, n := range region.lengths {
			if n == len(national) {
				return region.code + national
			}
		}
	}
	return ""
}

// evenGaps reports whether the separators after the first are all the same.
func (s *Scanner) evenGaps(c *phoneCandidate) bool {
	for i := 3; i < len(c.groups); i++ {
		if s.slice(c.groups[i].gap) != s.slice(c.groups[2].gap) {
			return false
		}
	}
	return true
}

// bareNumber returns the international form of digits that stand for themselves.
func (s *Scanner) bareNumber(digits string) string {
	table := &s.rules.tables.phones
	for i := range s.rules.regions {
		region := &s.rules.regions[i]
		for k, lead := range [...]string{"", region.prefix, region.code} {
			if k == 0 && region.prefix != "" && region.code != "1" && !s.context.hints["phone"] {
				continue // only a name that says so makes up for a missing prefix
			}
			if national, ok := strings.CutPrefix(digits, lead); ok && table.valid(region, national) {
				return region.code + national
			}
		}
	}
	return ""
}
