package detect

import (
	"strconv"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

const maxNumber = 40 // digits of a number that is looked at

// spelled is a number with a whole value, and how it is written.
type spelled struct {
	sign, whole, fraction, exponent string
	digits                          string
}

// write writes other digits in the same form.
func (n *spelled) write(digits string) string {
	if n.fraction == "" && n.exponent == "" {
		return n.sign + digits
	}
	fraction := digits[min(len(n.whole), len(digits)):]
	if len(fraction) < len(n.fraction) {
		fraction += strings.Repeat("0", len(n.fraction)-len(fraction))
	}
	out := n.sign + digits[:min(len(n.whole), len(digits))]
	if fraction != "" {
		out += "." + fraction
	}
	return out + n.exponent
}

// spell reads a number; false if its value is no integer, or one of more than 40 digits.
func spell(token string) (n spelled, ok bool) {
	rest := token
	if strings.HasPrefix(rest, "-") {
		n.sign, rest = "-", rest[1:]
	}
	if at := strings.IndexAny(rest, "eE"); at >= 0 {
		n.exponent, rest = rest[at:], rest[:at]
	}
	n.whole, n.fraction, _ = strings.Cut(rest, ".")
	if n.fraction == "" && n.exponent == "" {
		n.digits = n.whole
		return n, len(n.whole) <= maxNumber
	}
	power := 0
	if n.exponent != "" {
		if len(n.exponent) > 5 {
			return n, false
		}
		power, _ = strconv.Atoi(n.exponent[1:])
	}
	all := n.whole + n.fraction
	switch shift := power - len(n.fraction); {
	case shift > maxNumber:
		return n, false
	case shift >= 0:
		n.digits = all + strings.Repeat("0", shift)
	case -shift >= len(all) || strings.Trim(all[len(all)+shift:], "0") != "":
		return n, false
	default:
		n.digits = all[:len(all)+shift]
	}
	return n, n.digits[0] != '0' && len(n.digits) <= maxNumber && len(n.digits) >= len(n.whole)
}

// private is what a number is: the rule that says so, and its new digits.
type private struct {
	rule  *rule
	value string // as allow lists compare it
	tag   string // of an integer without a range; empty for the types that have one
}

// Number returns what comes in place of a number of a document.
func (s *Scanner) Number(token []byte, name *Name, tally *Tally) (string, bool) {
	if name.Sealed || len(token) < minCard && name.Key == nil && !s.rules.everywhere && !s.rules.wanted(name) {
		return "", false
	}
	text := string(token)
	s.context, s.tally = name, tally
	if name.Key != nil {
		return s.numberUnderName(text, name, tally)
	}
	n, ok := spell(text)
	if !ok {
		return "", false
	}
	found, ok := s.privateNumber(n.digits, name)
	if !ok {
		return s.numberByPattern(text, tally)
	}
	if found.rule.action == Keep || found.rule.allows(found.value) {
		return "", false
	}
	tally.match(found.rule.name)
	made := "0"
	if found.rule.action != Drop {
		made = n.write(s.numberDigits(&found, len(n.digits)))
	}
	return made, made != text
}

// wanted reports whether a name hints at a type that a short number can be.
func (r *Rules) wanted(name *Name) bool {
	for hint := range name.hints {
		if r.numberHints[hint] {
			return true
		}
	}
	return false
}

func (s *Scanner) numberDigits(found *private, n int) string {
	var made string
	switch {
	case found.rule.action == Mask:
		return strings.Repeat("9", n)
	case found.rule.action == Token:
		made = s.key.Integer("token", found.value)
	case found.tag != "":
		made = s.key.Integer(found.tag, found.value)
	case found.rule.name == "card":
		made = s.key.Card(found.value)
	case found.rule.name == "us_ssn":
		made = s.key.SSN(found.value)
	default:
		made = s.key.Phone(found.value)
	}
	return made[len(made)-n:]
}

func (s *Scanner) cardNumber(digits string, name *Name) bool {
	if s.SplitCard(digits) {
		return true
	}
	fits := len(digits) >= minCard && len(digits) <= maxCard
	return name.hints["card"] && fits && (mayBeCard(digits) || pseudonym.OwnCard(digits))
}

func (s *Scanner) privateNumber(digits string, name *Name) (private, bool) {
	if s.rules.card != nil && !name.vetoes["card"] && s.cardNumber(digits, name) {
		return private{s.rules.card, digits, ""}, !pseudonym.OwnCard(digits)
	}
	if !s.rules.wanted(name) {
		return private{}, false
	}
	for i := range s.rules.order {
		r := &s.rules.order[i]
		if r.use == "national_ids" && name.hints[r.name] && s.isID(r, digits) {
			return private{r, digits, r.name}, true
		}
	}
	if s.rules.ssn != nil && name.hints["us_ssn"] && len(digits) == 9 {
		return private{s.rules.ssn, digits, ""}, plausibleSSN(digits) && !pseudonym.OwnSSN(digits)
	}
	if s.rules.phone == nil || !name.hints["phone"] {
		return private{}, false
	}
	known := s.bareNumber(digits)
	if known == "" || pseudonym.OwnPhone(known) {
		return private{}, false
	}
	if known[0] == '1' && (len(digits) == 10 || len(digits) == 11) {
		return private{s.rules.phone, known, ""}, true
	}
	return private{s.rules.phone, digits, "int"}, !pseudonym.OwnInteger(digits)
}

// isID reports whether digits are an id of a kind.
func (s *Scanner) isID(r *rule, digits string) bool {
	s.text = []byte(digits)
	part := span{0, len(digits)}
	for i := range r.id.forms {
		if end, _ := r.id.match(s, part, 0, &r.id.forms[i]); end == part.to {
			return true
		}
	}
	return false
}

// numberUnderName replaces a number that a key rule takes; what is no integer becomes nines.
func (s *Scanner) numberUnderName(text string, name *Name, tally *Tally) (string, bool) {
	n, ok := spell(text)
	made := ""
	switch {
	case !ok:
		made = nines(text)
	case pseudonym.OwnInteger(n.digits):
		return "", false
	default:
		made = n.write(s.key.Integer("int", n.digits))
	}
	if made == text {
		return "", false
	}
	tally.match(name.Key.ID)
	return made, true
}

func nines(text string) string {
	out := []byte(text)
	for i, c := range out {
		if c == 'e' || c == 'E' {
			break
		}
		if is(c, digit) {
			out[i] = '9'
		}
	}
	return string(out)
}

// numberByPattern asks the policy's own patterns about the text of a number.
func (s *Scanner) numberByPattern(text string, tally *Tally) (string, bool) {
	if !s.rules.everywhere {
		return "", false
	}
	s.text = []byte(text)
	for i := range s.rules.order {
		r := &s.rules.order[i]
		if r.own == nil {
			continue
		}
		for _, of := range r.own.matches(s, span{0, len(text)}) {
			value := text[of.from:of.to]
			if r.action == Keep || r.allows(value) || !only(value, digit) {
				continue
			}
			if pseudonym.OwnInteger(value) {
				return "", false
			}
			tally.match(r.name)
			made := "0"
			switch r.action {
			case Drop:
			case Mask:
				made = text[:of.from] + strings.Repeat("9", len(value)) + text[of.to:]
			default:
				made = text[:of.from] + s.key.Integer(r.name, value) + text[of.to:]
			}
			return made, made != text
		}
	}
	return "", false
}
