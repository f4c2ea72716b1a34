// Package jsonlex reads one JSON value into a flat list of tokens that point into its text.
//
// It is stricter and more tolerant than library parsers in exactly the ways that the documentation of the redaction
// engine names: duplicate member names stay, numbers are text, any \uXXXX is accepted, bad UTF-8 keeps its bytes. Where
// a text breaks off or goes wrong, what came before is still there.
package jsonlex

// Kind tells what a token is.
type Kind uint8

// The kinds of tokens.
const (
	Object Kind = iota
	Array
	Name
	String
	Number
	Literal
)

// Token is one token: Text[Start:End], quotes included. Next is the index of the token after this value: for a container
// the one after the last token in it.
type Token struct {
	Kind    Kind
	Escaped bool
	Start   int32
	End     int32
	Next    int32
}

// Document is a text and its tokens.
type Document struct {
	Tokens []Token
	Depth  int  // greatest nesting
	Whole  bool // the text is one JSON value
	// Where the text is broken: the place of the offending token, the name of the member that has no value yet, which is
	// not among the tokens, and the number or word that was read last in the innermost container.
	At       int
	OpenName Token
	Named    bool
	Last     Token
	HasLast  bool
}

type lexer struct {
	text []byte
	doc  *Document
	open []int32
	last int // token of the scalar that was read last in the innermost container, or -1
}

// Lex reads the tokens of the JSON value that a text is into a document, whose memory is used again.
func Lex(text []byte, into *Document) bool {
	*into = Document{Tokens: into.Tokens[:0]}
	l := lexer{text: text, doc: into, last: -1}
	var space [32]int32
	l.open = space[:0]
	into.At, into.Whole = l.run()
	if !into.Whole {
		l.abandon(into.At)
	}
	return into.Whole
}

// abandon closes what is open where a text is broken.
func (l *lexer) abandon(at int) {
	tokens := l.doc.Tokens
	if n := len(tokens); n > 0 && tokens[n-1].Kind == Name {
		l.doc.OpenName, l.doc.Named = tokens[n-1], true
		tokens = tokens[:n-1]
	}
	if l.last >= 0 {
		l.doc.Last, l.doc.HasLast = tokens[l.last], true
	}
	for _, i := range l.open {
		tokens[i].End = int32(at)
		tokens[i].Next = int32(len(tokens))
	}
	l.doc.Tokens = tokens
}

var blank = [256]bool{' ': true, '\t': true, '\n': true, '\r': true}

// stop marks the bytes at which the quick loop through a string has to look closer.
var stop = func() (class [256]bool) {
	for b := range 0x20 {
		class[b] = true
	}
	class['"'], class['\\'] = true, true
	return class
}()

func (l *lexer) skip(i int) int {
	for i < len(l.text) && blank[l.text[i]] {
		i++
	}
	return i
}

// run is a loop over tokens, so that depth costs no stack. It returns the end of the text, or the place of the token
// that is not to be there.
func (l *lexer) run() (at int, whole bool) {
	i := 0
	wants, closes := true, true // a value or member may come next; the container may end here
	for done := false; !done; {
		i = l.skip(i)
		if i == len(l.text) {
			return i, false
		}
		c := l.text[i]
		object, named := l.state()
		switch {
		case c == ',':
			if wants || len(l.open) == 0 {
				return i, false
			}
			wants, closes = true, false
			i++
			continue
		case c == '}' || c == ']':
			if len(l.open) == 0 || object != (c == '}') || wants && !closes || named {
				return i, false
			}
			i++
			l.close(i)
			wants = false
		case !wants:
			return i, false
		case object && !named:
			next := l.name(i)
			if next < 0 {
				return i, false
			}
			i = next
			continue
		default:
			next := l.value(i)
			if next < 0 {
				return i, false
			}
			i = next
			wants = c == '{' || c == '['
			closes = true
		}
		done = len(l.open) == 0
	}
	i = l.skip(i)
	return i, i == len(l.text)
}

// state reports whether an object is the innermost container, and whether the name of a member waits for its value.
func (l *lexer) state() (object, named bool) {
	if len(l.open) == 0 {
		return false, false
	}
	tokens := l.doc.Tokens
	return tokens[l.open[len(l.open)-1]].Kind == Object, tokens[len(tokens)-1].Kind == Name
}

