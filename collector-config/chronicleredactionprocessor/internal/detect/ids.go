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
	rule   *policy.NationalID
	number int
	names  glob
	forms  []idForm
}

// idForm is a form, byte by byte.
type idForm struct {
	elements []*[256]bool
	hinted   bool
	digits   bool // it may begin with a digit
	letters  bool // it may begin with a letter
	head     int  // length of the run of digits, or of letters and digits, with which it begins; 0 where it may vary
}

func newNationalID(entry *policy.NationalID, number int) nationalID {
	id := nationalID{rule: entry, number: number, names: newGlob(entry.Names)}
	for _, form := range entry.Forms {
		id.forms = append(id.forms, newIDForm(form, entry.AnyCase, false))
	}
	for _, form := range entry.Hinted {
		id.forms = append(id.forms, newIDForm(form, entry.AnyCase, true))
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
	form.digits, form.letters = anyDigit(form.elements[0]), anyLetter(form.elements[0])
	form.head = headLength(form.elements, form.letters)
	return form
}

// headLength returns the length of the run of digits with which a form begins, of letters and digits where it begins with
// a letter; 0 if the text decides about it.
func headLength(elements []*[256]bool, letters bool) int {
	class := uint16(digit)
	if letters {
		class = alnum
	}
	head := 0
	for head < len(elements) && onlyMembers(elements[head], class) {
		head++
	}
	if head < len(elements) && hasMember(elements[head], class) {
		return 0
	}
	return head
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

func onlyMembers(set *[256]bool, class uint16) bool {
	for c, member := range set {
		if member && !is(byte(c), class) {
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
		if form.digits {
			s.cursor = 0
			for at := s.firstDigit(part, part.from); at >= 0; at = s.nextGroup(part, at) {
				try(at)
			}
		}
		if form.letters {
			s.eachIDWord(part, try)
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
	if s.before(part, of.from, word) || s.byteAt(part, of.from-1) == '+' || (s.before(part, of.from, dot) || s.before(part, of.from, dash)) && s.before(part, of.from-1, digit) {
		return false
	}
	if s.at(part, of.to, word) {
		return false
	}
	c := s.byteAt(part, of.to)
	return c != '.' && c != ':' && c != '-' || !s.at(part, of.to+1, digit)
}
