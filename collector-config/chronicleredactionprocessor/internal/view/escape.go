package view

import "strconv"

const upperHex = "0123456789ABCDEF"
const lowerHex = "0123456789abcdef"

// escape spells new bytes as this layer wants them.
func (l *Layer) escape(text string, touched bool) string {
	switch {
	case l.Kind == JSONString, l.Kind == JSONText && touched:
		return JSONEscape(text)
	case l.Kind == Percent && touched:
		return percentEscape(text)
	case l.Kind == Entities && touched:
		return entityEscape(text)
	}
	return text
}

// JSONEscape spells a text as the content of a JSON string.
func JSONEscape(text string) string {
	clean := true
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c == '"' || c == '\\' {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	out := make([]byte, 0, len(text)+8)
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, '\\', 'n')
		case c == '\r':
			out = append(out, '\\', 'r')
		case c == '\t':
			out = append(out, '\\', 't')
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// plain are the bytes that no layer needs to escape.
var plain = func() (class [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-") {
		class[c] = true
	}
	return class
}()

func percentEscape(text string) string {
	out := make([]byte, 0, len(text)+8)
	for i := range len(text) {
		c := text[i]
		if plain[c] {
			out = append(out, c)
		} else {
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(out)
}

func entityEscape(text string) string {
	out := make([]byte, 0, len(text)+8)
	for i := range len(text) {
		c := text[i]
		if plain[c] || c == ' ' {
			out = append(out, c)
			continue
		}
		out = append(out, '&', '#')
		out = strconv.AppendUint(out, uint64(c), 10)
		out = append(out, ';')
	}
	return string(out)
}
