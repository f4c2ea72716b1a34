package view

import (
	"bytes"
	"unicode/utf8"
)

var entityNames = map[string]rune{
	"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\'', "nbsp": 0xa0, "shy": 0xad, "commat": '@', "period": '.',
	"colon": ':', "sol": '/', "plus": '+', "lpar": '(', "rpar": ')', "num": '#', "percnt": '%', "lowbar": '_',
	"hyphen": 0x2010, "dash": 0x2010, "Tab": '\t', "NewLine": '\n',
}

const longestName = len("NewLine")

// entities reads HTML entities once.
func (l *Layer) entities(text []byte) bool {
	changed := false
	at := 0
	for {
		next := bytes.IndexByte(text[at:], '&')
		if next < 0 {
			l.Out = append(l.Out, text[at:]...)
			return changed
		}
		l.Out = append(l.Out, text[at:at+next]...)
		at += next
		r, n := entity(text[at:])
		if n == 0 {
			l.Out = append(l.Out, '&')
			at++
			continue
		}
		var buffer [utf8.UTFMax]byte
		width := utf8.EncodeRune(buffer[:], r)
		l.put(at, n, buffer[:width]...)
		changed = true
		at += n
	}
}

// entity returns the character of the entity that a text begins with, and the entity's length; 0 if there is none.
func entity(text []byte) (rune, int) {
	if len(text) < 4 {
		return 0, 0
	}
	if text[1] != '#' {
		end := bytes.IndexByte(text[:min(len(text), longestName+2)], ';')
		if end < 0 {
			return 0, 0
		}
		r, known := entityNames[string(text[1:end])]
		if !known {
			return 0, 0
		}
		return r, end + 1
	}
	at, base, most := 2, 10, 7
	if text[2] == 'x' || text[2] == 'X' {
		at, base, most = 3, 16, 6
	}
	first := at
	value := 0
	for at < len(text) && at-first < most {
		digit := hexValue(text[at])
		if digit < 0 || digit >= base {
			break
		}
		value = value*base + digit
		at++
	}
	valid := at > first && at < len(text) && text[at] == ';' && value >= 1 && value <= utf8.MaxRune
	if !valid || value >= 0xd800 && value < 0xe000 {
		return 0, 0
	}
	return rune(value), at + 1
}
