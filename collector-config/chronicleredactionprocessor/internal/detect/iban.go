package detect

import (
	"bytes"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

// findIBANs finds international bank account numbers.
func findIBANs(s *Scanner, r *rule, part span) {
	taken := part.from
	s.eachWord(part, func(at int) {
		if at < taken {
			return
		}
		var account [maxIBAN]byte
		end, n, separator := s.ibanAt(part, at, &account)
		if end < 0 {
			if end, n = s.foreignIBAN(part, at, &account); end >= 0 && !s.hinted(r.name, part, at) {
				return
			}
			separator = 0
		}
		compact := string(account[:n])
		if end < 0 || pseudonym.OwnIBAN(compact) || s.vetoed(r.name, part, at) {
			return
		}
		s.emitWhole(r, span{at, end}, spellIBAN(s.key.IBAN(compact), s.text[at:end], separator), compact)
		taken = end
	})
}

const (
	minIBAN = 15
	maxIBAN = 34
)

// ibanAt reads the account number that begins at i in upper case without separators, and returns its end, its length
// and its first separator; the end is -1 if there is none.
func (s *Scanner) ibanAt(part span, i int, account *[maxIBAN]byte) (end, n int, separator byte) {
	if s.before(part, i, alnum) || i+4 > part.to || !is(s.text[i], letter) || !is(s.text[i+1], letter) ||
		!is(s.text[i+2], digit) || !is(s.text[i+3], digit) {
		return -1, 0, 0
	}
	country := [2]byte{s.text[i] &^ 0x20, s.text[i+1] &^ 0x20}
	length := s.rules.tables.ibanLengths[string(country[:])]
	if length == 0 || length > maxIBAN {
		return -1, 0, 0
	}
	at := i
	spaced := 0
	for n < length {
		if c := s.byteAt(part, at); n > 0 && (c == ' ' || c == '-') && s.at(part, at+1, alnum) {
			if n%4 != 0 || n/4 != spaced+1 {
				return -1, 0, 0
			}
			if spaced == 0 {
				separator = c
			}
			spaced++
			at++
		}
		if !s.at(part, at, alnum) {
			return -1, 0, 0
		}
		c := s.text[at]
		if c >= 'a' {
			c -= 'a' - 'A'
		}
		account[n] = c
		n++
		at++
	}
	if s.at(part, at, alnum) || spaced > 0 && spaced != (length-1)/4 || !pseudonym.ValidIBAN(string(account[:n])) {
		return -1, 0, 0
	}
	return at, n, separator
}

// foreignIBAN reads an account number of no known length, without separators.
func (s *Scanner) foreignIBAN(part span, i int, account *[maxIBAN]byte) (end, n int) {
	if s.before(part, i, alnum) || i+4 > part.to || !ibanHead(s.text[:part.to], i) {
		return -1, 0
	}
	end = s.run(part, i, alnum)
	if n = end - i; n < minIBAN || n > maxIBAN {
		return -1, 0
	}
	for k, c := range s.text[i:end] {
		if c >= 'a' {
			c -= 'a' - 'A'
		}
		account[k] = c
	}
	if !pseudonym.ValidIBAN(string(account[:n])) {
		return -1, 0
	}
	return end, n
}

// spellIBAN writes an account number as the old one was written.
func spellIBAN(account string, old []byte, separator byte) string {
	if separator != 0 {
		var out strings.Builder
		for i := range len(account) {
			if i > 0 && i%4 == 0 {
				out.WriteByte(separator)
			}
			out.WriteByte(account[i])
		}
		account = out.String()
	}
	if bytes.IndexFunc(old, func(r rune) bool { return r >= 'A' && r <= 'Z' }) < 0 {
		return strings.ToLower(account)
	}
	return account
}
