package walk

import (
	"encoding/json"
	"regexp"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
)

// pass is what one redactor says about its work: ids and counts, never a value.
type pass struct {
	Policy     *string           `json:"policy,omitempty"`
	Data       *string           `json:"data,omitempty"`
	Key        *string           `json:"key,omitempty"`
	CheckValue *string           `json:"kcv,omitempty"`
	TenantFrom *string           `json:"tenant_from,omitempty"`
	Rules      *map[string]int64 `json:"rules,omitempty"`
	Opaque     *map[string]int64 `json:"opaque,omitempty"`
}

type report struct {
	Version json.RawMessage `json:"v"`
	Passes  []pass          `json:"passes"`
}

var (
	word  = regexp.MustCompile(`^[A-Za-z0-9_.:+-]{0,80}$`)
	forms = []*regexp.Regexp{
		regexp.MustCompile(`^[0-9a-f]{64}(?:\+py)?$`),
		regexp.MustCompile(`^[a-z]{1,8}-v[0-9]{1,3}(?:,[a-z]{1,8}-v[0-9]{1,3}){0,4}$`),
		regexp.MustCompile(`^[A-Za-z_]{0,40}$`),
		regexp.MustCompile(`^[0-9a-f]{8}$`),
		regexp.MustCompile(`^[a-z]{0,16}(?::[a-z._-]{1,64})?$`),
	}
)

// report adds this pass to the report of a span, where there is something to say. Senders can write anything there: what
// has not exactly our form is replaced.
func (p *Places) report(attributes pcommon.Map, tally *detect.Tally) {
	_, ours := attributes.Get(versionKey)
	old, exists := attributes.Get(reportKey)
	var passes []pass
	forged := false
	if exists {
		read, ok := readReport(old)
		passes, forged = read, !ok
	}
	if !forged && tally.Empty() && (!ours || len(passes) > 0) {
		return
	}
	data := "fold-v1,phones-v1"
	rules, opaque := tally.Rules, tally.Opaque
	passes = append(passes, pass{
		Policy: &p.About.Policy, Data: &data, Key: &p.About.Key, CheckValue: &p.About.CheckValue, TenantFrom: &p.About.TenantFrom,
		Rules: &rules, Opaque: &opaque,
	})
	text, err := json.Marshal(report{Version: json.RawMessage("1"), Passes: passes})
	if err != nil {
		return // nothing in it can fail
	}
	attributes.RemoveIf(func(key string, _ pcommon.Value) bool { return key == reportKey || key == reportKey+sizeSuffix })
	put(attributes.PutEmpty(reportKey), string(text), false)
	attributes.PutInt(reportKey+sizeSuffix, int64(len(text)))
}

// readReport reads a report that has exactly our form.
func readReport(v pcommon.Value) ([]pass, bool) {
	text, _, ok := joined(v, 0, false)
	if !ok {
		return nil, false
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var read report
	if decoder.Decode(&read) != nil || decoder.More() || read.Version == nil || read.Passes == nil || string(read.Version) != "1" {
		return nil, false
	}
	for i := range read.Passes {
		if !wellFormed(&read.Passes[i]) {
			return nil, false
		}
	}
	return read.Passes, true
}

func wellFormed(p *pass) bool {
	for i, field := range []*string{p.Policy, p.Data, p.Key, p.CheckValue, p.TenantFrom} {
		if field != nil && !forms[i].MatchString(*field) {
			return false
		}
	}
	for _, counted := range []*map[string]int64{p.Rules, p.Opaque} {
		if counted == nil {
			continue
		}
		for rule, n := range *counted {
			if !word.MatchString(rule) || n < 0 || n >= maxCount {
				return false
			}
		}
	}
	return true
}
