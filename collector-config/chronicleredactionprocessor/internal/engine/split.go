package engine

import (
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/jsonlex"
)

const (
	leastSplit    = 3  // elements that a split card number has
	longestSplit  = 8  // digits of one of them
	longestString = 50 // bytes of a string that may be one, quotes included
	longestCard   = 19
)

// splitCards returns the tokens of string elements that make a card number together.
func (d *walk) splitCards(first, next int) map[int32]bool {
	count, short := 0, 0
	for at := first; at < next; at = int(d.tokens[at].Next) {
		count++
		if token := &d.tokens[at]; token.Kind == jsonlex.String && token.End-token.Start <= longestString {
			short++
		}
	}
	if count < leastSplit || short < leastSplit {
		return nil
	}
	places := make([]int32, 0, count)
	pieces := make([]string, 0, count)
	for at := first; at < next; at = int(d.tokens[at].Next) {
		piece := ""
		if token := &d.tokens[at]; token.Kind == jsonlex.String && token.End-token.Start <= longestString {
			piece = shortDigits(d.decoded(token))
		}
		places, pieces = append(places, int32(at)), append(pieces, piece)
	}
	taken := d.w.splitCards(pieces)
	if len(taken) == 0 {
		return nil
	}
	tokens := make(map[int32]bool, len(taken))
	for i := range taken {
		tokens[places[i]] = true
	}
	return tokens
}

// splitCards returns which of some pieces make a card number together, from left to right, shortest first.
func (w *worker) splitCards(pieces []string) map[int]bool {
	var taken map[int]bool
	for at := 0; at+leastSplit <= len(pieces); {
		end := w.cardFrom(pieces, at)
		if end < 0 {
			at++
			continue
		}
		if taken == nil {
			taken = make(map[int]bool)
		}
		for ; at < end; at++ {
			taken[at] = true
		}
	}
	return taken
}

// shortDigits returns the digits of a text of nothing but a few of them, empty if it is none.
func shortDigits(text []byte) string {
	if len(text) > longestString {
		return ""
	}
	folded := string(detect.Folded(text))
	if len(folded) == 0 || len(folded) > longestSplit || strings.Trim(folded, "0123456789") != "" {
		return ""
	}
	return folded
}

func (w *worker) cardFrom(pieces []string, at int) int {
	joined := ""
	for end := at; end < len(pieces); end++ {
		if pieces[end] == "" {
			return -1
		}
		joined += pieces[end]
		if len(joined) > longestCard {
			return -1
		}
		if end-at+1 >= leastSplit && w.names.SplitCard(joined) {
			return end + 1
		}
	}
	return -1
}
