package detect

import (
	"bytes"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

// block is a PEM block and its body.
type block struct {
	span
	body span
}

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
	pemDash  = "-----"
	maxLabel = 40
)

var pemLabels = [][]byte{[]byte("PRIVATE KEY"), []byte("CERTIFICATE"), []byte("MESSAGE"), []byte("SECRET")}

// findPEM finds keys, certificates and messages: the framing stays, the body goes.
func findPEM(s *Scanner, r *rule, part span) {
	for _, found := range s.blocks(part) {
		body := solid(s.text[found.body.from:found.body.to])
		if len(body) == 0 || pseudonym.OwnSecretBody(string(body)) {
			continue
		}
		value := string(body)
		s.begin()
		s.replaceSolid(found.body, s.key.Secret(value, ""))
		s.commit(r, found.span, value)
	}
}

// replaceSolid puts a text in the place of what is no blank; what is left over stands after the last of it.
func (s *Scanner) replaceSolid(body span, text string) {
	last := body.to
	for last > body.from && is(s.text[last-1], blank) {
		last--
	}
	for at := body.from; at < last; {
		if is(s.text[at], blank) {
			at++
			continue
		}
		end := at
		for end < last && !is(s.text[end], blank) {
			end++
		}
		if end == last {
			s.replace(span{at, end}, text)
			return
		}
		s.replace(span{at, end}, text[:end-at])
		text = text[end-at:]
		at = end
	}
}

// solid returns a text without its blanks.
func solid(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if !is(c, blank) {
			out = append(out, c)
		}
	}
	return out
}

// pemLine is a header or footer.
type pemLine struct {
	span
	footer bool
	wanted bool
}

// pemLineAt reads the header or footer that begins at i.
func (s *Scanner) pemLineAt(part span, i int) (line pemLine, ok bool) {
	text := s.text[i:part.to]
	head := pemBegin
	if bytes.HasPrefix(text, []byte(pemEnd)) {
		head = pemEnd
		line.footer = true
	} else if !bytes.HasPrefix(text, []byte(pemBegin)) {
		return line, false
	}
	label := len(head)
	end := label
	for end < len(text) && (is(text[end], upper|digit) || text[end] == ' ') {
		end++
	}
	if end == label || end-label > maxLabel || !bytes.HasPrefix(text[end:], []byte(pemDash)) {
		return line, false
	}
	for _, wanted := range pemLabels {
		line.wanted = line.wanted || bytes.Contains(text[label:end], wanted)
	}
	line.span = span{i, i + end + len(pemDash)}
	return line, true
}

// blocks returns the PEM blocks of a part. One without its end runs to the end of the part, one without its beginning
// from where the last one ended.
func (s *Scanner) blocks(part span) []block {
	if len(s.found.dashes) == 0 {
		return nil
	}
	var made []block
	at := part.from
	var open *pemLine
	for _, anchor := range within(s.found.dashes, part) {
		place := int(anchor)
		if place < at {
			continue
		}
		line, ok := s.pemLineAt(part, place)
		switch {
		case !ok:
		case open == nil && !line.footer:
			open, at = &line, line.to
		case open == nil:
			if line.wanted {
				made = append(made, block{span{at, line.to}, span{at, line.from}})
			}
			at = line.to
		case line.footer:
			if open.wanted {
				made = append(made, block{span{open.from, line.to}, span{open.to, line.from}})
			}
			open, at = nil, line.to
		}
	}
	if open != nil && open.wanted {
		made = append(made, block{span{open.from, part.to}, span{open.to, part.to}})
	}
	return made
}
