package detect

// Classes of bytes; none of them holds a byte from 80 on.
const (
	digit    = 1 << iota
	lower    // a-z
	upper    // A-Z
	under    // _
	dash     // -
	blank    // space, tab, line feed, carriage return
	hexa     // 0-9 a-f A-F
	localish // what may stand in the local part of an address
	base64x  // + / =
	dot

	letter = lower | upper
	alnum  = digit | letter
	word   = alnum | under
	tokens = word | dash // the class B of the documentation
)

var classes = func() (table [256]uint16) {
	set := func(class uint16, bytes string) {
		for i := range len(bytes) {
			table[bytes[i]] |= class
		}
	}
	const small, capital, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	set(digit, digits)
	set(lower, small)
	set(upper, capital)
	set(under, "_")
	set(dash, "-")
	set(blank, " \t\r\n")
	set(hexa, digits+"abcdefABCDEF")
	set(localish, digits+small+capital+"._%+'-")
	set(base64x, "+/=")
	set(dot, ".")
	return table
}()

func is(c byte, class uint16) bool { return classes[c]&class != 0 }

// span is a range of the view that is looked at as a text of its own: outside of it, there is nothing.
type span struct{ from, to int }

// before reports whether there is a byte before i and it is of a class.
func (s *Scanner) before(part span, i int, class uint16) bool {
	return i > part.from && is(s.text[i-1], class)
}

// at reports whether there is a byte at i and it is of a class.
func (s *Scanner) at(part span, i int, class uint16) bool {
	return i >= part.from && i < part.to && is(s.text[i], class)
}

// byteAt returns the byte at i, or 0 where there is none. A zero byte is in no class.
func (s *Scanner) byteAt(part span, i int) byte {
	if i < part.from || i >= part.to {
		return 0
	}
	return s.text[i]
}

// run returns the end of the run of a class that begins at i.
func (s *Scanner) run(part span, i int, class uint16) int {
	for i < part.to && is(s.text[i], class) {
		i++
	}
	return i
}

func lowered(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// word reports whether a lower-case word stands at i, in any case.
func (s *Scanner) word(part span, i int, text string) bool {
	if i+len(text) > part.to {
		return false
	}
	for k := range len(text) {
		if lowered(s.text[i+k]) != text[k] {
			return false
		}
	}
	return true
}

// literal reports whether a text stands at i.
func (s *Scanner) literal(part span, i int, text string) bool {
	return i+len(text) <= part.to && string(s.text[i:i+len(text)]) == text
}
