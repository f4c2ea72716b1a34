package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/strictyaml"
)

// BuiltIn are the rules that ship, in their order of preference.
var BuiltIn = []string{
	"pem", "userinfo", "url", "jwt", "basic", "bearer", "secrets", "iban", "card", "national_ids", "email", "us_ssn", "phone", "ipv4", "ipv6",
}

// The words that a policy may use.
var (
	actions    = []string{"pseudonymise", "token", "mask", "drop", "keep"}
	classes    = []string{"digit", "hex", "upper", "alnum", "word", "base64", "secret_text"}
	boundaries = []string{"any", "nonword", "nonalnum", "blank"}
	validators = []string{"none", "luhn", "verhoeff", "mod97"}
	checkKinds = []string{
		"verhoeff", "iso7064_11_10", "de_idnr", "nir", "codice_fiscale", "tckn", "nric", "be_nrn", "pps", "date", "weighted", "modulo", "luhn", "multiple",
	}
	identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	plainName  = regexp.MustCompile(`^[a-z0-9_*]{1,80}$`)
	regionName = regexp.MustCompile(`^[A-Z]{2}$`)
)

// checker collects the first thing that is wrong and where it stands.
type checker struct {
	tree *strictyaml.Node
	err  error
}

func (c *checker) refuse(path, format string, args ...any) {
	if c.err == nil {
		c.err = strictyaml.Fail(c.line(path), path, format, args...)
	}
}

// line returns the line of the innermost value on a path.
func (c *checker) line(path string) int {
	node := c.tree
	for step := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next := node.Get(step)
		if node.Kind == strictyaml.List {
			var i int
			if _, err := fmt.Sscan(step, &i); err == nil && i < len(node.Items) {
				next = node.Items[i]
			}
		}
		if next == nil {
			break
		}
		node = next
	}
	return node.Line
}

// given reports whether a file says anything at a path.
func (c *checker) given(node *strictyaml.Node, name string) bool {
	return node != nil && node.Get(name) != nil
}

func (c *checker) oneOf(path, value string, choices []string) {
	if !slices.Contains(choices, value) {
		c.refuse(path, "%q is none of %s", value, strings.Join(choices, ", "))
	}
}

func (c *checker) optional(path, value string, choices []string) {
	if value != "" {
		c.oneOf(path, value, choices)
	}
}

func (c *checker) within(path string, value, least, most int) {
	if value < least || value > most {
		c.refuse(path, "an integer from %d to %d is wanted", least, most)
	}
}

func (c *checker) like(path, value string, pattern *regexp.Regexp, wanted string) {
	if !pattern.MatchString(value) {
		c.refuse(path, "%q is no %s", value, wanted)
	}
}

func (c *checker) names(path string, names []string) {
	for i, name := range names {
		c.like(fmt.Sprintf("%s[%d]", path, i), name, plainName, "normalised name (lower case, digits, `_`; `*` for anything)")
	}
}

// check looks at one file, before defaults are filled in.
func check(p *Policy, tree *strictyaml.Node) error {
	c := &checker{tree: tree}
	c.head(p)
	c.keys(p)
	c.rules(p)
	c.secrets(p)
	c.nationalIDs(p)
	c.allow("allow", p.Allow)
	if len(p.Hooks) > 0 {
		c.refuse("hooks", "hooks run in Python; this engine cannot redact with them")
	}
	return c.err
}

func (c *checker) head(p *Policy) {
	if p.Version != 1 {
		c.refuse("version", "%d is none of 1", p.Version)
	}
	c.optional("extends", p.Extends, []string{"default"})
	c.optional("data.fold", p.Data.Fold, []string{"v1"})
	c.optional("data.phones", p.Data.Phones, []string{"v1"})
	c.optional("defaults.action", p.Defaults.Action, actions)
	for i, region := range p.Defaults.PhoneRegions {
		c.like(fmt.Sprintf("defaults.phone_regions[%d]", i), region, regionName, "region")
	}
	limits := c.tree.Get("limits")
	for _, limit := range []struct {
		name               string
		value, least, most int
	}{
		{"value_bytes", p.Limits.ValueBytes, 1000, 1 << 30},
		{"depth", p.Limits.Depth, 1, 128},
		{"layers", p.Limits.Layers, 0, 64},
		{"expand", p.Limits.Expand, 1, 100},
		{"matches", p.Limits.Matches, 1, 1_000_000},
	} {
		if c.given(limits, limit.name) {
			c.within("limits."+limit.name, limit.value, limit.least, limit.most)
		}
	}
	c.optional("on_limit", p.OnLimit, []string{"opaque", "drop"})
	for i, entry := range p.OpaqueOK {
		c.like(fmt.Sprintf("opaque_ok[%d].key", i), entry.Key, plainName, "normalised name")
	}
	for i, from := range p.Tenant.From {
		if kind, name, ok := strings.Cut(from, ":"); !ok || name == "" || kind != "metadata" && kind != "resource" {
			c.refuse(fmt.Sprintf("tenant.from[%d]", i), "%q is neither metadata:NAME nor resource:NAME", from)
		}
	}
}

