package detect

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
)

// rule is a rule of the policy, ready to be run.
type rule struct {
	name   string
	use    string // the built-in rule of which it is a part
	action string
	allow  []policy.Allow
	find   func(s *Scanner, r *rule, part span)
	own    *ownRule

	testCards map[string]bool
	vetoable  bool // some name speaks against it, and it does not ask itself
	id        *nationalID
}

// keyRule is a key rule with its names.
type keyRule struct {
	rule  *policy.KeyRule
	names glob
}

// Rules is a policy compiled for scanning. It is safe for concurrent use.
type Rules struct {
	tables      *tables
	order       []rule
	keys        []keyRule
	sealed      glob
	secrets     *secrets
	ids         []nationalID
	idForms     idIndex
	words       words
	hasWords    map[string]bool
	regions     []region
	starts      pairs
	starts2     pairs  // of the second and third byte
	maxMatches  int    // of a value
	StandIn     string // of a text that cannot be judged
	everywhere  bool   // a pattern of the policy's own may begin anywhere
	card        *rule
	phone       *rule
	ssn         *rule
	numberHints map[string]bool // types that a number of less than 12 digits can be
}

// Compile makes a policy ready for scanning.
func Compile(p *policy.Policy) (*Rules, error) {
	shippedTables, err := shipped()
	if err != nil {
		return nil, err
	}
	r := &Rules{tables: shippedTables, secrets: newSecrets(p.Secrets), words: make(words), hasWords: make(map[string]bool)}
	if p.OnLimit != "drop" {
		r.StandIn = Opaque
	}
	r.maxMatches = p.Limits.Matches
	r.compileKeys(p)
	for _, name := range p.Defaults.PhoneRegions {
		if known, ok := r.tables.phones.regions[name]; ok {
			r.regions = append(r.regions, known)
		}
	}
	for i := range p.NationalIDs {
		r.ids = append(r.ids, newNationalID(&p.NationalIDs[i], i))
		r.hint(p.NationalIDs[i].ID, p.NationalIDs[i].Words)
	}
	r.compileRules(p)
	r.compileStarts()
	return r, nil
}

func (r *Rules) compileKeys(p *policy.Policy) {
	for i := range p.Keys {
		key := &p.Keys[i]
		r.keys = append(r.keys, keyRule{key, newGlob(key.Names)})
		if key.Hint != "" {
			r.hint(key.Hint, key.Words)
		}
	}
	sealed := make([]string, len(p.OpaqueOK))
	for i, entry := range p.OpaqueOK {
		sealed[i] = entry.Key
	}
	r.sealed = newGlob(sealed)
}

func (r *Rules) hint(subject string, listed []string) {
	r.words.add(subject, listed)
	if len(listed) > 0 {
		r.hasWords[subject] = true
	}
}

// compileRules puts the rules in their order of preference, whatever order the policy gives.
func (r *Rules) compileRules(p *policy.Policy) {
	given := make(map[string]*policy.Rule, len(p.Rules))
	for i := range p.Rules {
		given[p.Rules[i].Use] = &p.Rules[i]
	}
	vetoes := make(map[string]bool)
	for i := range p.Keys {
		for _, subject := range p.Keys[i].Veto {
			vetoes[subject] = true
		}
	}
	for _, name := range policy.BuiltIn {
		from := given[name]
		if from == nil || from.Disabled {
			continue
		}
		base := rule{name: name, use: name, action: action(from, p), allow: slices.Concat(from.Allow, generalAllow(p, name)), find: finders[name]}
		base.testCards = r.tables.testCards
		if name == "national_ids" {
			r.addNationalIDs(base)
			continue
		}
		base.vetoable = vetoes[name] && !asksItself[name]
		r.order = append(r.order, base)
		if name == "email" && given["secrets"] != nil && !given["secrets"].Disabled {
			r.addAssigned(given["secrets"], p)
		}
	}
	for i := range p.Rules {
		if own := &p.Rules[i]; own.Use == "" {
			made := newOwnRule(own, action(own, p))
			made.allow = slices.Concat(made.allow, generalAllow(p, ""))
			r.order = append(r.order, made)
			r.everywhere = true
		}
	}
	r.card, r.phone, r.ssn = r.byName("card"), r.byName("phone"), r.byName("us_ssn")
	r.numberHints = map[string]bool{"us_ssn": true, "phone": true}
	for i := range r.order {
		if r.order[i].id != nil {
			r.numberHints[r.order[i].name] = true
		}
	}
}

