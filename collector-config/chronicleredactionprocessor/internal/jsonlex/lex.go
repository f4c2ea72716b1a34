// Package jsonlex reads one JSON value into a flat list of tokens that point into its text.
//
// It is stricter and more tolerant than library parsers in exactly the ways that the specification of the redactor
// names: duplicate member names stay, numbers are text, any \uXXXX is accepted, bad UTF-8 keeps its bytes.
package jsonlex

import "errors"

// Kind tells what a token is.
type Kind uint8

// The kinds of tokens. A container's closing token has the kind End.
const (
	Object Kind = iota
	Array
	End
	Name
	String
	Number
	True
	False
	Null
)

// Token is one token: Text[Start:End], quotes included. Next is the index of the token after this value; for the
// opening token of a container that is the one after its closing token.
type Token struct {
	Kind    Kind
	Escaped bool
	Start   int32
	End     int32
	Next    int32
}

// MaxDepth is the nesting that a document may have unless a policy says less.
const MaxDepth = 128

// Errors of Lex.
var (
	ErrBroken = errors.New("not one JSON value")
	ErrDepth  = errors.New("nested too deeply")
)

type lexer struct {
	text   []byte
	tokens []Token
	open   []int32
	depth  int
}

// Lex appends the tokens of the one JSON value in text to tokens.
func Lex(text []byte, depth int, tokens []Token) ([]Token, error) {
	l := lexer{text: text, tokens: tokens, depth: depth, open: make([]int32, 0, 16)}
	err := l.run()
	return l.tokens, err
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

// run is a loop over values, so that depth costs no stack.
func (l *lexer) run() error {
	i, err := l.value(l.skip(0))
	for err == nil && len(l.open) > 0 {
		i = l.skip(i)
		if i >= len(l.text) {
			return ErrBroken
		}
		parent := l.open[len(l.open)-1]
		first := int(parent) == len(l.tokens)-1
		object := l.tokens[parent].Kind == Object
		c := l.text[i]
		if object && c == '}' || !object && c == ']' {
			l.close(parent, i)
			i++
			continue
		}
		if !first {
			if c != ',' {
				return ErrBroken
			}
			i = l.skip(i + 1)
		}
		if object {
			i, err = l.name(i)
			if err != nil {
				return err
			}
		}
		i, err = l.value(i)
	}
	if err == nil && l.skip(i) != len(l.text) {
		return ErrBroken
	}
	return err
}

func (l *lexer) close(parent int32, at int) {
	l.add(End, at, at+1)
	l.tokens[parent].End = int32(at + 1)
	l.tokens[parent].Next = int32(len(l.tokens))
	l.open = l.open[:len(l.open)-1]
}

func (l *lexer) add(kind Kind, start, end int) {
	l.tokens = append(l.tokens, Token{Kind: kind, Start: int32(start), End: int32(end), Next: int32(len(l.tokens) + 1)})
}

func (l *lexer) name(i int) (int, error) {
	i, err := l.str(i, Name)
	if err != nil {
		return i, err
	}
	i = l.skip(i)
	if i >= len(l.text) || l.text[i] != ':' {
		return i, ErrBroken
	}
	return l.skip(i + 1), nil
}

func (l *lexer) value(i int) (int, error) {
	if i >= len(l.text) {
		return i, ErrBroken
	}
	switch l.text[i] {
	case '"':
		return l.str(i, String)
	case '{', '[':
		if len(l.open) >= l.depth {
			return i, ErrDepth
		}
		kind := Object
		if l.text[i] == '[' {
			kind = Array
		}
		l.open = append(l.open, int32(len(l.tokens)))
		l.add(kind, i, i+1)
		return i + 1, nil
	case 't':
		return l.word(i, "true", True)
	case 'f':
		return l.word(i, "false", False)
	case 'n':
		return l.word(i, "null", Null)
	}
	return l.number(i)
}

func (l *lexer) word(i int, word string, kind Kind) (int, error) {
	if len(l.text)-i < len(word) || string(l.text[i:i+len(word)]) != word {
		return i, ErrBroken
	}
	l.add(kind, i, i+len(word))
	return i + len(word), nil
}

func (l *lexer) str(i int, kind Kind) (int, error) {
	if i >= len(l.text) || l.text[i] != '"' {
		return i, ErrBroken
	}
	text := l.text
	escaped := false
	j := i + 1
	for {
		for j < len(text) && !stop[text[j]] {
			j++
		}
		if j >= len(text) {
			return i, ErrBroken
		}
		if text[j] == '"' {
			break
		}
		if text[j] != '\\' {
			return i, ErrBroken // a control character must be escaped
		}
		n := EscapeLength(text[j:])
		if n == 0 {
			return i, ErrBroken
		}
		escaped = true
		j += n
	}
	l.tokens = append(l.tokens, Token{
		Kind: kind, Escaped: escaped, Start: int32(i), End: int32(j + 1), Next: int32(len(l.tokens) + 1),
	})
	return j + 1, nil
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

func (l *lexer) number(start int) (int, error) {
	text := l.text
	i := start
	if text[i] == '-' {
		i++
	}
	whole := l.digits(i)
	if whole == i || text[i] == '0' && whole > i+1 {
		return i, ErrBroken
	}
	i = whole
	if i < len(text) && text[i] == '.' {
		fraction := l.digits(i + 1)
		if fraction == i+1 {
			return i, ErrBroken
		}
		i = fraction
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		exponent := l.digits(i)
		if exponent == i {
			return i, ErrBroken
		}
		i = exponent
	}
	l.add(Number, start, i)
	return i, nil
}
