// Package walk redacts every place of spans and log records.
//
//	names, messages, attributes and their keys, events, links, trace state ──► engine ──► the same places, types kept
//	payloads ──joined──► engine ──► cut again, with their new size            └──► a report on the span, counts
package walk

import (
	"regexp"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/engine"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
)

// Places redacts what stands in the places of one tenant's spans and log records.
type Places struct {
	redactor *engine.Redactor // nil where nobody knows whose they are: then all content is opaque
	policy   *policy.Policy
	scope    *Scope
	About    About
}

// About is what a report says about a redactor.
type About struct {
	Policy, Key, CheckValue, TenantFrom string
}

// Scope is what a policy says about places and attributes, ready to be asked.
type Scope struct {
	keep, drop, states *regexp.Regexp
}

// NewScope compiles the scope of a policy.
func NewScope(p *policy.Policy) *Scope {
	return &Scope{keep: globs(p.Scope.Keep), drop: globs(p.Scope.Drop), states: globs(p.Scope.TraceStateKeep)}
}

// New makes the places of a tenant; without a redactor all content becomes opaque.
func New(p *policy.Policy, scope *Scope, redactor *engine.Redactor, about About) *Places {
	return &Places{redactor: redactor, policy: p, scope: scope, About: about}
}

func globs(names []string) *regexp.Regexp {
	if len(names) == 0 {
		return nil
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		parts := strings.Split(name, "*")
		for k := range parts {
			parts[k] = regexp.QuoteMeta(parts[k])
		}
		quoted[i] = strings.Join(parts, `[^\n]*`)
	}
	return regexp.MustCompile(`^(?:` + strings.Join(quoted, "|") + `)$`)
}

// text redacts a name or message.
func (p *Places) text(value, name string, tally *detect.Tally) string {
	if value == "" {
		return value
	}
	if p.redactor == nil {
		return p.opaque(tally)
	}
	return p.redactor.Text(value, name, tally)
}

func (p *Places) opaque(tally *detect.Tally) string {
	tally.AddOpaque("tenant")
	if p.policy.OnLimit == "drop" {
		return ""
	}
	return detect.Opaque
}

// set redacts a text through its getter and setter.
func (p *Places) set(old string, set func(string), tally *detect.Tally) {
	if made := p.text(old, "", tally); made != old {
		set(made)
	}
}

// value redacts a value of any type under a name; the type stays.
func (p *Places) value(v pcommon.Value, name string, tally *detect.Tally) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		if made := p.text(v.Str(), name, tally); made != v.Str() {
			v.SetStr(made)
		}
	case pcommon.ValueTypeInt:
		p.integer(v, name, tally)
	case pcommon.ValueTypeDouble:
		p.double(v, name, tally)
	case pcommon.ValueTypeBytes:
		p.bytes(v, name, tally)
	case pcommon.ValueTypeMap:
		p.members(v.Map(), tally)
	case pcommon.ValueTypeSlice:
		p.elements(v.Slice(), name, tally)
	}
}

func (p *Places) number(token, name string, tally *detect.Tally) string {
	if p.redactor == nil {
		tally.AddOpaque("tenant")
		return "0"
	}
	tally.Bytes += int64(len(token))
	return p.redactor.Number(token, name, tally)
}

func (p *Places) integer(v pcommon.Value, name string, tally *detect.Tally) {
	token := strconv.FormatInt(v.Int(), 10)
	made := p.number(token, name, tally)
	if made == token {
		return
	}
	n, err := strconv.ParseInt(made, 10, 64)
	if err != nil {
		tally.AddOpaque("range") // a stand-in of 19 digits need not fit
		n = 0
	}
	v.SetInt(n)
}

func (p *Places) double(v pcommon.Value, name string, tally *detect.Tally) {
	token := spellDouble(v.Double())
	made := p.number(token, name, tally)
	if made == token {
		return
	}
	x, err := strconv.ParseFloat(made, 64)
	if err != nil {
		tally.AddOpaque("range")
		x = 0
	}
	v.SetDouble(x)
}

// spellDouble writes a double as both engines read it: the shortest text, with an exponent from 1e16 on.
func spellDouble(x float64) string {
	size := x
	if size < 0 {
		size = -size
	}
	if x == 0 || size >= 1e-4 && size < 1e16 {
		text := strconv.FormatFloat(x, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	return strconv.FormatFloat(x, 'e', -1, 64)
}

func (p *Places) bytes(v pcommon.Value, name string, tally *detect.Tally) {
	raw := v.Bytes().AsRaw()
	switch {
	case len(raw) == 0:
	case p.redactor == nil:
		p.opaque(tally)
		v.Bytes().FromRaw(nil)
	case strings.HasPrefix(string(raw[:min(4, len(raw))]), "\x1f\x8b"), strings.HasPrefix(string(raw[:min(4, len(raw))]), "\x28\xb5\x2f\xfd"):
		tally.AddOpaque("packed")
		v.Bytes().FromRaw(nil)
	default:
		if made := p.redactor.Text(string(raw), name, tally); made != string(raw) {
			v.Bytes().FromRaw([]byte(made))
		}
	}
}

func (p *Places) elements(list pcommon.Slice, name string, tally *detect.Tally) {
	split := p.splitCards(list)
	for i := range list.Len() {
		if split[i] {
			tally.AddOpaque("split")
			list.At(i).SetStr(detect.Opaque)
			continue
		}
		p.value(list.At(i), name, tally)
	}
}

// splitCards returns the elements that make a card number together.
func (p *Places) splitCards(list pcommon.Slice) map[int]bool {
	if p.redactor == nil || list.Len() < 3 {
		return nil
	}
	texts := make([]string, list.Len())
	for i := range texts {
		if list.At(i).Type() == pcommon.ValueTypeStr {
			texts[i] = list.At(i).Str()
		}
	}
	return p.redactor.SplitCards(texts)
}

func (p *Places) members(m pcommon.Map, tally *detect.Tally) {
	for key, v := range m.All() {
		p.value(v, key, tally)
	}
	p.keys(m, tally)
}
