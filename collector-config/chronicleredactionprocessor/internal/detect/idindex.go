package detect

// idIndex finds quickly which national ids can be in a part at all: by what a form begins with and how long that is.
type idIndex struct {
	byDigits  [64][]indexedForm // by the length of the run of digits at the beginning; 0: any
	byLetters [64][]indexedForm // by the length of the run of letters and digits
	heads     [64][256]bool     // first bytes of byLetters
	count     int
}

type indexedForm struct {
	id   int
	form *idForm
}

func (x *idIndex) add(id *nationalID) {
	x.count = max(x.count, id.number+1)
	for i := range id.forms {
		form := &id.forms[i]
		head := min(form.head, 63)
		if form.digits {
			x.byDigits[head] = append(x.byDigits[head], indexedForm{id.number, form})
		}
		if form.letters {
			x.byLetters[head] = append(x.byLetters[head], indexedForm{id.number, form})
			for c, member := range form.elements[0] {
				x.heads[head][c] = x.heads[head][c] || member && is(byte(c), letter)
			}
		}
	}
}

// begins reports whether a form may begin with a run of letters and digits of a length.
func (x *idIndex) begins(first byte, length int) bool {
	return length < 64 && x.heads[length][first] || x.heads[0][first]
}

// dueIDs returns which national ids have a form that reads like something in a part; nil if none has.
func (s *Scanner) dueIDs(part span) []bool {
	index := &s.rules.idForms
	found := false
	s.due = append(s.due[:0], make([]bool, index.count)...)
	try := func(forms []indexedForm, at int) {
		for _, f := range forms {
			if !s.due[f.id] && f.form.reads(s.text, part, at) {
				s.due[f.id], found = true, true
			}
		}
	}
	s.cursor, s.lengths = 0, 0
	for at := s.firstDigit(part, part.from); at >= 0; {
		end := s.run(part, at, digit)
		s.lengths |= 1 << min(end-at, 63)
		if !s.before(part, at, word) {
			try(index.byDigits[min(end-at, 63)], at)
			try(index.byDigits[0], at)
		}
		at = s.firstDigit(part, end)
	}
	s.eachIDWord(part, func(at int) {
		try(index.byLetters[min(s.run(part, at, alnum)-at, 63)], at)
		try(index.byLetters[0], at)
	})
	if !found {
		return nil
	}
	return s.due
}

// reads reports whether the bytes at a place read as a form.
func (f *idForm) reads(text []byte, part span, at int) bool {
	if at+len(f.elements) > part.to || f.head < len(f.elements) && !f.elements[f.head][text[at+f.head]] {
		return false // what stands behind the first run decides most often
	}
	for i, element := range f.elements {
		if !element[text[at+i]] {
			return false
		}
	}
	return true
}

// eachIDWord calls do for every place at which an id may begin with a letter.
func (s *Scanner) eachIDWord(part span, do func(at int)) {
	if part.from < part.to && is(s.text[part.from], letter) {
		do(part.from)
	}
	last := s.cutWord(part)
	for _, at := range within(s.found.idWords, span{part.from + 1, part.to}) {
		if int(at) != last {
			do(int(at))
		}
	}
	if last > part.from && is(s.text[last], letter) {
		do(last)
	}
}

// cutWord returns the beginning of a run of letters and digits that the end of a part cuts, -1 if it cuts none: in the
// part it is shorter than the anchors know.
func (s *Scanner) cutWord(part span) int {
	if part.to == len(s.text) || part.from == part.to || !is(s.text[part.to], alnum) {
		return -1
	}
	start := part.to
	for start > part.from && is(s.text[start-1], alnum) {
		start--
	}
	if start == part.to {
		return -1
	}
	return start
}