// addAssigned adds the part of the secrets that stand under a name.
func (r *Rules) addAssigned(secrets *policy.Rule, p *policy.Policy) {
	r.order = append(r.order, rule{name: "assigned", use: "secrets", action: action(secrets, p), allow: secrets.Allow, find: findAssigned})
}

func action(from *policy.Rule, p *policy.Policy) string {
	if from.Action != "" {
		return from.Action
	}
	return p.Defaults.Action
}

func (r *Rules) byName(name string) *rule {
	for i := range r.order {
		if r.order[i].name == name {
			return &r.order[i]
		}
	}
	return nil
}

func (r *Rules) addNationalIDs(base rule) {
	for i := range r.ids {
		id := &r.ids[i]
		r.idForms.add(id)
		one := base
		one.name = id.rule.ID
		one.find, one.id = id.find, id
		r.order = append(r.order, one)
	}
}

// asksItself are the rules that look at names before they decide.
var asksItself = set([]string{"card", "iban", "national_ids", "email", "us_ssn", "phone", "ipv4", "ipv6"})

var finders = map[string]func(*Scanner, *rule, span){
	"pem": findPEM, "jwt": findJWTs, "basic": findBasic, "userinfo": findUserinfo, "bearer": findBearer, "secrets": findSecrets, "card": findCards,
	"iban": findIBANs, "email": findEmails, "url": findURLs, "us_ssn": findSSNs, "phone": findPhones, "ipv4": findIPv4, "ipv6": findIPv6,
}

// compileStarts collects the two bytes with which anything that begins with a letter may begin.
func (r *Rules) compileStarts() {
	for _, head := range r.secrets.starts() {
		r.addStart(head)
	}
	r.addStart("eyJ")
	for _, scheme := range []string{"bas", "bea"} {
		for bits := range 8 {
			head := []byte(scheme)
			for i := range head {
				head[i] -= byte(bits>>i&1) * ('a' - 'A')
			}
			r.addStart(string(head))
		}
	}
}

// addStart notes the first three bytes of something that may begin, as two pairs.
func (r *Rules) addStart(head string) {
	for second := range 256 {
		if len(head) > 1 && byte(second) != head[1] {
			continue
		}
		r.starts.add(head[0], byte(second))
		for third := range 256 {
			if len(head) <= 2 || byte(third) == head[2] {
				r.starts2.add(byte(second), byte(third))
			}
		}
	}
}

// begins reports whether something may begin at a place: it may be wrong, but only in saying yes.
func (r *Rules) begins(text []byte, i int) bool {
	return r.starts.has(text[i], text[i+1]) && (i+2 >= len(text) || r.starts2.has(text[i+1], text[i+2]))
}

// generalAllow returns the policy's entries that speak of a rule.
func generalAllow(p *policy.Policy, use string) []policy.Allow {
	var found []policy.Allow
	for _, entry := range p.Allow {
		if entry.Type == "" || entry.Type == use {
			found = append(found, entry)
		}
	}
	return found
}

// allows reports whether an allow list exempts a match.
func (r *rule) allows(value string) bool {
	return slices.ContainsFunc(r.allow, func(entry policy.Allow) bool { return r.allowed(&entry, value) })
}

// allowed reports whether a match is all that an entry says.
func (r *rule) allowed(entry *policy.Allow, value string) bool {
	if entry.Value == "" && entry.Domain == "" && entry.CIDR == "" && entry.Set == "" {
		return false
	}
	if entry.Value != "" && entry.Value != value && strings.ToLower(entry.Value) != value {
		return false
	}
	if entry.Domain != "" && !inDomain(strings.ToLower(entry.Domain), value) {
		return false
	}
	return (entry.CIDR == "" || inNetwork(entry.CIDR, value)) && (entry.Set == "" || r.testCards[value])
}

func inDomain(domain, value string) bool {
	host := value[strings.LastIndexByte(value, '@')+1:]
	return host == domain || strings.HasSuffix(host, "."+domain)
}

func inNetwork(cidr, value string) bool {
	network, err := netip.ParsePrefix(cidr)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(value)
	return err == nil && network.Contains(address)
}
