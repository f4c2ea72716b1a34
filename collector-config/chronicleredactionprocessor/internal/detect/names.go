package detect

import (
	"slices"
	"strings"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/view"
)

// Name is what the policy says about values that stand under a name.
type Name struct {
	Key    *policy.KeyRule // the rule that takes the whole value, if any
	Sealed bool            // a provider's own token, which replay needs as it is
	hints  map[string]bool
	vetoes map[string]bool
	forms  []*secretForm // the secrets that are looked for under this name
}

// NoName is the context of what stands under no name.
var NoName = &Name{}

// SaysSomething reports whether any rule of the policy speaks of a name.
func (n *Name) SaysSomething() bool {
	return n.Key != nil || n.Sealed || len(n.hints) > 0 || len(n.vetoes) > 0
}

// maxNames bounds the memory of names: hostile input may have any number of them.
const maxNames = 4096

// Name looks a member's or attribute's name up.
func (s *Scanner) Name(name string) *Name {
	if known, ok := s.names[name]; ok {
		return known
	}
	return s.learn(name)
}

// NameOf is Name for bytes.
func (s *Scanner) NameOf(name []byte) *Name {
	if known, ok := s.names[string(name)]; ok {
		return known
	}
	return s.learn(string(name))
}

func (s *Scanner) learn(name string) *Name {
	if len(s.names) >= maxNames {
		clear(s.names)
	}
	made := s.rules.name(name)
	s.names[strings.Clone(name)] = made
	return made
}

// name judges a name by the policy's lists.
func (r *Rules) name(name string) *Name {
	spellings := []string{normalize(name)}
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		spellings = append(spellings, normalize(name[dot+1:]))
	}
	spellings = slices.DeleteFunc(spellings, func(spelling string) bool { return spelling == "" })
	if len(spellings) == 0 {
		return NoName
	}
	made := &Name{}
	hints, vetoes := map[string]bool{}, map[string]bool{}
	for i := range r.keys {
		key := &r.keys[i]
		if !key.names.any(spellings) {
			continue
		}
		if key.rule.Type != "" && made.Key == nil {
			made.Key = key.rule
		}
		if key.rule.Hint != "" {
			hints[key.rule.Hint] = true
		}
		for _, veto := range key.rule.Veto {
			vetoes[veto] = true
		}
	}
	for i := range r.ids {
		if r.ids[i].names.any(spellings) {
			hints[r.ids[i].rule.ID] = true
		}
	}
	for _, form := range r.secrets.named {
		if form.names.any(spellings) {
			made.forms = append(made.forms, form)
		}
	}
	for hint := range hints {
		delete(vetoes, hint)
	}
	made.hints, made.vetoes = hints, vetoes
	made.Sealed = r.sealed.any(spellings)
	return made
}

func foldedText(text string) string {
	var stack view.Stack
	return string(stack.Fold([]byte(text)))
}

// normalize spells a name in lower case with underscores between its words.
func normalize(name string) string {
	name = foldedText(name)
	out := make([]byte, 0, len(name)+8)
	for i := range len(name) {
		c := name[i]
		switch {
		case is(c, upper):
			if i > 0 && (is(name[i-1], lower|digit) || is(name[i-1], upper) && i+1 < len(name) && is(name[i+1], lower)) {
				out = append(out, '_')
			}
			out = append(out, lowered(c))
		case c == '-' || c == '.' || c == ' ':
			out = append(out, '_')
		default:
			out = append(out, c)
		}
	}
	return strings.Trim(squeeze(string(out)), "_")
}

func squeeze(text string) string {
	for strings.Contains(text, "__") {
		text = strings.ReplaceAll(text, "__", "_")
	}
	return text
}

// glob is a list of names in which * stands for any run of bytes.
type glob struct {
	whole  map[string]bool
	suffix []string // *_x
	prefix []string // x_*
	others []string
}

func newGlob(names []string) glob {
	g := glob{whole: make(map[string]bool, len(names))}
	for _, name := range names {
		stars := strings.Count(name, "*")
		switch {
		case stars == 0:
			g.whole[name] = true
		case stars == 1 && name[0] == '*':
			g.suffix = append(g.suffix, name[1:])
		case stars == 1 && name[len(name)-1] == '*':
			g.prefix = append(g.prefix, name[:len(name)-1])
		default:
			g.others = append(g.others, name)
		}
	}
	return g
}

func (g *glob) any(names []string) bool {
	return slices.ContainsFunc(names, g.has)
}

func (g *glob) has(name string) bool {
	if g.whole[name] {
		return true
	}
	for _, suffix := range g.suffix {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	for _, prefix := range g.prefix {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	for _, pattern := range g.others {
		if matches(pattern, name) {
			return true
		}
	}
	return false
}

// matches compares a name with a pattern of several stars: the pieces between them must stand in order.
func matches(pattern, name string) bool {
	pieces := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(name, pieces[0])
	if !ok {
		return false
	}
	last := len(pieces) - 1
	for _, piece := range pieces[1:last] {
		at := strings.Index(rest, piece)
		if at < 0 {
			return false
		}
		rest = rest[at+len(piece):]
	}
	return strings.HasSuffix(rest, pieces[last])
}
