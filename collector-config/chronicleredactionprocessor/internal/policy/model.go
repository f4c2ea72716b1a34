// Package policy reads the file that says what is private and what becomes of it.
//
//	YAML ──strictyaml──► tree ──checked──► extends, defaults ──► Policy, which the engine compiles; its id is on every span
package policy

// Policy is a policy with all its defaults. Names and meaning are those of the documentation of the redaction engine.
type Policy struct {
	ID string

	Version     int          `key:"version"`
	Extends     string       `key:"extends"`
	Data        Data         `key:"data"`
	Defaults    Defaults     `key:"defaults"`
	Limits      Limits       `key:"limits"`
	OnLimit     string       `key:"on_limit"`
	Tenant      Tenant       `key:"tenant"`
	Scope       Scope        `key:"scope"`
	OpaqueOK    []OpaqueOK   `key:"opaque_ok"`
	Keys        []KeyRule    `key:"keys"`
	Rules       []Rule       `key:"rules"`
	Allow       []Allow      `key:"allow"`
	Hooks       []Hook       `key:"hooks"`
	Secrets     []Secret     `key:"secrets"`
	NationalIDs []NationalID `key:"national_ids"`
}

// Data names the shipped tables.
type Data struct {
	Fold   string `key:"fold"`
	Phones string `key:"phones"`
}

// Defaults hold where a rule says nothing.
type Defaults struct {
	Action       string   `key:"action"`
	PhoneRegions []string `key:"phone_regions"`
}

// Limits bound the work on one value; they count bytes and steps, never time.
type Limits struct {
	ValueBytes int `key:"value_bytes"`
	Depth      int `key:"depth"`
	Layers     int `key:"layers"`
	Expand     int `key:"expand"`
	Matches    int `key:"matches"`
}

// Tenant says where the tenant's name is found.
type Tenant struct {
	From     []string `key:"from"`
	Default  string   `key:"default"`
	Required bool     `key:"required"`
}

// Scope lists places and attributes that are kept as they are, or emptied.
type Scope struct {
	Keep           []string `key:"keep"`
	Drop           []string `key:"drop"`
	TraceStateKeep []string `key:"trace_state_keep"`
}

// OpaqueOK names members whose values a provider wants back unchanged.
type OpaqueOK struct {
	Key string `key:"key"`
}

// KeyRule judges values by the name under which they stand.
type KeyRule struct {
	ID    string   `key:"id"`
	Names []string `key:"names"`
	Type  string   `key:"type"`
	Hint  string   `key:"hint"`
	Veto  []string `key:"veto"`
	Words []string `key:"words"`
}

// Rule switches a built-in rule on (`use`), or is a pattern of the policy's own.
type Rule struct {
	Use      string   `key:"use"`
	ID       string   `key:"id"`
	Pattern  string   `key:"pattern"`
	Group    int      `key:"group"`
	Left     string   `key:"left"`
	Right    string   `key:"right"`
	Literal  string   `key:"literal"`
	Validate string   `key:"validate"`
	Action   string   `key:"action"`
	Allow    []Allow  `key:"allow"`
	VetoJSON []string `key:"veto_json"`
	Disabled bool     `key:"disabled"`
}

// Allow exempts a match, never the value around it.
type Allow struct {
	Type   string `key:"type"`
	Value  string `key:"value"`
	Domain string `key:"domain"`
	CIDR   string `key:"cidr"`
	Set    string `key:"set"`
}

// Hook is a detector in Python; this engine refuses policies that have one.
type Hook struct {
	Use     string `key:"use"`
	Options any    `key:"options"`
}

// Secret is a form of credential.
type Secret struct {
	ID     string   `key:"id"`
	Prefix []string `key:"prefix"`
	Keys   []string `key:"keys"`
	Of     string   `key:"of"`
	Min    int      `key:"min"`
	Max    int      `key:"max"`
	Mixed  bool     `key:"mixed"`
	Then   []Part   `key:"then"`
}

// Part is a further run of a secret, after a separator.
type Part struct {
	Sep string `key:"sep"`
	Of  string `key:"of"`
	Min int    `key:"min"`
	Max int    `key:"max"`
}

// NationalID is a number or code that a state gives to its people.
type NationalID struct {
	ID        string   `key:"id"`
	Forms     []string `key:"forms"`
	Hinted    []string `key:"hinted"`
	Checks    []Check  `key:"checks"`
	Names     []string `key:"names"`
	Words     []string `key:"words"`
	NotPrefix []string `key:"not_prefix"`
	AnyCase   bool     `key:"any_case"`
}

// Check is one condition over the characters of a national id.
type Check struct {
	Kind    string `key:"kind"`
	Order   string `key:"order"`
	At      int    `key:"at"`
	Loose   bool   `key:"loose"`
	Weights []int  `key:"weights"`
	Mod     int    `key:"mod"`
	Table   string `key:"table"`
	Last    int    `key:"last"`
	Of      int    `key:"of"`
}
