package engine

import "strconv"

// renamed is a name that was rewritten.
type renamed struct {
	token int
	edit  int // its edit in the walk
	name  string
}

// keepApart keeps names of one object apart that were apart: the second of two that have become equal gets ~2.
func (d *walk) keepApart(first, next int, rewritten []renamed) {
	changed := make(map[int]bool, len(rewritten))
	for _, r := range rewritten {
		changed[r.token] = true
	}
	seen := make(map[string]string)
	for at := first; at < next; at = int(d.tokens[at+1].Next) {
		if !changed[at] {
			name := string(d.decoded(&d.tokens[at]))
			seen[name] = name
		}
	}
	for _, r := range rewritten {
		old := string(d.decoded(&d.tokens[r.token]))
		wanted := r.name
		for n := 2; ; n++ {
			owner, taken := seen[wanted]
			if !taken {
				seen[wanted] = old
			}
			if !taken || owner == old {
				break
			}
			wanted = r.name + "~" + strconv.Itoa(n)
		}
		d.edits[r.edit].New = wanted
	}
}
