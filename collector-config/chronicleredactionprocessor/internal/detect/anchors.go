package detect

import (
	"bytes"
	"slices"
)

// anchors are the places of a view at which a rule may begin to look; the left boundary of a match is not part of it,
// for it depends on the part. A rule also looks at the beginning of its part, which may lie inside a run.
type anchors struct {
	ats     []int32 // @
	digits  []int32 // first digit of a run of digits
	words   []int32 // first byte of a run of letters and digits that may begin a token of some rule
	idWords []int32 // and one of a length with which a national id begins
	schemes []int32 // the colon of ://
	colons  []int32 // a colon that may stand in an IPv6 address
	assigns []int32 // = or : between a name and a value
	longs   []int32 // first byte of a token that is long enough for a secret without a prefix
	dashes  []int32 // five dashes before BEGIN or END
	chrs    []int32 // the letters that begin our own secrets
	domains []int32 // the dot of .example.com
	runs    []span  // runs that may be base64 or hex
}

func (a *anchors) reset() {
	a.ats, a.digits, a.words, a.idWords = a.ats[:0], a.digits[:0], a.words[:0], a.idWords[:0]
	a.schemes, a.colons, a.assigns, a.longs = a.schemes[:0], a.colons[:0], a.assigns[:0], a.longs[:0]
	a.dashes, a.chrs, a.domains, a.runs = a.dashes[:0], a.chrs[:0], a.domains[:0], a.runs[:0]
}

// steps of collect: what kind of byte begins here.
const (
	stepOther = iota
	stepLetter
	stepDigit
	stepJoin // + / _ -
	stepAt
	stepColon
	stepEquals
)

var steps = func() (table [256]uint8) {
	for c := range 256 {
		switch {
		case is(byte(c), letter):
			table[c] = stepLetter
		case is(byte(c), digit):
			table[c] = stepDigit
		}
	}
	table['+'], table['/'], table['_'], table['-'] = stepJoin, stepJoin, stepJoin, stepJoin
	table['@'], table[':'], table['='] = stepAt, stepColon, stepEquals
	return table
}()

// minRun is the shortest encoded run.
const minRun = 16

// collect finds the anchors in one pass and reports whether there are any.
func (s *Scanner) collect() bool {
	a := &s.found
	a.reset()
	text := s.text
	runStart, tokenStart := -1, -1
	for i := 0; i < len(text); {
		step := steps[text[i]]
		if step == stepOther {
			if runStart >= 0 && i-runStart >= minRun {
				a.runs = append(a.runs, span{runStart, i})
			}
			runStart = -1
			s.endToken(&tokenStart, i)
			i++
			continue
		}
		if step <= stepJoin && runStart < 0 {
			runStart = i
		}
		switch step {
		case stepLetter, stepDigit:
			if tokenStart < 0 {
				tokenStart = i
			}
			if i+1 < len(text) && (s.rules.begins(text, i) || ibanHead(text, i)) {
				a.words = append(a.words, int32(i))
			}
			end := a.wordEnd(text, i)
			if step == stepLetter && s.rules.idForms.begins(text[i], end-i) {
				a.idWords = append(a.idWords, int32(i))
			}
			i = end
			continue
		case stepJoin:
			if text[i] == '-' && i+5 < len(text) && (text[i+5] == 'B' || text[i+5] == 'E') && string(text[i:i+5]) == pemDash {
				a.dashes = append(a.dashes, int32(i))
			}
			if text[i] == '+' || text[i] == '/' {
				s.endToken(&tokenStart, i)
			} else if tokenStart < 0 {
				tokenStart = i
			}
			i++
			continue
		case stepAt:
			a.ats = append(a.ats, int32(i))
		case stepColon:
			a.colon(text, i)
			a.assigns = append(a.assigns, int32(i))
		case stepEquals:
			a.assigns = append(a.assigns, int32(i))
		}
		s.endToken(&tokenStart, i)
		if runStart >= 0 && i-runStart >= minRun {
			a.runs = append(a.runs, span{runStart, i})
		}
		runStart = -1
		i++
	}
	if runStart >= 0 && len(text)-runStart >= minRun {
		a.runs = append(a.runs, span{runStart, len(text)})
	}
	s.endToken(&tokenStart, len(text))
	a.chrs = every(a.chrs, text, "chr")
	a.domains = every(a.domains, text, ".example.com")
	return s.rules.everywhere || !a.empty()
}

func (a *anchors) empty() bool {
	return len(a.ats) == 0 && len(a.digits) == 0 && len(a.words) == 0 && len(a.idWords) == 0 && len(a.schemes) == 0 && len(a.colons) == 0 && len(a.assigns) == 0 &&
		len(a.longs) == 0 && len(a.dashes) == 0 && len(a.chrs) == 0 && len(a.domains) == 0 && len(a.runs) == 0
}

// endToken notes a token that ends at i if a secret without a prefix may begin with it.
func (s *Scanner) endToken(start *int, i int) {
	if *start < 0 {
		return
	}
	lengths := s.rules.secrets.ends
	if i < len(s.text) {
		lengths = s.rules.secrets.seps[s.text[i]]
	}
	if lengths&(1<<min(i-*start, mostLength)) != 0 {
		s.found.longs = append(s.found.longs, int32(*start))
	}
	*start = -1
}

// ibanHead reports whether two letters and two digits stand at a place.
func ibanHead(text []byte, i int) bool {
	return i+4 <= len(text) && is(text[i+2], digit) && is(text[i+3], digit) && is(text[i], letter) && is(text[i+1], letter)
}

// wordEnd notes the runs of digits in a run of letters and digits and returns its end.
func (a *anchors) wordEnd(text []byte, i int) int {
	for i < len(text) {
		switch steps[text[i]] {
		case stepLetter:
			i++
		case stepDigit:
			a.digits = append(a.digits, int32(i))
			for i < len(text) && steps[text[i]] == stepDigit {
				i++
			}
		default:
			return i
		}
	}
	return i
}

func (a *anchors) colon(text []byte, i int) {
	next := i + 1
	if next >= len(text) {
		return
	}
	if text[next] == '/' && next+1 < len(text) && text[next+1] == '/' {
		a.schemes = append(a.schemes, int32(i))
		return
	}
	if text[next] == ':' || is(text[next], hexa) {
		a.colons = append(a.colons, int32(i))
	}
}

// every appends the places of a literal.
func every(to []int32, text []byte, literal string) []int32 {
	for at := 0; ; {
		next := bytes.Index(text[at:], []byte(literal))
		if next < 0 {
			return to
		}
		to = append(to, int32(at+next))
		at += next + 1
	}
}

// within returns the places of a sorted list that lie in a part.
func within(list []int32, part span) []int32 {
	if len(list) == 0 {
		return nil
	}
	first, _ := slices.BinarySearch(list, int32(part.from))
	last, _ := slices.BinarySearch(list[first:], int32(part.to))
	return list[first : first+last]
}

// pairs is a set of two bytes with which something may begin.
type pairs [65536 / 64]uint64

func (p *pairs) add(x, y byte) {
	n := uint(x)<<8 | uint(y)
	p[n>>6] |= 1 << (n & 63)
}

func (p *pairs) has(x, y byte) bool {
	n := uint(x)<<8 | uint(y)
	return p[n>>6]&(1<<(n&63)) != 0
}
