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
	if !hasAlnum(secret) || placeholders.Match(secret) || string(secret) == Opaque || s.rules.secrets.isOwn(secret) {
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

// validDigits is validCard without the test for our own output: pieces of it are taken for a card all the same.
func (s *Scanner) validDigits(digits string) bool {
	return s.issued(digits) && pseudonym.Luhn(digits) && strings.Count(digits, digits[:1]) < len(digits)
}

// MaskEnd returns the edits that mask a value that was cut off at the end of a view, from a place on.
func (s *Scanner) MaskEnd(text []byte, from int) []Edit {
	start := lastValue(text)
	if start < 0 {
		return nil
	}
	start = max(start, from)
	rest := text[start:]
	digits := 0
	for _, c := range rest {
		if is(c, digit) {
			digits++
		}
	}
	if digits < 5 && bytes.IndexByte(rest, '@') < 0 && !s.rules.secrets.begins(rest) {
		return nil
	}
	return appendMask(nil, text, span{start, len(text)})
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
