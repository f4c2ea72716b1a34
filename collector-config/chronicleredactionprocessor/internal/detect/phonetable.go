package detect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// phones is the shipped table of telephone numbers: calling codes, possible lengths, and validity as an automaton over
// digits.
type phones struct {
	codes   map[string][]string
	regions map[string]region
	states  [][10]int32 // -1: no number goes on so
	final   []bool
}

// region is a numbering plan.
type region struct {
	code    string
	prefix  string // national
	lengths []int
	start   int
}

type phonesFile struct {
	Codes   map[string][]string           `json:"codes"`
	Regions map[string][4]json.RawMessage `json:"regions"`
	States  []string                      `json:"states"`
	Final   []int                         `json:"final"`
}

func (p *phones) load(text []byte) error {
	var file phonesFile
	if err := json.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("phones-v1: %w", err)
	}
	p.codes = file.Codes
	p.regions = make(map[string]region, len(file.Regions))
	for name, row := range file.Regions {
		var code int
		var r region
		for i, into := range []any{&code, &r.prefix, &r.lengths, &r.start} {
			if err := json.Unmarshal(row[i], into); err != nil {
				return fmt.Errorf("phones-v1: %s: %w", name, err)
			}
		}
		r.code = strconv.Itoa(code)
		p.regions[name] = r
	}
	p.states = make([][10]int32, len(file.States))
	p.final = make([]bool, len(file.States))
	for i, text := range file.States {
		if err := readState(text, &p.states[i]); err != nil {
			return fmt.Errorf("phones-v1: state %d: %w", i, err)
		}
	}
	for _, i := range file.Final {
		p.final[i] = true
	}
	return nil
}

// readState reads steps such as `0789:6 12:551`.
func readState(text string, into *[10]int32) error {
	for i := range into {
		into[i] = -1
	}
	for step := range strings.FieldsSeq(text) {
		digits, goal, _ := strings.Cut(step, ":")
		n, err := strconv.Atoi(goal)
		if err != nil {
			return err
		}
		for i := range len(digits) {
			into[digits[i]-'0'] = int32(n)
		}
	}
	return nil
}

// callingCode returns the calling code that a number in international form begins with.
func (p *phones) callingCode(digits string) string {
	for n := 3; n > 0; n-- {
		if len(digits) > n && p.codes[digits[:n]] != nil {
			return digits[:n]
		}
	}
	return ""
}

// possible reports whether some region of a calling code has numbers of a length.
func (p *phones) possible(code string, n int) bool {
	for _, name := range p.codes[code] {
		if slices.Contains(p.regions[name].lengths, n) {
			return true
		}
	}
	return false
}

// valid reports whether a region gives out a national number.
func (p *phones) valid(in *region, national string) bool {
	state := int32(in.start)
	for i := range len(national) {
		state = p.states[state][national[i]-'0']
		if state < 0 {
			return false
		}
	}
	return p.final[state]
}
