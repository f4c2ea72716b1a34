package jsonlex

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAccepted: what RFC 8259 calls a value is one, and so is what libraries disagree about.
func TestAccepted(t *testing.T) {
	for _, text := range []string{
		`{}`, ` [ ] `, `"a"`, `-0`, `1.5e+10`, `{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"", `123456789012345678901234567890`,
		"\t\r\n{\"a\" : [1 , true,false , null ]}\n",
	} {
		_, err := Lex([]byte(text), MaxDepth, nil)
		assert.NoError(t, err, text)
	}
}

// TestRefused: anything else is broken, whole.
func TestRefused(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `]`, `[1,]`, `{"a":1,}`, `{"a"}`, `{1:2}`, `01`, `1.`, `.5`, `+1`, `1e`, `-`, `NaN`, `tru`, `"a`, "\"\n\"",
		`"\x"`, `"\u12"`, `1 2`, "\xef\xbb\xbf1", `[1 2]`, `{"a" 1}`, `[1}`, `'a'`, "[\u00a01]",
	} {
		_, err := Lex([]byte(text), MaxDepth, nil)
		assert.ErrorIs(t, err, ErrBroken, text)
	}
}

// TestDepth: the limit is exact.
func TestDepth(t *testing.T) {
	_, err := Lex([]byte(strings.Repeat("[", 128)+strings.Repeat("]", 128)), MaxDepth, nil)
	assert.NoError(t, err)
	_, err = Lex([]byte(strings.Repeat("[", 129)+strings.Repeat("]", 129)), MaxDepth, nil)
	assert.ErrorIs(t, err, ErrDepth)
}

// TestTokens: a token points at its text, a container past its end.
func TestTokens(t *testing.T) {
	text := []byte(`{"a":[1,"\n"],"b":null}`)
	tokens, err := Lex(text, MaxDepth, nil)
	require.NoError(t, err)
	require.Len(t, tokens, 9)
	assert.Equal(t, int32(9), tokens[0].Next)
	assert.Equal(t, Array, tokens[2].Kind)
	assert.Equal(t, int32(6), tokens[2].Next)
	assert.Equal(t, `[1,"\n"]`, string(text[tokens[2].Start:tokens[2].End]))
	assert.True(t, tokens[4].Escaped)
}

// FuzzLex: what the standard library accepts is accepted, token texts lie in order, nothing panics.
func FuzzLex(f *testing.F) {
	f.Add([]byte(`{"a":[1.5,"x\u0041",{"b":null}]}`))
	f.Add([]byte("[\"\xff\", 1e5]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tokens, err := Lex(text, MaxDepth, nil)
		if err == ErrDepth {
			return
		}
		if json.Valid(text) != (err == nil) && utf8.Valid(text) {
			t.Fatalf("valid for the library: %v, for us: %v", json.Valid(text), err)
		}
		last := int32(0)
		for _, token := range tokens {
			if token.Start < last && token.Kind != End || int(token.End) > len(text) {
				t.Fatalf("token out of order: %+v", token)
			}
			last = token.Start
		}
	})
}