// unique refuses a second entry of one name.
func (c *checker) unique(list string, labels []string) {
	seen := make(map[string]bool, len(labels))
	for i, label := range labels {
		if seen[label] {
			c.refuse(fmt.Sprintf("%s[%d]", list, i), "%q stands twice", label)
		}
		seen[label] = true
	}
}

func (c *checker) keys(p *Policy) {
	labels := make([]string, len(p.Keys))
	for i, key := range p.Keys {
		at := fmt.Sprintf("keys[%d]", i)
		labels[i] = key.ID
		c.like(at+".id", key.ID, identifier, "id")
		c.names(at+".names", key.Names)
		c.optional(at+".type", key.Type, []string{"secret", "token"})
		if len(key.Names) == 0 {
			c.refuse(at, "`names` is missing")
		}
	}
	c.unique("keys", labels)
}

func (c *checker) rules(p *Policy) {
	labels := make([]string, len(p.Rules))
	for i, rule := range p.Rules {
		at := fmt.Sprintf("rules[%d]", i)
		labels[i] = rule.ID + rule.Use
		c.optional(at+".action", rule.Action, actions)
		c.allow(at+".allow", rule.Allow)
		own := c.tree.Get("rules").Items[i].Get("pattern") != nil
		if own {
			c.ownRule(at, &rule)
		} else {
			c.builtIn(at, &rule)
		}
	}
	c.unique("rules", labels)
}

func (c *checker) ownRule(at string, rule *Rule) {
	c.like(at+".id", rule.ID, identifier, "id")
	if _, err := Compile(rule.Pattern); err != nil {
		c.refuse(at+".pattern", "%v", err)
	}
	c.within(at+".group", rule.Group, 0, 9)
	c.optional(at+".left", rule.Left, boundaries)
	c.optional(at+".right", rule.Right, boundaries)
	c.optional(at+".validate", rule.Validate, validators)
	if rule.Use != "" || rule.Disabled || len(rule.VetoJSON) > 0 {
		c.refuse(at, "a pattern of the policy's own has no `use`, `disabled` or `veto_json`")
	}
	if expression, err := Compile(rule.Pattern); err == nil && rule.Group > expression.NumSubexp() {
		c.refuse(at+".group", "the pattern has no group %d", rule.Group)
	}
}

func (c *checker) builtIn(at string, rule *Rule) {
	c.oneOf(at+".use", rule.Use, BuiltIn)
	for _, veto := range rule.VetoJSON {
		c.oneOf(at+".veto_json", veto, []string{"float"})
	}
	for name, value := range map[string]string{
		"id": rule.ID, "left": rule.Left, "right": rule.Right, "literal": rule.Literal, "validate": rule.Validate,
	} {
		if value != "" {
			c.refuse(at+"."+name, "unknown for a rule that ships")
		}
	}
}

func (c *checker) allow(at string, entries []Allow) {
	for i, entry := range entries {
		here := fmt.Sprintf("%s[%d]", at, i)
		c.optional(here+".type", entry.Type, BuiltIn)
		c.optional(here+".set", entry.Set, []string{"published_test"})
		if entry.CIDR != "" {
			if network, err := netip.ParsePrefix(entry.CIDR); err != nil || network.Masked() != network {
				c.refuse(here+".cidr", "%q is no network such as 10.0.0.0/8", entry.CIDR)
			}
		}
		if entry == (Allow{Type: entry.Type}) {
			c.refuse(here, "one of value, domain, cidr, set is wanted")
		}
	}
}

