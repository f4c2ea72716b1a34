package detect

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

// placeholders are what templates hold in the place of a secret.
var placeholders = regexp.MustCompile(`^(?:\$?\{\{?[A-Za-z0-9_. -]+\}?\}|<[A-Za-z0-9_. -]+>)$`)

// Whole replaces a text that a key rule takes as a whole: blanks around it and an authentication scheme before it stay.
func (s *Scanner) Whole(text []byte, name *Name, tally *Tally) (Edit, bool) {
	part := span{0, len(text)}
	s.text = text
	for part.from < part.to && is(text[part.from], blank) {
		part.from++
	}
	for part.from < part.to && is(text[part.to-1], blank) {
		part.to--
	}
	for _, scheme := range [...]string{"bearer", "basic", "token"} {
		if !s.word(part, part.from, scheme) {
			continue
		}
		after := part.from + len(scheme)
		end := s.run(part, after, blank)
		if end > after && end < part.to {
			part.from = end
			break
		}
	}
	secret := text[part.from:part.to]
	known := len(s.rules.secrets.known(secret))
	if !hasAlnum(secret[known:]) || s.rules.saysNothing(secret, name.Key.Type) || placeholders.Match(secret) || string(secret) == Opaque || s.rules.secrets.isOwn(secret) {
		return Edit{}, false
	}
	tally.match(name.Key.ID)
	value := string(secret)
	made := s.key.Token("token", value)
	if name.Key.Type == "secret" {
		made = s.secret(value)
	}
	return Edit{Start: int32(part.from), End: int32(part.to), New: made}, true
}

// saysNothing reports whether a whole value only says that there is none, or names a part that anybody could play.
func (r *Rules) saysNothing(value []byte, kind string) bool {
	low := strings.ToLower(string(value))
	if r.tables.nothing[low] {
		return true
	}
	if kind != "token" {
		return false
	}
	for _, article := range [...]string{"the ", "a ", "an ", "no ", "not "} {
		if strings.HasPrefix(low, article) {
			return true
		}
	}
	return r.tables.nobody[low]
}

// isOwn reports whether a whole text is a secret of our own, with a known prefix or none.
func (x *secrets) isOwn(text []byte) bool {
	for at := bytes.Index(text, []byte("chr")); at >= 0; {
		if (at == 0 || x.isPrefix(string(text[:at]))) && pseudonym.OwnSecretAt(text[at:]) == len(text)-at {
			return true
		}
		next := bytes.Index(text[at+1:], []byte("chr"))
		if next < 0 {
			return false
		}
		at += 1 + next
	}
	return false
}

func (x *secrets) isPrefix(text string) bool {
	for _, start := range x.byFirst[text[0]] {
		if start.prefix == text {
			return true
		}
	}
	return false
}

// Folded returns a text as rules read it.
func Folded(text []byte) []byte { return []byte(foldedText(string(text))) }

// SplitCard reports whether digits that stand in pieces are a card number.
func (s *Scanner) SplitCard(digits string) bool {
	return len(digits) >= minCard && len(digits) <= maxCard && s.validDigits(digits)
}

// validDigits is the test of card numbers without the test for our own output: pieces of it are taken for a card all the same.
func (s *Scanner) validDigits(digits string) bool {
	return s.issued(digits) && pseudonym.Luhn(digits) && strings.Count(digits, digits[:1]) < len(digits)
}

// MaskEnd masks what stands at the cut of a view, in place of what was found in it; our own output stays.
func (s *Scanner) MaskEnd(text []byte, found []Edit) []Edit {
	start := lastValue(text)
	if start < 0 {
		return found
	}
	s.text, s.context = text, NoName
	s.collect()
	for _, c := range s.own(span{0, len(text)}, nil) {
		start = max(start, c.to)
	}
	moved := start
	for _, e := range found {
		if int(e.Start) < start && start < int(e.End) {
			moved = min(moved, int(e.Start))
		}
	}
	start = moved
	rest := text[start:]
	digits := 0
	for _, c := range rest {
		if is(c, digit) {
			digits++
		}
	}
	if digits < 5 && bytes.IndexByte(rest, '@') < 0 && !s.rules.secrets.begins(rest) {
		return found
	}
	kept := found[:0]
	for _, e := range found {
		if int(e.End) <= start {
			kept = append(kept, e)
		}
	}
	return appendMask(kept, text, span{start, len(text)})
}

// begins reports whether a text begins with a prefix of more than two bytes.
func (x *secrets) begins(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	for _, start := range x.byFirst[text[0]] {
		if len(start.prefix) > 2 && bytes.HasPrefix(text, []byte(start.prefix)) {
			return true
		}
	}
	return false
}

// lastValue returns where the last run of non-blanks begins, digit groups before it that single separators join
// included; -1 if a text ends in a blank.
func lastValue(text []byte) int {
	start := len(text)
	for start > 0 && !is(text[start-1], blank) {
		start--
	}
	if start == len(text) {
		return -1
	}
	for start > 1 && (text[start-1] == ' ' || text[start-1] == '.' || text[start-1] == '-') {
		group := start - 1
		for group > 0 && is(text[group-1], digit) {
			group--
		}
		if group == start-1 {
			break
		}
		start = group
	}
	return start
}
