package walk

import (
	"regexp"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
)

// Attributes of recordings that the walk knows; docs/wire-format.md describes them.
const (
	sizeSuffix      = ".size"
	versionKey      = "chronicle.version"
	streamKey       = "chronicle.stream"
	runParentKey    = "chronicle.run.parent"
	reportKey       = "chronicle.redaction"
	chronicleMember = "chronicle" // of the trace state
)

var (
	payloads = map[string]bool{
		"chronicle.input": true, "chronicle.output": true, "chronicle.error": true, streamKey: true, "chronicle.code": true,
		"chronicle.session": true, "chronicle.ambient": true, runParentKey: true, reportKey: true,
	}
	counts = map[string]bool{
		versionKey: true, "chronicle.seq": true, "chronicle.parent": true, "chronicle.run.steps": true, "chronicle.run.lost": true,
	}
	runID     = regexp.MustCompile(`^[0-9a-f]{32}$`)
	spanID    = regexp.MustCompile(`^[0-9a-f]{16}$`)
	runParent = regexp.MustCompile(`^\["[0-9a-f]{32}", ?"[0-9a-f]{16}"\]$`)
	// ownForms are attributes of recordings that are kept where they hold what a recorder writes.
	ownForms = map[string]*regexp.Regexp{"chronicle.run.id": runID, "chronicle.run.start": spanID, "chronicle.replay.of": runID}
)

const maxCount = 1_000_000_000

// attributes redacts attributes and their keys; recorded says that they may be those of a recording.
func (p *Places) attributes(m pcommon.Map, tally *detect.Tally, recorded bool) {
	var sizes map[string]int64
	if recorded {
		sizes = payloadSizes(m)
	}
	newSizes := map[string]int64{}
	for key, v := range m.All() {
		switch {
		case recorded && payloads[key] && key != reportKey:
			size, known := sizes[key]
			if made, changed := p.payload(v, key, size, known, tally); changed {
				newSizes[key+sizeSuffix] = made
			}
		case p.scope.drop != nil && p.scope.drop.MatchString(key):
			empty(v)
			tally.Rules["scope"]++
		case !p.kept(key, v):
			p.value(v, key, tally)
		}
	}
	for key, size := range newSizes {
		if v, exists := m.Get(key); exists {
			v.SetInt(size)
		}
	}
	p.keys(m, tally)
}

func payloadSizes(m pcommon.Map) map[string]int64 {
	sizes := make(map[string]int64)
	for key, v := range m.All() {
		if payload, ok := strings.CutSuffix(key, sizeSuffix); ok && payloads[payload] && v.Type() == pcommon.ValueTypeInt {
			sizes[payload] = v.Int()
		}
	}
	return sizes
}

// kept reports whether an attribute stays as it is.
func (p *Places) kept(key string, v pcommon.Value) bool {
	if form := ownForms[key]; form != nil {
		return v.Type() == pcommon.ValueTypeStr && form.MatchString(v.Str())
	}
	payload, isSize := strings.CutSuffix(key, sizeSuffix)
	switch {
	case counts[key] || isSize && payloads[payload]:
		return v.Type() == pcommon.ValueTypeInt && v.Int() >= 0 && v.Int() < maxCount || v.Type() == pcommon.ValueTypeBool
	case key == reportKey:
		return true
	}
	return p.scope.keep != nil && p.scope.keep.MatchString(key)
}

// empty takes the content out of a value; the type stays.
func empty(v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		v.SetStr("")
	case pcommon.ValueTypeInt:
		v.SetInt(0)
	case pcommon.ValueTypeDouble:
		v.SetDouble(0)
	case pcommon.ValueTypeBytes:
		v.SetEmptyBytes()
	case pcommon.ValueTypeMap:
		v.SetEmptyMap()
	case pcommon.ValueTypeSlice:
		v.SetEmptySlice()
	}
}

// keys redacts the keys of a map; keys that differed before differ after.
func (p *Places) keys(m pcommon.Map, tally *detect.Tally) {
	renamed := make([]string, 0, m.Len())
	old := make([]string, 0, m.Len())
	changed := false
	for key := range m.All() {
		made := p.key(key, tally)
		changed = changed || made != key
		renamed, old = append(renamed, made), append(old, key)
	}
	if !changed {
		return
	}
	keepApart(old, renamed)
	rebuilt := pcommon.NewMap()
	rebuilt.EnsureCapacity(m.Len())
	at := 0
	for _, v := range m.All() {
		v.MoveTo(rebuilt.PutEmpty(renamed[at]))
		at++
	}
	rebuilt.MoveTo(m)
}

// keepApart gives the second of two keys that have become equal a ~2, and so on.
func keepApart(old, renamed []string) {
	seen := make(map[string]string, len(old))
	for i := range old {
		if renamed[i] == old[i] {
			seen[old[i]] = old[i]
		}
	}
	for i, made := range renamed {
		if made == old[i] {
			continue
		}
		wanted := made
		for n := 2; ; n++ {
			owner, taken := seen[wanted]
			if !taken {
				seen[wanted] = old[i]
			}
			if !taken || owner == old[i] {
				break
			}
			wanted = made + "~" + strconv.Itoa(n)
		}
		renamed[i] = wanted
	}
}

// plainKey is a key that cannot hold anything private, for spans of which nobody knows whose they are.
var plainKey = regexp.MustCompile(`^[A-Za-z_]+(?:[._-][A-Za-z_]+)*$`)

func (p *Places) key(key string, tally *detect.Tally) string {
	if p.redactor == nil && plainKey.MatchString(key) {
		return key
	}
	return p.text(key, "", tally)
}
