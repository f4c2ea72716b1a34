package detect

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

// nationalID is one kind of national id.
type nationalID struct {
	rule  *policy.NationalID
	names glob
	forms []idForm
	leads uint64
}

// idForm is a form, byte by byte.
type idForm struct {
	elements []*[256]bool
	hinted   bool
	lead     int // digits that it begins with, if nothing else may follow them directly; 0 where it begins otherwise
	letters  bool
}

func newNationalID(entry *policy.NationalID) nationalID {
	id := nationalID{rule: entry, names: newGlob(entry.Names)}
	for _, form := range entry.Forms {
		id.forms = append(id.forms, newIDForm(form, entry.AnyCase, false))
	}
	for _, form := range entry.Hinted {
		id.forms = append(id.forms, newIDForm(form, entry.AnyCase, true))
	}
	for i := range id.forms {
		if form := &id.forms[i]; form.lead > 0 {
			id.leads |= 1 << form.lead
		} else {
			id.leads |= 1
		}
	}
	return id
}

func newIDForm(text string, anyCase, hinted bool) idForm {
	form := idForm{hinted: hinted}
	for len(text) > 0 {
		n := 1
		if text[0] == '[' {
			if end := strings.IndexByte(text, ']'); end > 1 {
				n = end + 1
			}
		}
		form.elements = append(form.elements, idElement(text[:n], anyCase))
		text = text[n:]
	}
	lead := 0
	for lead < len(form.elements) && digitsOnly(form.elements[lead]) {
		lead++
	}
	if lead == len(form.elements) || !anyDigit(form.elements[lead]) {
		form.lead = lead
	}
	form.letters = anyLetter(form.elements[0])
	return form
}

func idElement(text string, anyCase bool) *[256]bool {
	var set [256]bool
	switch {
	case text == "9":
		set = classOf("0123456789")
	case text == "A":
		set = classOf("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	case text == "X":
		set = classOf("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
	case len(text) > 1:
		set = bracketClass(text[1 : len(text)-1])
	default:
		set[text[0]] = true
		return &set
	}
	if anyCase {
		for c := byte('A'); c <= 'Z'; c++ {
			set[c|0x20] = set[c|0x20] || set[c]
		}
	}
	return &set
}

func bracketClass(text string) (set [256]bool) {
	for i := 0; i < len(text); i++ {
		if i+2 < len(text) && text[i+1] == '-' {
			for c := int(text[i]); c <= int(text[i+2]); c++ {
				set[c] = true
			}
			i += 2
			continue
		}
		set[text[i]] = true
	}
	return set
}

// digitsOnly reports whether a class holds nothing but digits.
func digitsOnly(set *[256]bool) bool {
	for c, member := range set {
		if member && !is(byte(c), digit) {
			return false
		}
	}
	return true
}

func anyDigit(set *[256]bool) bool { return hasMember(set, digit) }

func anyLetter(set *[256]bool) bool { return hasMember(set, letter) }

func hasMember(set *[256]bool, class uint16) bool {
	for c, member := range set {
		if member && is(byte(c), class) {
			return true
		}
	}
	return false
}

// starts adds the pairs of bytes with which an id may begin that begins with a letter.
func (id *nationalID) starts(to *pairs) {
	for i := range id.forms {
		form := &id.forms[i]
		if !form.letters || len(form.elements) < 2 {
			continue
		}
		for first, is1 := range form.elements[0] {
			for second, is2 := range form.elements[1] {
				if is1 && is2 {
					to.add(byte(first), byte(second))
				}
			}
		}
	}
}

// taken is an id that was found, and where it begins and ends.
type takenID struct {
	span
	value string
}

// find finds ids of this kind: form by form, what one takes is not another's.
func (id *nationalID) find(s *Scanner, r *rule, part span) {
	var taken []takenID
	for i := range id.forms {
		form := &id.forms[i]
		next := part.from
		try := func(at int) {
			if at < next || !form.elements[0][s.text[at]] {
				return
			}
			if end, value := id.match(s, part, at, form); end >= 0 && free(taken, span{at, end}) {
				taken = append(taken, takenID{span{at, end}, value})
				next = end
			}
		}
		if anyDigit(form.elements[0]) {
			for at := s.firstDigit(part, part.from); at >= 0; at = s.nextGroup(part, at) {
				try(at)
			}
		}
		if form.letters {
			s.eachWord(part, try)
		}
	}
	slices.SortFunc(taken, func(x, y takenID) int { return cmp.Compare(x.from, y.from) })
	for _, t := range taken {
		id.emit(s, r, t)
	}
}

func free(taken []takenID, of span) bool {
	for _, other := range taken {
		if of.from < other.to && other.from < of.to {
			return false
		}
	}
	return true
}

func (id *nationalID) emit(s *Scanner, r *rule, t takenID) {
	if !only(t.value, digit) {
		s.emitWhole(r, t.span, s.key.Token(id.rule.ID, t.value), t.value)
		return
	}
	var digits number
	for i := t.from; i < t.to; i++ {
		if is(s.text[i], digit) {
			digits.add(s.text[i], i)
		}
	}
	s.emitDigits(r, t.span, &digits, s.key.Integer(id.rule.ID, t.value), t.value)
}

// match reads a form at a place and returns its end and its letters and digits; the end is -1 if it is none.
func (id *nationalID) match(s *Scanner, part span, at int, form *idForm) (end int, value string) {
	end = at + len(form.elements)
	if end > part.to {
		return -1, ""
	}
	for i, element := range form.elements {
		if !element[s.text[at+i]] {
			return -1, ""
		}
	}
	if !s.stands(part, span{at, end}) {
		return -1, ""
	}
	value = plainID(s.text[at:end])
	if !id.plausible(value) {
		return -1, ""
	}
	hinted := s.hinted(id.rule.ID, part, at)
	if form.hinted && !hinted || !hinted && (s.vetoed("national_ids", part, at) || s.vetoed(id.rule.ID, part, at)) {
		return -1, ""
	}
	return end, value
}

// plausible reports whether letters and digits pass all checks and are not our own.
func (id *nationalID) plausible(value string) bool {
	for _, prefix := range id.rule.NotPrefix {
		if strings.HasPrefix(value, prefix) {
			return false
		}
	}
	for i := range id.rule.Checks {
		if !holds(&id.rule.Checks[i], value) {
			return false
		}
	}
	return len(value) < 12 || !only(value, digit) || !pseudonym.OwnInteger(value)
}

func plainID(text []byte) string {
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if is(c, alnum) {
			if is(c, lower) {
				c -= 'a' - 'A'
			}
			out = append(out, c)
		}
	}
	return string(out)
}

// stands reports whether what is around a number lets it be one of its own.
func (s *Scanner) stands(part span, of span) bool {
	if s.before(part, of.from, word) || (s.before(part, of.from, dot) || s.before(part, of.from, dash)) && s.before(part, of.from-1, digit) {
		return false
	}
	if s.at(part, of.to, word) {
		return false
	}
	c := s.byteAt(part, of.to)
	return c != '.' && c != ':' && c != '-' || !s.at(part, of.to+1, digit)
}
