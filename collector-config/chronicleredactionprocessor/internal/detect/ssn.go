package detect

// findSSNs finds United States social security numbers and taxpayer numbers.
func findSSNs(s *Scanner, r *rule, part span) {
	if s.lengths&(1<<3|1<<5|1<<9) == 0 {
		return
	}
	for at := s.firstDigit(part, part.from); at >= 0; {
		var ssn number
		end, separator := s.ssnAt(part, at, &ssn)
		if end < 0 || !plausibleSSN(ssn.text()) || !s.ssnWanted(r, part, at, separator) {
			at = s.nextGroup(part, at)
			continue
		}
		digits := ssn.text()
		s.emitDigits(r, span{at, end}, &ssn, s.key.SSN(digits), digits)
		at = s.firstDigit(part, end)
	}
}

// ssnAt reads three, two and four digits with the same separator, or none, between them.
func (s *Scanner) ssnAt(part span, i int, ssn *number) (end int, separator byte) {
	if s.before(part, i, word) || (s.before(part, i, dot) || s.before(part, i, dash)) && s.before(part, i-1, digit) {
		return -1, 0
	}
	end, separator = s.threeTwoFour(part, i, ssn)
	if end < 0 || s.at(part, end, word) {
		return -1, 0
	}
	if c := s.byteAt(part, end); (c == '.' || c == ':' || c == '-') && s.at(part, end+1, digit) {
		return -1, 0
	}
	return end, separator
}

func (s *Scanner) threeTwoFour(part span, i int, ssn *number) (end int, separator byte) {
	ssn.n = 0
	for g, length := range [...]int{3, 2, 4} {
		if g > 0 {
			c := s.byteAt(part, i)
			if c != ' ' && c != '.' && c != '-' {
				c = 0
			}
			if g == 1 {
				separator = c
			} else if c != separator {
				return -1, 0
			}
			if c != 0 {
				i++
			}
		}
		for range length {
			if !s.at(part, i, digit) {
				return -1, 0
			}
			ssn.add(s.text[i], i)
			i++
		}
	}
	return i, separator
}

func (s *Scanner) ssnWanted(r *rule, part span, at int, separator byte) bool {
	if separator == '-' {
		return !s.vetoed(r.name, part, at)
	}
	return s.hinted(r.name, part, at)
}

// plausibleSSN reports whether nine digits could have been given out.
func plausibleSSN(digits string) bool {
	area, group, serial := digits[:3], digits[3:5], digits[5:]
	if area == "000" || area == "666" || group == "00" || serial == "0000" {
		return false
	}
	return area < "900" || group >= "50"
}
