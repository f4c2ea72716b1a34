package strictyaml

import (
	"cmp"
	"slices"
	"strconv"
)

// AppendCanonical appends a value as JSON with sorted names, no blanks, and no escapes but the needed ones.
func AppendCanonical(out []byte, node *Node) []byte {
	switch node.Kind {
	case Text:
		return appendText(out, node.Text)
	case Integer:
		return strconv.AppendInt(out, node.Int, 10)
	case Bool:
		return strconv.AppendBool(out, node.Bool)
	case Null:
		return append(out, "null"...)
	case List:
		out = append(out, '[')
		for i, item := range node.Items {
			if i > 0 {
				out = append(out, ',')
			}
			out = AppendCanonical(out, item)
		}
		return append(out, ']')
	default:
		members := slices.Clone(node.Members)
		slices.SortFunc(members, func(x, y Member) int { return cmp.Compare(x.Name, y.Name) })
		out = append(out, '{')
		for i, member := range members {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendText(out, member.Name), ':')
			out = AppendCanonical(out, member.Value)
		}
		return append(out, '}')
	}
}

func appendText(out []byte, text string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for i := range len(text) {
		switch c := text[i]; c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, `\b`...)
		case '\f':
			out = append(out, `\f`...)
		case '\n':
			out = append(out, `\n`...)
		case '\r':
			out = append(out, `\r`...)
		case '\t':
			out = append(out, `\t`...)
		default:
			if c < 0x20 {
				out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			} else {
				out = append(out, c)
			}
		}
	}
	return append(out, '"')
}
