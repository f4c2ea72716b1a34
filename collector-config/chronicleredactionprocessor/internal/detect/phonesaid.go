package detect

// wholePhone reports whether a candidate is all of a text whose name says that it holds a number.
func (s *Scanner) wholePhone(part span, c *phoneCandidate, of span) bool {
	if !s.context.hints["phone"] || part.from != 0 || s.inside || len(c.digits) > maxAbroad {
		return false
	}
	for i := range c.groups {
		if c.groups[i].inside {
			return false
		}
	}
	return s.run(part, part.from, blank) == of.from && s.run(part, of.to, blank) == part.to
}

// saidPhone reports whether the word directly before a candidate calls it a number.
func (s *Scanner) saidPhone(part span, c *phoneCandidate, start int, hint *phoneHint) bool {
	if c.plus || len(c.digits) < minSaid || len(c.digits) > maxAbroad || s.dateBegins(part, start) {
		return false
	}
	for i := range c.groups {
		if c.groups[i].inside || i > 1 && s.slice(c.groups[i].gap) != s.slice(c.groups[1].gap) {
			return false
		}
	}
	if len(c.groups) == 1 && (len(c.digits) == 10 || len(c.digits) == 13) && c.digits[0] == '1' && c.digits[1] >= '5' {
		return false // seconds or milliseconds since 1970
	}
	if s.named("phone", part, start) {
		return true
	}
	return len(c.groups) > 1 && !s.framed(c, ' ') && s.calledAt(part, start) && hint.holds(s)
}

// calledAt reports whether a word stands before a place that stands between a call and its number: call me at …
func (s *Scanner) calledAt(part span, at int) bool {
	floor := max(part.from, at-calledReach)
	i := at
	for i > floor && (s.text[i-1] == ' ' || s.text[i-1] == ':') {
		i--
	}
	if i == at {
		return false
	}
	for _, name := range [...]string{"at", "on", "under", "unter", "au", "is"} {
		if from := i - len(name); from >= floor && s.word(part, from, name) && !s.before(part, from, word) {
			return true
		}
	}
	return false
}

// dateBegins reports whether digits begin as a date does: 01.02.2003, 2003-02-01 or 20030201.
func (s *Scanner) dateBegins(part span, i int) bool {
	return s.dateLike(part, i, "99.99.9999") || s.dateLike(part, i, "9999.99.99") ||
		s.run(part, i, digit) == i+8 && (s.word(part, i, "19") || s.word(part, i, "20")) && s.text[i+4] <= '1' && s.text[i+6] <= '3'
}

func (s *Scanner) dateLike(part span, i int, form string) bool {
	if i+len(form) > part.to {
		return false
	}
	for k := range len(form) {
		c := s.text[i+k]
		if form[k] == '9' && !is(c, digit) || form[k] == '.' && c != '.' && c != '/' && c != '-' {
			return false
		}
	}
	return true
}
