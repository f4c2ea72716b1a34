package detect

import "strconv"

// findIPv4 finds addresses that belong to somebody.
func findIPv4(s *Scanner, r *rule, part span) {
	if s.lengths&(1<<1|1<<2|1<<3) == 0 {
		return
	}
	for at := s.firstDigit(part, part.from); at >= 0; {
		var octets [4]int
		end := s.ipv4At(part, at, &octets)
		if end < 0 || !personalIPv4(octets) || !s.countsIPv4(r, part, at, octets) {
			at = s.nextGroup(part, at)
			continue
		}
		address := dotted(octets)
		s.emitWhole(r, span{at, end}, s.key.IPv4(address), address)
		at = s.firstDigit(part, end)
	}
}

// Four octets below oneDigit are a version, where nothing hints at an address, and so are four below smallOctet behind a
// word; one address in four thousand has four such octets.
const (
	oneDigit   = 10
	smallOctet = 32
)

// countsIPv4 reports whether four numbers are an address and no version: nothing speaks against it, and where it is as
// short as a version, something hints at it.
func (s *Scanner) countsIPv4(r *rule, part span, at int, o [4]int) bool {
	if s.vetoed(r.name, part, at) || at-2 >= part.from && string(s.text[at-2:at]) == "==" {
		return false
	}
	most := max(o[0], o[1], o[2], o[3])
	if most >= smallOctet || o[0] == o[1] {
		return true
	}
	if most >= oneDigit {
		if of := s.wordBeforeBlank(part, at); of.from == of.to {
			return true
		}
	}
	return s.hinted(r.name, part, at)
}

func dotted(octets [4]int) string {
	out := make([]byte, 0, 15)
	for i, octet := range octets {
		if i > 0 {
			out = append(out, '.')
		}
		out = strconv.AppendInt(out, int64(octet), 10)
	}
	return string(out)
}

// ipv4At returns the end of the address that begins at i, -1 if there is none.
func (s *Scanner) ipv4At(part span, i int, octets *[4]int) int {
	if s.before(part, i, word) {
		return -1
	}
	if i > part.from && (s.text[i-1] == '.' || s.text[i-1] == '-' || s.text[i-1] == '/') && s.before(part, i-1, word) {
		return -1
	}
	end := s.quad(part, i, octets)
	if end < 0 || s.at(part, end, word) {
		return -1
	}
	switch s.byteAt(part, end) {
	case '.':
		if s.at(part, end+1, digit) {
			return -1
		}
	case '-', '+':
		if s.at(part, end+1, letter) {
			return -1
		}
	}
	return end
}

// quad reads four octets without leading zeros, dots between them.
func (s *Scanner) quad(part span, i int, octets *[4]int) int {
	for k := range octets {
		if k > 0 {
			if s.byteAt(part, i) != '.' {
				return -1
			}
			i++
		}
		first := i
		value := 0
		for i < part.to && i-first < 4 && is(s.text[i], digit) {
			value = value*10 + int(s.text[i]-'0')
			i++
		}
		n := i - first
		if n == 0 || n > 3 || value > 255 || n > 1 && s.text[first] == '0' {
			return -1
		}
		octets[k] = value
	}
	return i
}

// personalIPv4 reports whether an address is none of the private, local, documentation, multicast and reserved ones.
func personalIPv4(o [4]int) bool {
	switch {
	case o[0] == 0, o[0] == 10, o[0] == 127, o[0] >= 224,
		o[0] == 169 && o[1] == 254,
		o[0] == 172 && o[1] >= 16 && o[1] < 32,
		o[0] == 192 && o[1] == 168,
		o[0] == 192 && o[1] == 0 && o[2] == 2,
		o[0] == 198 && o[1] == 51 && o[2] == 100,
		o[0] == 203 && o[1] == 0 && o[2] == 113:
		return false
	}
	return true
}
