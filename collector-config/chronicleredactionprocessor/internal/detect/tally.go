package detect

// Tally counts what was done to a value, a span or a batch: ids and numbers only, never a value.
type Tally struct {
	Rules   map[string]int64
	Opaque  map[string]int64
	Matches int
	Bytes   int64
}

// NewTally returns an empty count.
func NewTally() *Tally {
	return &Tally{Rules: map[string]int64{}, Opaque: map[string]int64{}}
}

func (t *Tally) match(rule string) {
	t.Rules[rule]++
	t.Matches++
}

func (t *Tally) opaque(reason string) { t.Opaque[reason]++ }

// AddOpaque counts a value that was replaced by an opaque stand-in.
func (t *Tally) AddOpaque(reason string) { t.opaque(reason) }

// AddMatch counts a value that a rule found.
func (t *Tally) AddMatch(rule string) { t.match(rule) }

// Empty reports whether nothing was found.
func (t *Tally) Empty() bool { return len(t.Rules) == 0 && len(t.Opaque) == 0 }

// Reset forgets everything.
func (t *Tally) Reset() {
	clear(t.Rules)
	clear(t.Opaque)
	t.Matches, t.Bytes = 0, 0
}

// Merge adds another count.
func (t *Tally) Merge(other *Tally) {
	for rule, n := range other.Rules {
		t.Rules[rule] += n
	}
	for reason, n := range other.Opaque {
		t.Opaque[reason] += n
	}
	t.Matches += other.Matches
	t.Bytes += other.Bytes
}