func (l *lexer) close(end int) {
	last := len(l.open) - 1
	container := &l.doc.Tokens[l.open[last]]
	container.End, container.Next = int32(end), int32(len(l.doc.Tokens))
	l.open = l.open[:last]
	l.last = -1
}

func (l *lexer) add(kind Kind, start, end int, escaped bool) {
	tokens := l.doc.Tokens
	l.last = -1
	if kind == Number || kind == Literal {
		l.last = len(tokens)
	}
	l.doc.Tokens = append(tokens, Token{Kind: kind, Escaped: escaped, Start: int32(start), End: int32(end), Next: int32(len(tokens) + 1)})
}

// name reads the name of a member with its colon; -1 if there is none.
func (l *lexer) name(i int) int {
	end, escaped := l.str(i)
	if end < 0 {
		return -1
	}
	colon := l.skip(end)
	if colon == len(l.text) || l.text[colon] != ':' {
		return -1
	}
	l.add(Name, i, end, escaped)
	return colon + 1
}

// value reads a scalar or the beginning of a container; -1 if there is none.
func (l *lexer) value(i int) int {
	switch c := l.text[i]; c {
	case '"':
		end, escaped := l.str(i)
		if end < 0 {
			return -1
		}
		if colon := l.skip(end); colon < len(l.text) && l.text[colon] == ':' {
			return -1 // a name where none may stand
		}
		l.add(String, i, end, escaped)
		return end
	case '{', '[':
		kind := Object
		if c == '[' {
			kind = Array
		}
		l.open = append(l.open, int32(len(l.doc.Tokens)))
		l.doc.Depth = max(l.doc.Depth, len(l.open))
		l.add(kind, i, i+1, false)
		return i + 1
	case 't':
		return l.word(i, "true")
	case 'f':
		return l.word(i, "false")
	case 'n':
		return l.word(i, "null")
	}
	return l.number(i)
}

func (l *lexer) word(i int, word string) int {
	if len(l.text)-i < len(word) || string(l.text[i:i+len(word)]) != word {
		return -1
	}
	l.add(Literal, i, i+len(word), false)
	return i + len(word)
}

// str returns the end of the string that begins at i, -1 if there is none, and whether it has escapes.
func (l *lexer) str(i int) (end int, escaped bool) {
	text := l.text
	if text[i] != '"' {
		return -1, false
	}
	for j := i + 1; ; {
		for j < len(text) && !stop[text[j]] {
			j++
		}
		if j == len(text) {
			return -1, false
		}
		if text[j] == '"' {
			return j + 1, escaped
		}
		n := 0
		if text[j] == '\\' {
			n = EscapeLength(text[j:])
		}
		if n == 0 {
			return -1, false // a control character must be escaped
		}
		escaped = true
		j += n
	}
}

// EscapeLength returns the length of the JSON escape that a text begins with, 0 if it is none.
func EscapeLength(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) >= 6 && hex(text[2]) >= 0 && hex(text[3]) >= 0 && hex(text[4]) >= 0 && hex(text[5]) >= 0 {
			return 6
		}
	}
	return 0
}

// EscapeUnit returns the UTF-16 unit of a \uXXXX escape whose length was checked.
func EscapeUnit(text []byte) rune {
	return rune(hex(text[2])<<12 | hex(text[3])<<8 | hex(text[4])<<4 | hex(text[5]))
}

func hex(c byte) int {
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

func digit(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) digits(i int) int {
	for i < len(l.text) && digit(l.text[i]) {
		i++
	}
	return i
}

// number reads as much as is a number; what follows is the next token's business.
func (l *lexer) number(start int) int {
	text := l.text
	i := start
	if text[i] == '-' {
		i++
	}
	whole := l.digits(i)
	if whole == i {
		return -1
	}
	if text[i] == '0' {
		whole = i + 1
	}
	i = whole
	if i < len(text) && text[i] == '.' {
		if fraction := l.digits(i + 1); fraction > i+1 {
			i = fraction
		}
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		sign := i + 1
		if sign < len(text) && (text[sign] == '+' || text[sign] == '-') {
			sign++
		}
		if exponent := l.digits(sign); exponent > sign {
			i = exponent
		}
	}
	l.add(Number, start, i, false)
	return i
}
