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

// splitCards returns the tokens of string elements that make a card number together, from left to right, shortest first.
func (d *walk) splitCards(first, next int) map[int32]bool {
	count, digits := 0, 0
	for at := first; at < next; at = int(d.tokens[at].Next) {
		count++
		if token := &d.tokens[at]; token.Kind == jsonlex.String && token.End-token.Start <= longestString {
			digits++
		}
	}
	if count < leastSplit || digits < leastSplit {
		return nil
	}
	var taken map[int32]bool
	var places []int32
	var pieces []string
	for at := first; at < next; at = int(d.tokens[at].Next) {
		places = append(places, int32(at))
		pieces = append(pieces, d.shortDigits(at))
	}
	for at := 0; at+leastSplit <= len(pieces); {
		end := d.cardFrom(pieces, at)
		if end < 0 {
			at++
			continue
		}
		if taken == nil {
			taken = make(map[int32]bool)
		}
		for ; at < end; at++ {
			taken[places[at]] = true
		}
	}
	return taken
}

// shortDigits returns the digits of a string of nothing but a few of them, empty if it is none.
func (d *walk) shortDigits(i int) string {
	token := &d.tokens[i]
	if token.Kind != jsonlex.String || token.End-token.Start > longestString {
		return ""
	}
	text := string(detect.Folded(d.decoded(token)))
	if len(text) == 0 || len(text) > longestSplit || strings.Trim(text, "0123456789") != "" {
		return ""
	}
	return text
}

func (d *walk) cardFrom(pieces []string, at int) int {
	joined := ""
	for end := at; end < len(pieces); end++ {
		if pieces[end] == "" {
			return -1
		}
		joined += pieces[end]
		if len(joined) > longestCard {
			return -1
		}
		if end-at+1 >= leastSplit && d.w.names.SplitCard(joined) {
			return end + 1
		}
	}
	return -1
}
