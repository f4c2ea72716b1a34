package detect

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

// claim is a place where our own output stands; of overlapping ones the earlier, then the earlier kind holds.
type claim struct {
	span
	kind int
}

const (
	ownEmail = iota
	ownSecret
	ownHost
	ownBlock
	ownIBAN
	ownCard
	ownPhone
	ownQuad
	ownSix
	ownInteger
	ownSSN
)

// own returns where our own output stands in a part: nothing in it is scanned, and what stands on either side is
// scanned by itself.
func (s *Scanner) own(part span, claims []claim) []claim {
	first := len(claims)
	s.enter(part)
	claims = s.ownTexts(part, claims)
	claims = s.ownBlocks(part, claims)
	claims = s.ownNumbers(part, claims)
	claims = s.ownPhones(part, claims)
	claims = s.ownSixes(part, claims)
	found := claims[first:]
	slices.SortFunc(found, func(x, y claim) int { return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.kind, y.kind)) })
	kept := first
	floor := part.from
	for _, c := range found {
		if c.from >= floor {
			claims[kept] = c
			kept++
			floor = c.to
		}
	}
	return claims[:kept]
}

func (s *Scanner) ownTexts(part span, claims []claim) []claim {
	for _, place := range within(s.found.chrs, part) {
		if end := s.ownSecretAt(part, int(place)); end >= 0 {
			claims = append(claims, claim{span{int(place), end}, ownSecret})
		}
	}
	for _, place := range within(s.found.domains, part) {
		from, to := int(place)-7, int(place)+len(".example.com")
		if from < part.from || to > part.to || !ownDomain(string(s.text[from:to])) {
			continue
		}
		if mail := to - pseudonym.EmailLength; mail >= part.from && pseudonym.OwnEmail(string(s.text[mail:to])) {
			claims = append(claims, claim{span{mail, to}, ownEmail})
			continue
		}
		// After an @ it is somebody's address, made to look like ours.
		if s.before(part, from, tokens|dot) || s.byteAt(part, from-1) == '@' || s.at(part, to, tokens) {
			continue
		}
		claims = append(claims, claim{span{from, to}, ownHost})
	}
	s.eachWord(part, func(at int) {
		if s.text[at]&^0x20 != 'G' || at+1 >= part.to || s.text[at+1]&^0x20 != 'B' {
			return
		}
		var account [maxIBAN]byte
		if end, n, _ := s.ibanAt(part, at, &account); end >= 0 && pseudonym.OwnIBAN(string(account[:n])) {
			claims = append(claims, claim{span{at, end}, ownIBAN})
		}
	})
	return claims
}

func ownDomain(text string) bool { return pseudonym.OwnDomain(text) }

func (s *Scanner) ownBlocks(part span, claims []claim) []claim {
	for _, block := range s.blocks(part) {
		if body := solid(s.text[block.body.from:block.body.to]); pseudonym.OwnSecretBody(string(body)) {
			claims = append(claims, claim{block.span, ownBlock})
		}
	}
	return claims
}

// ownNumbers looks at the runs of digits.
func (s *Scanner) ownNumbers(part span, claims []claim) []claim {
	for at := s.firstDigit(part, part.from); at >= 0; at = s.nextGroup(part, at) {
		switch s.text[at] {
		case '4':
			var card number
			if end := s.cardAt(part, at, &card, acceptOwnCard); end >= 0 {
				claims = append(claims, claim{span{at, end}, ownCard})
			}
		case '2':
			var octets [4]int
			if end := s.ipv4At(part, at, &octets); end >= 0 && pseudonym.OwnIPv4(octets[0]) {
				claims = append(claims, claim{span{at, end}, ownQuad})
			}
		case '9':
			if end := s.ownIntegerAt(part, at); end >= 0 && !s.before(part, at, digit) {
				claims = append(claims, claim{span{at, end}, ownInteger})
			}
			var ssn number
			end, separator := s.threeTwoFour(part, at, &ssn)
			if end >= 0 && !s.before(part, at, digit) && !s.at(part, end, digit) && pseudonym.OwnSSN(ssn.text()) &&
				(separator == '-' || s.hinted("us_ssn", part, at)) {
				claims = append(claims, claim{span{at, end}, ownSSN})
			}
		}
	}
	return claims
}

