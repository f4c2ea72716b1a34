package detect

import (
	"regexp"
	"strings"
)

// findEmails finds e-mail addresses around each @.
func findEmails(s *Scanner, r *rule, part span) {
	taken := part.from
	for _, place := range within(s.found.ats, part) {
		at := int(place)
		if at < taken {
			continue
		}
		local := s.local(span{taken, at})
		if local == at {
			continue
		}
		local = s.returned(taken, local)
		end := s.domainEnd(part, at+1)
		if end < 0 || s.impersonal(part, span{local, end}, at) {
			continue
		}
		address := strings.ToLower(string(s.text[local:end]))
		if s.vetoed(r.name, part, local) {
			continue
		}
		s.emitWhole(r, span{local, end}, s.key.Email(address), address)
		taken = end
	}
}

// wholeEmail reports whether a range is an address around an @ and nothing else, and returns it in lower case.
func (s *Scanner) wholeEmail(of span, at int) (string, bool) {
	local := s.local(span{of.from, at})
	if local == at || s.returned(of.from, local) != of.from || s.domainEnd(of, at+1) != of.to || s.impersonal(of, of, at) {
		return "", false
	}
	return strings.ToLower(s.slice(of)), true
}

// image is what follows the @ of a picture for fine screens: logo@2x.png
var image = regexp.MustCompile(`^@[0-9](?:\.[0-9])?x\.(?:png|jpe?g|gif|webp|svg|avif|ico)$`)

// impersonal reports whether an address names a service: a git remote, or an extension of a house's own telephone system.
func (s *Scanner) impersonal(part, address span, at int) bool {
	local := s.text[address.from:at]
	if string(local) == "git" && s.byteAt(part, address.to) == ':' {
		return true
	}
	if image.Match(s.text[at:address.to]) {
		return true
	}
	for _, c := range local {
		if is(c, letter) {
			return false
		}
	}
	domain := string(s.text[at:address.to])
	switch strings.ToLower(domain[strings.LastIndexByte(domain, '.')+1:]) {
	case "local", "internal", "lan", "localdomain":
		return true
	}
	return false
}

// returned returns where an address begins that carries another one in its local part, before =: a bounce comes back to it.
func (s *Scanner) returned(floor, start int) int {
	if start-1 <= floor || s.text[start-1] != '=' {
		return start
	}
	first := start - 1
	for first > floor && (is(s.text[first-1], localish) || s.text[first-1] == '=') {
		first--
	}
	for first < start && !is(s.text[first], word) && s.text[first] != '=' {
		first++
	}
	if returns.Match(s.text[first:start]) {
		return first
	}
	return start
}

var returns = regexp.MustCompile(`^(?:(?i:bounces?|returns?|verp|owner)[+-]|(?i:srs)[01][=+-])`)

// local returns the beginning of the local part that ends where the part does; the end itself if there is none.
func (s *Scanner) local(part span) int {
	start := part.to
	for start > part.from && is(s.text[start-1], localish) {
		start--
	}
	for start < part.to && !is(s.text[start], word) {
		start++
	}
	if start < part.to && s.text[part.to-1] == '.' {
		return part.to
	}
	return start
}

// domainEnd returns the end of the longest domain name that begins at i, -1 if there is none: labels with dots between
// them, the last one letters or punycode.
func (s *Scanner) domainEnd(part span, i int) int {
	end := -1
	for labels := 0; ; labels++ {
		last := s.run(part, i, alnum|dash)
		if labels > 0 {
			if top := s.topLevel(part, i, last); top > end {
				end = top
			}
		}
		whole := last > i && is(s.text[i], alnum) && is(s.text[last-1], alnum)
		if !whole || s.byteAt(part, last) != '.' {
			return end
		}
		i = last + 1
	}
}

func (s *Scanner) topLevel(part span, i, last int) int {
	end := -1
	letters := s.run(span{part.from, min(last, i+63)}, i, letter)
	if letters-i >= 2 {
		end = letters
	}
	if s.word(part, i, "xn--") {
		for last > i+4 && !is(s.text[last-1], alnum) {
			last--
		}
		if last > i+4 && last > end {
			end = last
		}
	}
	return end
}
