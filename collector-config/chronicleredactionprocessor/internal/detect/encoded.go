package detect

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Opaque stands for a text that cannot be judged.
const Opaque = "chronicle-opaque"

// encoded looks at what no rule claimed for runs of base64 and hex that decode to text.
func (s *Scanner) encoded(part span) {
	for _, run := range s.found.runs {
		from, to := max(run.from, part.from), min(run.to, part.to)
		if to-from < minRun {
			continue
		}
		hexFound := s.hexRuns(part, span{from, to})
		end := to
		for range 2 {
			if s.byteAt(part, end) == '=' {
				end++
			}
		}
		if !hexFound && !s.at(part, end, alnum) {
			s.base64Run(span{from, end}, to-from)
		}
	}
}

// hexRuns looks at the runs of hex digits in a run of base64, and reports whether any decodes to text.
func (s *Scanner) hexRuns(part, run span) bool {
	found := false
	for at := run.from; at < run.to; {
		if !is(s.text[at], hexa) {
			at++
			continue
		}
		end := s.run(run, at, hexa)
		stands := !s.before(part, at, alnum) && !s.at(part, end, alnum)
		if end-at >= minRun && stands {
			if decoded, ok := decodeHex(s.text[at:end]); ok {
				s.hexRun(span{at, end}, decoded)
				found = true
			}
		}
		at = end
	}
	return found
}

func (s *Scanner) hexRun(run span, decoded []byte) {
	edited, outcome := s.nester.Nest(decoded, s.context, s.layers)
	switch outcome {
	case Over:
		s.edit(run, s.rules.StandIn)
	case Changed:
		spelled := hex.EncodeToString(edited)
		if upperHex(s.text[run.from:run.to]) {
			spelled = strings.ToUpper(spelled)
		}
		s.edit(run, spelled)
	}
}

// base64Run decodes one run, of which so many bytes are no padding.
func (s *Scanner) base64Run(run span, solid int) {
	decoded, encoding, ok := decodeBase64(s.text[run.from:run.to], solid)
	if !ok {
		return
	}
	if packed(decoded) {
		s.tally.opaque("packed")
		s.edit(run, s.rules.StandIn)
		return
	}
	if !readable(decoded) {
		return
	}
	edited, outcome := s.nester.Nest(decoded, s.context, s.layers)
	switch outcome {
	case Over:
		s.edit(run, s.rules.StandIn)
	case Changed:
		s.edit(run, encoding.EncodeToString(edited))
	}
}

func upperHex(text []byte) bool {
	for _, c := range text {
		if c > '9' {
			return c < 'a'
		}
	}
	return false
}

func nibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

func decodeHex(text []byte) ([]byte, bool) {
	if len(text)%2 != 0 {
		return nil, false
	}
	for i := 0; i < len(text); i += 2 {
		if !is(text[i], hexa) || !is(text[i+1], hexa) || !printable[nibble(text[i])<<4|nibble(text[i+1])] {
			return nil, false
		}
	}
	decoded := make([]byte, len(text)/2)
	_, err := hex.Decode(decoded, text)
	return decoded, err == nil
}

var printable = func() (class [256]bool) {
	for c := ' '; c <= '~'; c++ {
		class[c] = true
	}
	class['\t'], class['\n'], class['\r'] = true, true, true
	return class
}()

// decodeBase64 decodes a run whose padding begins at solid, if encoding it again gives the same text.
func decodeBase64(text []byte, solid int) ([]byte, *base64.Encoding, bool) {
	plain := text[:solid]
	if !mayRead(plain) {
		return nil, nil, false
	}
	padded := len(text) > solid
	urlSafe := bytes.ContainsAny(plain, "-_")
	if urlSafe && bytes.ContainsAny(plain, "+/") || len(plain)%4 == 1 || padded && len(text)%4 != 0 {
		return nil, nil, false
	}
	encoding := base64.StdEncoding
	if urlSafe {
		encoding = base64.URLEncoding
	}
	raw := encoding.WithPadding(base64.NoPadding).Strict()
	decoded := make([]byte, raw.DecodedLen(len(plain)))
	n, err := raw.Decode(decoded, plain)
	if err != nil {
		return nil, nil, false
	}
	if !padded {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	return decoded[:n], encoding, true
}

// mayRead is a cheap look ahead: three quartets in a row whose first byte decodes to printable ASCII, or the beginning
// of compressed content.
func mayRead(plain []byte) bool {
	if plain[0] == 'H' || plain[0] == 'K' {
		return true // 1f8b and 28b52ffd begin so
	}
	count := 0
	for i := 0; i+4 <= len(plain); i += 4 {
		if printableLead[plain[i]] {
			count++
			if count == 3 {
				return true
			}
		} else {
			count = 0
		}
	}
	return false
}

// printableLead marks the letters of base64 for the first six bits of a printable byte.
var printableLead = func() (class [256]bool) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for value := range 64 {
		for low := range 4 {
			if printable[value<<2|low] {
				class[letters[value]] = true
			}
		}
	}
	return class
}()

func packed(decoded []byte) bool {
	return bytes.HasPrefix(decoded, []byte("\x1f\x8b")) || bytes.HasPrefix(decoded, []byte("\x28\xb5\x2f\xfd"))
}

// readable reports whether three quartets in a row, counted from the beginning, decode to printable ASCII.
func readable(decoded []byte) bool {
	for at := 0; at+9 <= len(decoded); at += 3 {
		n := 0
		for n < 9 && printable[decoded[at+n]] {
			n++
		}
		if n == 9 {
			return true
		}
	}
	return false
}
