package detect

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// findBasic finds the credentials of basic authentication.
func findBasic(s *Scanner, r *rule, part span) {
	s.eachCredential(part, "basic", func(at, group int) int {
		end := group
		for end < part.to && (is(s.text[end], tokens) || s.text[end] == '+' || s.text[end] == '/') {
			end++
		}
		if end-group < 4 {
			return -1
		}
		for range 2 {
			if s.byteAt(part, end) == '=' {
				end++
			}
		}
		if !holdsColon(string(s.text[group:end])) {
			return -1
		}
		credential := string(s.text[group:end])
		s.emitWhole(r, span{group, end}, s.secret(credential), credential)
		return end
	})
}

func holdsColon(text string) bool {
	text = strings.TrimRight(text, "=")
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(text)
	decoded, err := base64.RawStdEncoding.DecodeString(standard)
	return err == nil && bytes.IndexByte(decoded, ':') >= 0 && utf8.Valid(decoded) && !bytes.ContainsFunc(decoded, isControl)
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// findBearer finds bearer tokens.
func findBearer(s *Scanner, r *rule, part span) {
	s.eachCredential(part, "bearer", func(at, group int) int {
		end := group
		for end < part.to && (is(s.text[end], alnum|under|dash|dot) || s.text[end] == '~' || s.text[end] == '+' || s.text[end] == '/') {
			end++
		}
		if end-group < 16 {
			return -1
		}
		for range 2 {
			if s.byteAt(part, end) == '=' {
				end++
			}
		}
		for end > group && s.text[end-1] == '.' {
			end--
		}
		token := s.text[group:end]
		if len(token) < 16 || !bytes.ContainsAny(token, "0123456789") {
			return -1
		}
		s.begin()
		from := group
		for i := group; i <= end; i++ {
			if i < end && s.text[i] != '.' {
				continue
			}
			if i > from {
				s.replace(span{from, i}, s.secret(string(s.text[from:i])))
			}
			from = i + 1
		}
		s.commit(r, span{group, end}, string(token))
		return end
	})
}

// eachCredential calls take with the places of a word, blanks after it, and what follows; take returns where it ended.
func (s *Scanner) eachCredential(part span, name string, take func(at, group int) int) {
	taken := part.from
	s.eachWord(part, func(at int) {
		if at < taken || s.before(part, at, word) || !s.word(part, at, name) {
			return
		}
		group := at + len(name)
		for s.byteAt(part, group) == ' ' || s.byteAt(part, group) == '\t' {
			group++
		}
		if group == at+len(name) {
			return
		}
		if end := take(at, group); end >= 0 {
			taken = end
		}
	})
}
