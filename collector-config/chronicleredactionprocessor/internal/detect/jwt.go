package detect

// findJWTs finds JSON web tokens: parts with dots between them, the first of which is a JSON object in base64.
func findJWTs(s *Scanner, r *rule, part span) {
	taken := part.from
	s.eachWord(part, func(at int) {
		if at < taken || !s.literal(part, at, "eyJ") || s.before(part, at, tokens) {
			return
		}
		end := s.jwtEnd(part, at)
		if end < 0 {
			return
		}
		s.begin()
		s.dotted(span{at, end}, "eyJ")
		s.commit(r, span{at, end}, string(s.text[at:end]))
		taken = end
	})
}

func (s *Scanner) jwtEnd(part span, at int) int {
	end := s.run(part, at+3, tokens)
	if end-at-3 < 5 {
		return -1
	}
	long := false
	dots := 0
	for ; dots < 4 && s.byteAt(part, end) == '.'; dots++ {
		next := s.run(part, end+1, tokens)
		long = long || next-end-1 >= 2
		end = next
	}
	if dots == 0 || !long {
		return -1
	}
	return end
}

// dotted plans an edit for each part between dots that is not empty; the first keeps a prefix.
func (s *Scanner) dotted(token span, prefix string) {
	from := token.from
	for i := token.from; i <= token.to; i++ {
		if i < token.to && s.text[i] != '.' {
			continue
		}
		if i > from {
			s.replace(span{from, i}, s.key.Secret(string(s.text[from:i]), prefix))
		}
		from, prefix = i+1, ""
	}
}
