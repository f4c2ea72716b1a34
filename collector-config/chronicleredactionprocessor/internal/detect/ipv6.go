package detect

import (
	"bytes"
	"net/netip"
	"strings"
)

const minIPv6 = 8

// findIPv6 finds addresses that belong to somebody.
func findIPv6(s *Scanner, r *rule, part span) {
	taken := part.from
	for _, colon := range within(s.found.colons, part) {
		if int(colon) < taken {
			continue
		}
		from, to := s.ipv6Run(part, int(colon), taken)
		address, ok := s.ipv6(part, &from, &to)
		taken = max(to, int(colon)+1)
		if !ok || !personalIPv6(address) || s.vetoed(r.name, part, from) {
			continue
		}
		s.emitWhole(r, span{from, to}, s.key.IPv6(address), netip.AddrFrom16(address).String())
	}
}

// ipv6Run returns the longest run of hex digits, colons and dots around a colon.
func (s *Scanner) ipv6Run(part span, colon, taken int) (from, to int) {
	from, to = colon, colon
	for from > taken && ipv6Byte(s.text[from-1]) {
		from--
	}
	for to < part.to && ipv6Byte(s.text[to]) {
		to++
	}
	return from, to
}

func ipv6Byte(c byte) bool { return c == ':' || is(c, hexa|dot) }

// ipv6 reads a run as an address and moves its ends behind a name and before punctuation.
func (s *Scanner) ipv6(part span, from, to *int) (address [16]byte, ok bool) {
	for *from < *to && s.text[*from] == '.' {
		*from++
	}
	text := bytes.TrimRight(s.text[*from:*to], ".")
	if bytes.HasSuffix(text, []byte(":")) && !bytes.HasSuffix(text, []byte("::")) {
		text = text[:len(text)-1]
	}
	*to = *from + len(text)
	if len(text) > 1 && text[0] == ':' && text[1] != ':' {
		*from++
		text = text[1:]
	}
	if s.before(part, *from, word) {
		if colon := bytes.IndexByte(text, ':'); colon >= 0 {
			*from += colon + 1 // a name before the address: host:2001:…
			text = text[colon+1:]
		}
	}
	if s.before(part, *from, word) || s.at(part, *to, word) {
		return address, false
	}
	return parseIPv6(text)
}

// parseIPv6 reads a text as an address that is none of the many short things with two colons in them.
func parseIPv6(text []byte) (address [16]byte, ok bool) {
	if len(text) < minIPv6 || bytes.Count(text, []byte(":")) < 2 || !bytes.ContainsAny(text, "0123456789") {
		return address, false
	}
	if double := bytes.Index(text, []byte("::")); double >= 0 && !hasAlnum(text[double:]) {
		return address, false
	}
	parsed, err := netip.ParseAddr(string(text))
	if err != nil || !parsed.Is6() {
		return address, false
	}
	return parsed.As16(), true
}

// personalIPv6 reports whether an address is none of the local, multicast and documentation ones.
func personalIPv6(a [16]byte) bool {
	address := netip.AddrFrom16(a)
	switch {
	case address == netip.IPv6Unspecified(), address == netip.IPv6Loopback(),
		a[0] == 0xfe && a[1]&0xc0 == 0x80, a[0]&0xfe == 0xfc, a[0] == 0xff,
		strings.HasPrefix(string(a[:]), "\x20\x01\x0d\xb8"):
		return false
	}
	return true
}
