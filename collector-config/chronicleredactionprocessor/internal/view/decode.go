package view

import (
	"bytes"
	"unicode/utf8"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/fold"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/jsonlex"
)

// Unescape reads the content of a JSON string whose escapes were checked.
func (l *Layer) Unescape(content []byte) {
	l.reset(JSONString)
	l.unescape(content)
}

// unescape reads JSON escapes; what is none stays. It reports whether anything was read.
func (l *Layer) unescape(text []byte) bool {
	changed := false
	at := 0
	for {
		next := bytes.IndexByte(text[at:], '\\')
		if next < 0 {
			l.Out = append(l.Out, text[at:]...)
			return changed
		}
		l.Out = append(l.Out, text[at:at+next]...)
		at += next
		n := jsonlex.EscapeLength(text[at:])
		switch n {
		case 0:
			l.Out = append(l.Out, '\\')
			at++
		case 2:
			l.put(at, 2, short[text[at+1]])
			changed = true
			at += 2
		default:
			at += l.unit(text, at)
			changed = true
		}
	}
}

var short = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unit reads one \uXXXX, or two that spell one character, and returns their length.
func (l *Layer) unit(text []byte, at int) int {
	r := jsonlex.EscapeUnit(text[at:])
	length := 6
	if r >= 0xd800 && r < 0xdc00 && jsonlex.EscapeLength(text[at+6:]) == 6 {
		if low := jsonlex.EscapeUnit(text[at+6:]); low >= 0xdc00 && low < 0xe000 {
			r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
			length = 12
		}
	}
	if r >= 0xd800 && r < 0xe000 {
		l.put(at, length, 0xed, byte(0x80|r>>6&0x3f), byte(0x80|r&0x3f))
		return length
	}
	var buffer [utf8.UTFMax]byte
	n := utf8.EncodeRune(buffer[:], r)
	l.put(at, length, buffer[:n]...)
	return length
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// stripe reports whether a text begins as what is read off a magnetic stripe does behind its %: that is no escape.
func stripe(text []byte) bool {
	if text[0] != 'B' {
		return false
	}
	end := 1
	for end < len(text) && end < 21 && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	return end >= 13 && end <= 20 && end < len(text) && text[end] == '^'
}

// percent reads %XX once.
func (l *Layer) percent(text []byte) bool {
	changed := false
	at := 0
	for {
		next := bytes.IndexByte(text[at:], '%')
		if next < 0 {
			l.Out = append(l.Out, text[at:]...)
			return changed
		}
		l.Out = append(l.Out, text[at:at+next]...)
		at += next
		if at+2 < len(text) && !stripe(text[at+1:]) {
			high, low := hexValue(text[at+1]), hexValue(text[at+2])
			if high >= 0 && low >= 0 {
				l.put(at, 3, byte(high<<4|low))
				changed = true
				at += 3
				continue
			}
		}
		l.Out = append(l.Out, '%')
		at++
	}
}

// folded reads look-alikes as ASCII.
func (l *Layer) folded(text []byte) {
	at := 0
	for at < len(text) {
		plainEnd := at
		for plainEnd < len(text) && text[plainEnd] < utf8.RuneSelf {
			plainEnd++
		}
		l.Out = append(l.Out, text[at:plainEnd]...)
		at = plainEnd
		if at == len(text) {
			return
		}
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			l.Out = append(l.Out, text[at])
			at++
			continue
		}
		switch b := fold.Rune(r); b {
		case 0:
			l.Out = append(l.Out, text[at:at+n]...)
		case fold.Removed:
			l.put(at, n)
		default:
			l.put(at, n, b)
		}
		at += n
	}
}
