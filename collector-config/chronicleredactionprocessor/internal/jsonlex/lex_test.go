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
		var document Document
		assert.True(t, Lex([]byte(text), &document), text)
	}
}

// TestRefused: anything else is broken, at the token that is not to be there.
func TestRefused(t *testing.T) {
	for text, at := range map[string]int{
		``: 0, ` `: 1, `{`: 1, `]`: 0, `[1,]`: 3, `{"a":1,}`: 7, `{"a"}`: 1, `{1:2}`: 1, `01`: 1, `1.`: 1, `.5`: 0, `+1`: 0, `1e`: 1, `-`: 0,
		`NaN`: 0, `tru`: 0, `"a`: 0, "\"\n\"": 0, `"\x"`: 0, `"\u12"`: 0, `1 2`: 2, "\xef\xbb\xbf1": 0, `[1 2]`: 3, `{"a" 1}`: 1, `[1}`: 2,
		`'a'`: 0, "[\u00a01]": 1, `{"a":`: 5, `{"a":}`: 5, `["a":1]`: 1, `{"a":"b":1}`: 5, `[,]`: 1, `"a" : 1`: 0,
	} {
		var document Document
		assert.False(t, Lex([]byte(text), &document), text)
		assert.Equal(t, at, document.At, text)
	}
}

// TestDepth: the document knows how deep it is.
func TestDepth(t *testing.T) {
	var document Document
	require.True(t, Lex([]byte(strings.Repeat("[", 300)+strings.Repeat("]", 300)), &document))
	assert.Equal(t, 300, document.Depth)
}

// TestTokens: a token points at its text, a container past its end.
func TestTokens(t *testing.T) {
	text := []byte(`{"a":[1,"\n"],"b":null}`)
	var document Document
	require.True(t, Lex(text, &document))
	require.Len(t, document.Tokens, 7)
	assert.Equal(t, int32(7), document.Tokens[0].Next)
	array := document.Tokens[2]
	assert.Equal(t, Array, array.Kind)
	assert.Equal(t, int32(5), array.Next)
	assert.Equal(t, `[1,"\n"]`, string(text[array.Start:array.End]))
	assert.True(t, document.Tokens[4].Escaped)
}

// TestBroken: what came before the break is there, and the name of the member that has no value.
func TestBroken(t *testing.T) {
	text := []byte(`{"a":[1,2],"b":"cut o`)
	var document Document
	require.False(t, Lex(text, &document))
	require.Len(t, document.Tokens, 5)
	require.True(t, document.Named)
	assert.Equal(t, `"b"`, string(text[document.OpenName.Start:document.OpenName.End]))
	assert.Equal(t, int32(5), document.Tokens[0].Next)
	assert.Equal(t, 15, document.At)
}

// FuzzLex: what the standard library accepts is accepted, tokens lie in order and inside the text, nothing panics.
func FuzzLex(f *testing.F) {
	f.Add([]byte(`{"a":[1.5,"x\u0041",{"b":null}]}`))
	f.Add([]byte("[\"\xff\", 1e5]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var document Document
		whole := Lex(text, &document)
		if document.Depth < 1000 && utf8.Valid(text) && json.Valid(text) != whole {
			t.Fatalf("valid for the library: %v, for us: %v", json.Valid(text), whole)
		}
		last := int32(0)
		for i, token := range document.Tokens {
			if token.Start < last || int(token.End) > len(text) || int(token.Next) <= i || int(token.Next) > len(document.Tokens) {
				t.Fatalf("token out of order: %+v", token)
			}
			last = token.Start
		}
	})
}
