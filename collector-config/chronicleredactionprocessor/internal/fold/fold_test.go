package fold

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestRune: look-alikes, full-width and mathematical characters read as ASCII, invisible ones as nothing.
func TestRune(t *testing.T) {
	for r, want := range map[rune]byte{
		'４': '4', '＠': '@', 'а': 'a', 'é': 'e', 'ſ': 's', '\u212a': 'K', '٣': '3', '–': '-', '\u00a0': ' ', '\U0001d7ce': '0',
		'\u200b': Removed, '\u00ad': Removed, '\ufeff': Removed, '\U000e0100': Removed, 'a': 0, '漢': 0, '\U0010ffff': 0,
	} {
		assert.Equal(t, want, Rune(r), "%U", r)
	}
}