func (c *checker) secrets(p *Policy) {
	labels := make([]string, len(p.Secrets))
	for i, secret := range p.Secrets {
		at := fmt.Sprintf("secrets[%d]", i)
		labels[i] = secret.ID
		c.like(at+".id", secret.ID, identifier, "id")
		c.oneOf(at+".of", secret.Of, classes)
		c.within(at+".min", secret.Min, 1, 1000)
		c.within(at+".max", secret.Max, 0, 1000)
		c.names(at+".keys", secret.Keys)
		for k, part := range secret.Then {
			here := fmt.Sprintf("%s.then[%d]", at, k)
			c.oneOf(here+".of", part.Of, classes)
			c.within(here+".min", part.Min, 1, 1000)
			c.within(here+".max", part.Max, 0, 1000)
			if part.Sep == "" {
				c.refuse(here, "`sep` is missing")
			}
		}
		if len(secret.Keys) == 0 && strings.Join(secret.Prefix, "") == "" && len(secret.Then) == 0 {
			c.refuse(at, "needs a prefix, `then` or `keys`")
		}
	}
	c.unique("secrets", labels)
}

func (c *checker) nationalIDs(p *Policy) {
	labels := make([]string, len(p.NationalIDs))
	for i, id := range p.NationalIDs {
		at := fmt.Sprintf("national_ids[%d]", i)
		labels[i] = id.ID
		c.like(at+".id", id.ID, identifier, "id")
		c.names(at+".names", id.Names)
		if len(id.Forms) == 0 && len(id.Hinted) == 0 {
			c.refuse(at, "needs `forms` or `hinted`")
		}
		for k, check := range id.Checks {
			here := fmt.Sprintf("%s.checks[%d]", at, k)
			c.oneOf(here+".kind", check.Kind, checkKinds)
			c.optional(here+".order", check.Order, []string{"ymd", "dmy"})
			c.within(here+".at", check.At, -40, 40)
		}
	}
	c.unique("national_ids", labels)
}

// checkTogether looks at what one part of a whole policy says about another.
func checkTogether(p *Policy) error {
	known := slices.Clone(BuiltIn)
	for _, id := range p.NationalIDs {
		known = append(known, id.ID)
	}
	for _, rule := range p.Rules {
		known = append(known, rule.ID)
	}
	for i, key := range p.Keys {
		for _, subject := range append(slices.Clone(key.Veto), key.Hint) {
			if subject != "" && !slices.Contains(known, subject) {
				return fmt.Errorf("keys[%d] (%s): %q is no rule of this policy", i, key.ID, subject)
			}
		}
	}
	return nil
}

var (
	forbidden  = regexp.MustCompile(`\\[bBAzZpPQEwWdDsSC]|\(\?[^:]|\(\?$|[\^$]|\[:`)
	classText  = regexp.MustCompile(`\[\^?\]?[^\]]*\]`)
	escapeText = regexp.MustCompile(`\\[^A-Za-z0-9]`)
	inClasses  = regexp.MustCompile(`\\[wWdDsSpPbB]|\[:`)
)

// Compile reads a pattern of a policy: RE2, of which only what means the same on bytes in both engines is allowed.
func Compile(pattern string) (*regexp.Regexp, error) {
	for i := range len(pattern) {
		if pattern[i] >= 0x80 {
			return nil, errors.New("only ASCII is allowed; other spellings of a character are folded to it")
		}
	}
	bare := escapeText.ReplaceAllString(classText.ReplaceAllString(pattern, "[]"), "")
	found := forbidden.FindString(bare)
	if found == "" {
		found = inClasses.FindString(pattern)
	}
	if found != "" {
		return nil, fmt.Errorf("%q is not allowed: write classes out, and boundaries as `left` and `right`", found)
	}
	if strings.Contains(bare, ".") {
		return nil, errors.New("a bare `.` is not allowed: say which characters may stand there")
	}
	expression, err := regexp.Compile(strings.ReplaceAll(pattern, "[^", `[^\x{80}-\x{10ffff}`))
	if err != nil {
		return nil, fmt.Errorf("RE2 refuses it: %w", err)
	}
	if expression.MatchString("") {
		return nil, errors.New("it can match nothing at all")
	}
	return expression, nil
}
