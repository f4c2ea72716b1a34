package strictyaml

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type inner struct {
	Name string `key:"name"`
	On   bool   `key:"on"`
}

type outer struct {
	N     int      `key:"n"`
	Names []string `key:"names"`
	One   *inner   `key:"one"`
	Many  []inner  `key:"many"`
}

func read(text string, into any) error {
	node, err := Parse([]byte(text))
	if err != nil {
		return err
	}
	return Decode(node, into)
}

// TestDecode: strings, bare words, integers, booleans, lists and objects in both spellings.
func TestDecode(t *testing.T) {
	var got outer
	require.NoError(t, read("# a comment\n\"n\": -3\nnames: [\"a\", 'b', word_*]\none: {name: \"yes\", \"on\": true}\nmany:\n  - name: \"y\"\n", &got))
	assert.Equal(t, outer{N: -3, Names: []string{"a", "b", "word_*"}, One: &inner{Name: "yes", On: true}, Many: []inner{{Name: "y"}}}, got)
}

// TestRefused: whatever YAML would guess, or two readers could read differently, is refused with the place.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "empty",
		"names: []\n---\nnames: []":    "second one",
		"many: []\nmany: []":           "many (line 2): stands twice",
		"m: 1":                         "m (line 1): unknown; known are many, n, names, one",
		"one: {nmae: \"x\"}":           "one.nmae (line 1): unknown; known are name, on",
		"\"n\": \"1\"":                 "n (line 1): an integer is wanted, this is text",
		"\"n\": 0x10":                  "more than one way",
		"\"n\": 1.5":                   "more than one way",
		"\"n\": 99999999999999999999":  "too large",
		"n: 1":                         "more than one way",
		"names: [2026-01-01]":          "names[0] (line 1): \"2026-01-01\" can be read in more than one way",
		"names: \"a\"":                 "a list is wanted, this is text",
		"one: {\"on\": yes}":           "one.on (line 1): \"yes\" can be read",
		"one: []":                      "named members are wanted, this is a list",
		"one: {name: {a: 1}}":          "text is wanted, this is named members",
		"one: {name: null}":            "text is wanted, this is nothing",
		"names: &a [\"x\"]":            "anchors",
		"many: !!seq []":               "tags are not allowed",
		"one: &x {name: a}\nmany: *x":  "anchors",
		"one:\n  name: |\n    x\n":     "block text",
		"\"<<\": {n: 1}":               "member names are text",
		"? [a]\n: 1":                   "member names are text",
		"[1]":                          "the policy (line 1): named members are wanted",
		"names: [":                     "yaml",
		"one: {\"on\": \"true\"}":      "true or false is wanted",
		"many: [{name: a}, {name: 1}]": "many[1].name (line 1): text is wanted, this is a number",
		"names: [a b]":                 "more than one way",
		"names: [~]":                   "more than one way",
	} {
		var got outer
		err := read(text, &got)
		if assert.Error(t, err, text) {
			assert.Contains(t, err.Error(), want, text)
		}
	}
}

// TestCanonical: one text for one meaning, whatever the order and the quotes.
func TestCanonical(t *testing.T) {
	node, err := Parse([]byte("b: [1, true, null, 'x\\y']\na: {d: \"é\\n\\u0001<\", c: {}}"))
	require.NoError(t, err)
	assert.Equal(t, `{"a":{"c":{},"d":"é\n\u0001<"},"b":[1,true,null,"x\\y"]}`, string(AppendCanonical(nil, node)))
}
