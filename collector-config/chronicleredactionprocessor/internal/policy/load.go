package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/data"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/strictyaml"
)

// defaultText is what a policy means by what it does not say; it is a policy itself.
const defaultText = `{
version: 1,
data: {fold: "v1", phones: "v1"},
defaults: {action: "pseudonymise", phone_regions: ["US", "GB", "FR", "DE"]},
limits: {value_bytes: 16777216, depth: 128, layers: 8, expand: 4, matches: 10000},
on_limit: "opaque",
tenant: {from: [], default: "default"},
scope: {keep: [], drop: [], trace_state_keep: []},
opaque_ok: [], keys: [], rules: [], secrets: [], national_ids: [], allow: [], hooks: []
}`

// lists are the members that `extends` puts on top of each other.
var lists = []string{"opaque_ok", "keys", "rules", "secrets", "national_ids", "allow", "hooks"}

// Load reads the policy of a file; without one, the default that ships.
func Load(file string) (*Policy, error) {
	if file == "" || file == "default" {
		return Default()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the policy: %w", err)
	}
	policy, err := Read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return policy, nil
}

// Default reads the policy that ships.
func Default() (*Policy, error) {
	policy, err := Read(data.DefaultPolicy)
	if err != nil {
		return nil, fmt.Errorf("default.yaml: %w", err)
	}
	return policy, nil
}

// Read reads the text of a policy; the error names field and line of what is refused.
func Read(text []byte) (*Policy, error) {
	tree, err := parse(text)
	if err != nil {
		return nil, err
	}
	if extends := tree.Get("extends"); extends != nil {
		base, err := parse(data.DefaultPolicy)
		if err != nil {
			return nil, err
		}
		tree = onTop(base, tree)
	}
	whole, err := withDefaults(tree)
	if err != nil {
		return nil, err
	}
	policy := &Policy{}
	if err := strictyaml.Decode(whole, policy); err != nil {
		return nil, err
	}
	policy.ID = identity(whole)
	return policy, checkTogether(policy)
}

// parse reads and checks one file, before anything is added to it.
func parse(text []byte) (*strictyaml.Node, error) {
	tree, err := strictyaml.Parse(text)
	if err != nil {
		return nil, err
	}
	var alone Policy
	if err := strictyaml.Decode(tree, &alone); err != nil {
		return nil, err
	}
	if tree.Get("version") == nil {
		return nil, errors.New("the policy: `version` is missing")
	}
	return tree, check(&alone, tree)
}

// onTop puts a policy's lists behind those of its base, and its other members in the place of the base's.
func onTop(base, own *strictyaml.Node) *strictyaml.Node {
	made := &strictyaml.Node{Kind: strictyaml.Object, Members: slices.Clone(base.Members)}
	for _, member := range own.Members {
		old := base.Get(member.Name)
		switch {
		case member.Name == "extends":
			continue
		case slices.Contains(lists, member.Name):
			made.Put(member.Name, entries(old, member.Value))
		case member.Name == "scope":
			made.Put(member.Name, joined(old, member.Value))
		case member.Value.Kind == strictyaml.Object:
			made.Put(member.Name, merged(old, member.Value))
		default:
			made.Put(member.Name, member.Value)
		}
	}
	return made
}

// entries appends a list to another; an entry of the same name takes the other's place.
func entries(base, own *strictyaml.Node) *strictyaml.Node {
	made := &strictyaml.Node{Kind: strictyaml.List, Line: own.Line}
	if base != nil {
		made.Items = slices.Clone(base.Items)
	}
	places := make(map[string]int, len(made.Items))
	for i, item := range made.Items {
		places[label(item)] = i
	}
	for _, item := range own.Items {
		if place, known := places[label(item)]; known && label(item) != "" {
			made.Items[place] = item
		} else {
			made.Items = append(made.Items, item)
		}
	}
	return made
}

func label(entry *strictyaml.Node) string {
	for _, name := range []string{"id", "use"} {
		if given := entry.Get(name); given != nil && given.Text != "" {
			return given.Text
		}
	}
	return ""
}

// joined appends each list of an object to the one of the same name.
func joined(base, own *strictyaml.Node) *strictyaml.Node {
	made := &strictyaml.Node{Kind: strictyaml.Object, Line: own.Line}
	if base != nil {
		made.Members = slices.Clone(base.Members)
	}
	for _, member := range own.Members {
		list := &strictyaml.Node{Kind: strictyaml.List, Line: member.Value.Line}
		if old := made.Get(member.Name); old != nil {
			list.Items = slices.Clone(old.Items)
		}
		list.Items = append(list.Items, member.Value.Items...)
		made.Put(member.Name, list)
	}
	return made
}

func merged(base, own *strictyaml.Node) *strictyaml.Node {
	made := &strictyaml.Node{Kind: strictyaml.Object, Line: own.Line}
	if base != nil {
		made.Members = slices.Clone(base.Members)
	}
	for _, member := range own.Members {
		made.Put(member.Name, member.Value)
	}
	return made
}

// withDefaults fills in the members that a policy leaves out.
func withDefaults(tree *strictyaml.Node) (*strictyaml.Node, error) {
	defaults, err := strictyaml.Parse([]byte(defaultText))
	if err != nil {
		return nil, err
	}
	made := &strictyaml.Node{Kind: strictyaml.Object}
	for _, member := range defaults.Members {
		given := tree.Get(member.Name)
		switch {
		case given == nil:
			made.Put(member.Name, member.Value)
		case member.Value.Kind == strictyaml.Object:
			made.Put(member.Name, merged(member.Value, given))
		default:
			made.Put(member.Name, given)
		}
	}
	return made, nil
}

// identity is the hash of a whole policy and of the tables that it builds on.
func identity(whole *strictyaml.Node) string {
	tables := &strictyaml.Node{Kind: strictyaml.Object}
	for name, content := range data.Hashed() {
		sum := sha256.Sum256(content)
		tables.Put(name, &strictyaml.Node{Text: hex.EncodeToString(sum[:])})
	}
	both := &strictyaml.Node{Kind: strictyaml.Object}
	both.Put("policy", whole)
	both.Put("tables", tables)
	sum := sha256.Sum256(strictyaml.AppendCanonical(nil, both))
	return hex.EncodeToString(sum[:])
}
