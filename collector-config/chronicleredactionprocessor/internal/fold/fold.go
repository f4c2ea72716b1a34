// Package fold maps what reads as an ASCII character to that character, by one table that every engine ships.
//
// It is no Unicode normal form: those differ between the versions of Unicode that languages carry.
package fold

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/data"
)

// Removed stands for a code point that reads as nothing.
const Removed = 0xff

const planes = 0x20000

var (
	low  [planes]byte
	tags = make(map[rune]byte) // the few code points above
)

// Rune returns the ASCII byte that a code point reads as, Removed, or 0 where it stands for itself.
func Rune(r rune) byte {
	if r >= 0 && r < planes {
		return low[r]
	}
	return tags[r]
}

type table struct {
	Remove [][2]string `json:"remove"`
	Runs   [][2]string `json:"runs"`
}

func init() {
	if err := load(data.FoldV1); err != nil {
		panic(fmt.Sprintf("fold-v1: %v", err)) // an embedded table; a test reads it
	}
}

func load(text []byte) error {
	var t table
	if err := json.Unmarshal(text, &t); err != nil {
		return err
	}
	for _, span := range t.Remove {
		first, err := codePoint(span[0])
		if err != nil {
			return err
		}
		last, err := codePoint(span[1])
		if err != nil {
			return err
		}
		for r := first; r <= last; r++ {
			set(r, Removed)
		}
	}
	for _, run := range t.Runs {
		first, err := codePoint(run[0])
		if err != nil {
			return err
		}
		for i := range len(run[1]) {
			set(first+rune(i), run[1][i])
		}
	}
	return nil
}

func codePoint(text string) (rune, error) {
	n, err := strconv.ParseInt(text, 16, 32)
	return rune(n), err
}

func set(r rune, b byte) {
	if r < planes {
		low[r] = b
		return
	}
	tags[r] = b
}
