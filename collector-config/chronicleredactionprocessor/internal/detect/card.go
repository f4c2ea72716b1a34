package detect

import (
	"slices"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

const (
	minCard = 12
	maxCard = 19
)

// number is a run of digits in a view, perhaps with separators between them.
type number struct {
	digits [40]byte
	places [40]int32
	n      int
}

func (n *number) add(c byte, at int) bool {
	if n.n == len(n.digits) {
		return false
	}
	n.digits[n.n], n.places[n.n] = c, int32(at)
	n.n++
	return true
}

func (n *number) text() string { return string(n.digits[:n.n]) }

// groupings are the lengths of groups with a separator between them, in the order in which they are tried.
var groupings = [][]int{{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}}

// cardLengths are the lengths of the first run of digits of a card number, as bits.
const cardLengths = 1<<1 | 1<<4 | (1<<(maxCard+1) - 1<<minCard)

// findCards finds card numbers.
func findCards(s *Scanner, r *rule, part span) {
	if s.lengths&cardLengths == 0 {
		return
	}
	for at := s.firstDigit(part, part.from); at >= 0; {
		var card number
		end := s.cardAt(part, at, &card, acceptCard)
		if end < 0 {
			at = s.nextGroup(part, at)
			continue
		}
		digits := card.text()
		if s.vetoed(r.name, part, at) {
			at = s.nextGroup(part, at)
			continue
		}
		s.emitDigits(r, span{at, end}, &card, s.key.Card(digits), digits)
		at = s.firstDigit(part, end)
	}
}

// cardAt returns the end of the first shape of a card number that begins at i and is accepted; -1 if none is.
func (s *Scanner) cardAt(part span, i int, card *number, accept cardTest) int {
	stripe := i-2 >= part.from && s.text[i-1] == 'B' && s.text[i-2] == '%' // as on the first track of a magnetic stripe
	if !stripe && (s.before(part, i, alnum) || s.before(part, i, dot) && s.before(part, i-1, digit)) {
		return -1
	}
	run := s.run(part, i, digit)
	if n := run - i; n >= minCard && n <= maxCard {
		if s.shape(part, i, []int{n}, card) == run && s.cardEnds(part, run) && accept(s, part, i, card.text()) {
			return run
		}
		return -1
	}
	if run-i == 4 {
		for _, groups := range groupings {
			end := s.shape(part, i, groups, card)
			if end >= 0 && s.cardEnds(part, end) && accept(s, part, i, card.text()) {
				return end
			}
		}
		return -1
	}
	if run-i != 1 {
		return -1
	}
	return s.spaced(part, i, card, accept)
}

// shape reads groups of digits with one separator between them; a group ends where no further digit follows.
func (s *Scanner) shape(part span, i int, groups []int, card *number) int {
	card.n = 0
	for g, length := range groups {
		if g > 0 {
			width := s.cardSeparator(part, i)
			if width == 0 {
				return -1
			}
			i += width
		}
		if s.run(part, i, digit)-i < length {
			return -1
		}
		for range length {
			card.add(s.text[i], i)
			i++
		}
	}
	return i
}

// cardSeparator returns the width of the separator at i before a digit, 0 if there is none: a blank, a dash, a dot or a
// tab, or a line break with at most one blank on either side.
func (s *Scanner) cardSeparator(part span, i int) int {
	switch s.byteAt(part, i) {
	case ' ', '-', '.', '\t':
		if s.at(part, i+1, digit) {
			return 1
		}
	}
	j := i
	if s.byteAt(part, j) == ' ' {
		j++
	}
	if s.byteAt(part, j) == '\r' {
		j++
	}
	if s.byteAt(part, j) != '\n' {
		return 0
	}
	j++
	if s.byteAt(part, j) == ' ' {
		j++
	}
	if !s.at(part, j, digit) {
		return 0
	}
	return j - i
}

// spaced reads single digits with the same separator between all of them.
func (s *Scanner) spaced(part span, i int, card *number, accept cardTest) int {
	start := i
	card.n = 0
	card.add(s.text[i], i)
	separator := s.byteAt(part, i+1)
	if separator != ' ' && separator != '-' && separator != '.' && separator != '\t' {
		return -1
	}
	i++
	for card.n < maxCard && s.byteAt(part, i) == separator && s.at(part, i+1, digit) {
		card.add(s.text[i+1], i+1)
		i += 2
		if card.n >= 13 && s.cardEnds(part, i) && accept(s, part, start, card.text()) {
			return i
		}
	}
	return -1
}

// cardEnds reports whether a number may end at i.
func (s *Scanner) cardEnds(part span, i int) bool {
	if s.at(part, i, alnum) {
		return false
	}
	return s.byteAt(part, i) != '.' || !s.at(part, i+1, digit)
}

// cardTest says whether digits that begin at a place are the number that is looked for.
type cardTest func(s *Scanner, part span, at int, digits string) bool

func acceptCard(s *Scanner, part span, at int, digits string) bool {
	return mayBeCard(digits) && (s.issued(digits) || s.hinted("card", part, at) || s.named("card", part, at))
}

func acceptOwnCard(_ *Scanner, _ span, _ int, digits string) bool { return pseudonym.OwnCard(digits) }

// mayBeCard reports whether digits are a card number of some issuer, known or not, and not our own.
func mayBeCard(digits string) bool {
	return pseudonym.Luhn(digits) && !pseudonym.OwnCard(digits) && strings.Count(digits, digits[:1]) < len(digits)
}

func (s *Scanner) issued(digits string) bool {
	for n := 1; n <= 4; n++ {
		if slices.Contains(s.rules.tables.issuers[digits[:n]], len(digits)) {
			return true
		}
	}
	return false
}