// ownIntegerAt returns the end of an integer's stand-in that begins at i: digits alone, or three groups of four.
func (s *Scanner) ownIntegerAt(part span, i int) int {
	end := s.run(part, i, digit)
	text := s.text[i:end]
	if separator := s.byteAt(part, i+4); end == i+4 && (separator == ' ' || separator == '-') {
		middle, last := s.run(part, i+5, digit), s.run(part, i+10, digit)
		if middle != i+9 || s.byteAt(part, middle) != separator || last != i+14 {
			return -1
		}
		end = last
		text = plainDigits(s.text[i:end])
	}
	if len(text) < 12 || text[1] != '9' || !pseudonym.OwnInteger(string(text)) {
		return -1
	}
	return end
}

func plainDigits(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if is(c, digit) {
			out = append(out, c)
		}
	}
	return out
}

func phoneGap(c byte) bool { return c == ' ' || c == '\t' || c == '.' || c == '/' || c == '-' }

// ownPhones looks around each 555.
func (s *Scanner) ownPhones(part span, claims []claim) []claim {
	text := s.text[part.from:part.to]
	for at := 0; ; at++ {
		next := bytes.Index(text[at:], []byte("555"))
		if next < 0 {
			return claims
		}
		at += next
		exchange := part.from + at
		end := s.skipGap(part, exchange+3) + 4
		if end > part.to || !s.literal(part, end-4, "01") || !s.at(part, end-2, digit) || !s.at(part, end-1, digit) || s.at(part, end, digit) {
			continue
		}
		area := exchange
		for gap := 0; gap < 3 && area > part.from && phoneGap(s.text[area-1]); gap++ {
			area--
		}
		if s.byteAt(part, area-1) == ')' {
			area--
		}
		area -= 3
		if area < part.from || !only(string(s.text[area:area+3]), digit) {
			continue
		}
		national := string(s.text[area:area+3]) + "555" + string(s.text[end-4:end])
		start := s.phoneStart(part, area)
		if !pseudonym.OwnNationalPhone(national) || s.before(part, start, digit) {
			continue
		}
		claims = append(claims, claim{span{start, end}, ownPhone})
	}
}

func (s *Scanner) skipGap(part span, i int) int {
	for gap := 0; gap < 3 && i < part.to && phoneGap(s.text[i]); gap++ {
		i++
	}
	return i
}

// phoneStart takes an opening bracket, the country code and a plus sign before an area code to the number.
func (s *Scanner) phoneStart(part span, area int) int {
	start := area
	if s.byteAt(part, start-1) == '(' {
		start--
	}
	one := start - 1
	if c := s.byteAt(part, one); c == ' ' || c == '.' || c == '-' {
		one--
	}
	if s.byteAt(part, one) != '1' {
		return start
	}
	if s.byteAt(part, one-1) == '+' {
		one--
	}
	return one
}

func (s *Scanner) ownSixes(part span, claims []claim) []claim {
	for _, place := range within(s.found.colons, part) {
		colon := int(place)
		from := colon - 4
		if from < part.from || string(s.text[from:colon]) != "2001" || s.before(part, from, tokens) {
			continue
		}
		at := colon + 1
		if s.byteAt(part, at) == '0' {
			at++
		}
		if !s.word(part, at, "db8:") || s.byteAt(part, at+2) != '8' {
			continue
		}
		end := at + 4
		for end < part.to && (s.text[end] == ':' || is(s.text[end], hexa)) {
			end++
		}
		if end == at+4 {
			continue
		}
		for s.text[end-1] == ':' {
			end--
		}
		if s.at(part, end, tokens) {
			continue
		}
		if _, ok := parseIPv6(s.text[from:end]); ok {
			claims = append(claims, claim{span{from, end}, ownSix})
		}
	}
	return claims
}
