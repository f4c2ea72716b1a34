package view

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// rewrite decodes a text, replaces the first stretch of the view that reads old, and writes back.
func rewrite(t *testing.T, text, old, replacement string) string {
	t.Helper()
	var stack Stack
	decoded, within := stack.Decode([]byte(text), 8)
	assert.True(t, within)
	view := string(stack.Fold(decoded))
	at := strings.Index(view, old)
	if !assert.GreaterOrEqual(t, at, 0, view) {
		return ""
	}
	edits := stack.Down([]Edit{{Start: int32(at), End: int32(at + len(old)), New: replacement}})
	return string(Apply([]byte(text), edits))
}

// TestWriteBack: only the bytes behind a match change, spelled as the place wants them.
func TestWriteBack(t *testing.T) {
	for _, c := range []struct{ text, old, replacement, want string }{
		{`to a@b now`, "a@b", "x@y", "to x@y now"},
		{`x\na\u0040b\t`, "a@b", `x"y`, `x\nx\"y\t`},
		{`x\nab`, "ab", `x"y`, `x\nx"y`},
		{`q=a%40b&z=1%2B`, "a@b", "x@y", "q=x%40y&z=1%2B"},
		{`q=a%2540b`, "a@b", "x@y", "q=x%2540y"},
		{`a&#64;b &amp; c`, "a@b", "x@y", "x&#64;y &amp; c"},
		{"ａ@\u200bb!", "a@b", "x", "x!"},
		{"é4\u200b5", "45", "67", "é67"},
		{`\ud83d\ude00 a\u0040`, "a@", "b", `\ud83d\ude00 b`},
		{`\q %zz & &foo; a`, "a", "b", `\q %zz & &foo; b`},
	} {
		assert.Equal(t, c.want, rewrite(t, c.text, c.old, c.replacement), c.text)
	}
}

// TestLayers: a text that hides deeper than it may is reported, not half read.
func TestLayers(t *testing.T) {
	text := "%40"
	for range 8 {
		text = strings.ReplaceAll(text, "%", "%25")
	}
	var stack Stack
	_, within := stack.Decode([]byte(text), 9)
	assert.True(t, within)
	stack.Reset()
	_, within = stack.Decode([]byte(text), 8)
	assert.False(t, within)
}

// TestLoneSurrogate: half a character is three bytes that match nothing, and stays.
func TestLoneSurrogate(t *testing.T) {
	var stack Stack
	decoded := stack.String([]byte(`\ud800a`))
	assert.Equal(t, "\xed\xa0\x80a", string(decoded))
	assert.Equal(t, "\xed\xa0\x80a", string(stack.Fold(decoded)))
}

// FuzzView: writing back no edit changes nothing, an edit never reaches outside the text.
func FuzzView(f *testing.F) {
	f.Add([]byte(`a\u0040b %41 &#64; é`), uint8(2), uint8(3))
	f.Fuzz(func(t *testing.T, text []byte, start, length uint8) {
		var stack Stack
		decoded, _ := stack.Decode(text, 8)
		view := stack.Fold(decoded)
		if len(view) == 0 {
			return
		}
		first := int(start) % len(view)
		last := min(first+1+int(length), len(view))
		edits := stack.Down([]Edit{{Start: int32(first), End: int32(last), New: "X"}})
		out := Apply(text, edits)
		if !strings.Contains(string(out), "X") {
			t.Fatalf("the edit is lost: %q", out)
		}
	})
}
