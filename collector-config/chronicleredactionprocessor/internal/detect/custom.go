package detect

import (
	"bytes"
	"regexp"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

// ownRule is a pattern of the policy's own.
type ownRule struct {
	id          string
	pattern     *regexp.Regexp
	group       int
	left, right string
	literal     []byte
	validate    string
}

func newOwnRule(entry *policy.Rule, action string) rule {
	pattern, err := policy.Compile(entry.Pattern)
	if err != nil {
		panic("an unchecked pattern: " + err.Error()) // policies are checked when they are read
	}
	own := &ownRule{
		id: entry.ID, pattern: pattern, group: entry.Group, left: entry.Left, right: entry.Right, literal: []byte(entry.Literal), validate: entry.Validate,
	}
	return rule{name: entry.ID, action: action, allow: entry.Allow, find: own.find, own: own}
}

// find finds the matches of a pattern.
func (o *ownRule) find(s *Scanner, r *rule, part span) {
	for _, of := range o.matches(s, part) {
		o.emit(s, r, of)
	}
}

// matches returns the matches of a pattern, leftmost first; one that is refused is tried again a byte later.
func (o *ownRule) matches(s *Scanner, part span) []span {
	var made []span
	text := s.text[part.from:part.to]
	if !bytes.Contains(text, o.literal) {
		return nil
	}
	for at := 0; at <= len(text); {
		found := o.pattern.FindSubmatchIndex(text[at:])
		if found == nil {
			break
		}
		whole := span{part.from + at + found[0], part.from + at + found[1]}
		of := span{-1, -1}
		if found[2*o.group] >= 0 {
			of = span{part.from + at + found[2*o.group], part.from + at + found[2*o.group+1]}
		}
		if !o.accepts(s, part, whole, of) {
			at = whole.from - part.from + 1
			continue
		}
		made = append(made, of)
		at = whole.to - part.from
	}
	return made
}

func (o *ownRule) accepts(s *Scanner, part, whole, of span) bool {
	return boundary(o.left, s.byteAt(part, whole.from-1), whole.from == part.from) &&
		boundary(o.right, s.byteAt(part, whole.to), whole.to == part.to) &&
		of.from < of.to && !ownDigits(s.text[of.from:of.to]) && o.valid(s.text[of.from:of.to]) && !s.vetoed(o.id, part, whole.from)
}

func ownDigits(text []byte) bool {
	return len(text) >= 12 && only(string(text), digit) && pseudonym.OwnInteger(string(text))
}

func (o *ownRule) emit(s *Scanner, r *rule, of span) {
	value := s.slice(of)
	if !only(value, digit) {
		s.emitWhole(r, of, s.key.Token(o.id, value), value)
		return
	}
	digits := s.key.Integer(o.id, value)
	s.begin()
	if r.action != Pseudonymise {
		s.replace(of, "")
	} else {
		for i := range len(value) {
			s.replace(span{of.from + i, of.from + i + 1}, digits[i:i+1])
		}
	}
	s.commit(r, of, value)
}

// boundary reports whether a byte may stand beside a match.
func boundary(kind string, c byte, end bool) bool {
	switch kind {
	case "any":
		return true
	case "nonalnum":
		return end || !is(c, alnum)
	case "blank":
		return end || is(c, blank)
	default:
		return end || !is(c, word)
	}
}

func (o *ownRule) valid(text []byte) bool {
	if o.validate == "" || o.validate == "none" {
		return true
	}
	plain := plainID(text)
	if o.validate == "mod97" {
		return pseudonym.ValidIBAN(plain)
	}
	if !only(plain, digit) {
		return false
	}
	if o.validate == "luhn" {
		return pseudonym.Luhn(plain)
	}
	return verhoeff(plain)
}
