package detect

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
)

// secretClasses are the classes that a policy may name; token says that a match runs on to the end of its token.
var secretClasses = func() map[string]*secretClass {
	const lowerCase, upperCase, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	made := make(map[string]*secretClass)
	add := func(name, members string, token bool) {
		made[name] = &secretClass{name: name, set: classOf(members), token: token}
	}
	add("digit", digits, true)
	add("hex", digits+"abcdefABCDEF", true)
	add("upper", digits+upperCase, true)
	add("alnum", digits+lowerCase+upperCase, true)
	add("word", digits+lowerCase+upperCase+"_-", true)
	add("base64", digits+lowerCase+upperCase+"+/=", false)
	add("secret_text", digits+lowerCase+upperCase+"!#$%*+./:=?@^_~-", false)
	return made
}()

type secretClass struct {
	name  string
	set   [256]bool
	token bool
}

// run is a stretch of a secret: its class, how long it may be, and the literal before it.
type secretRun struct {
	sep   string
	class *secretClass
	min   int
	max   int
}

// secretForm is one kind of credential.
type secretForm struct {
	runs  []secretRun
	mixed bool
	names *glob
}

// secretStart is a literal with which a credential may begin.
type secretStart struct {
	prefix string
	form   *secretForm
}

// secrets are the credentials of a policy.
type secrets struct {
	byFirst  [256][]secretStart // longest prefix first
	free     []*secretForm      // without a prefix
	named    []*secretForm      // only under a name
	prefixes []string           // longest first
	seps     [256]uint64        // lengths of the tokens, as bits, behind which a free form may go on with such a byte
	ends     uint64             // the same for tokens at the end of a text
	needs    int                // least length of a named form
}

func newSecrets(entries []policy.Secret) *secrets {
	made := &secrets{needs: 1 << 30}
	var starts []secretStart
	for i := range entries {
		entry := &entries[i]
		form := newSecretForm(entry)
		switch {
		case form.names != nil:
			made.named = append(made.named, form)
			made.needs = min(made.needs, entry.Min)
		case len(entry.Prefix) == 0:
			starts = append(starts, secretStart{"", form})
		}
		if form.names == nil {
			for _, prefix := range entry.Prefix {
				starts = append(starts, secretStart{prefix, form})
			}
		}
	}
	slices.SortStableFunc(starts, func(x, y secretStart) int { return cmp.Compare(len(y.prefix), len(x.prefix)) })
	for _, start := range starts {
		if start.prefix == "" {
			made.free = append(made.free, start.form)
			made.addSeparator(start.form)
			continue
		}
		made.byFirst[start.prefix[0]] = append(made.byFirst[start.prefix[0]], start)
		if !slices.Contains(made.prefixes, start.prefix) {
			made.prefixes = append(made.prefixes, start.prefix)
		}
	}
	return made
}

func newSecretForm(entry *policy.Secret) *secretForm {
	form := &secretForm{mixed: entry.Mixed}
	form.runs = append(form.runs, secretRun{"", secretClasses[entry.Of], entry.Min, entry.Max})
	for _, part := range entry.Then {
		form.runs = append(form.runs, secretRun{part.Sep, secretClasses[part.Of], part.Min, part.Max})
	}
	if len(entry.Keys) > 0 {
		names := newGlob(entry.Keys)
		form.names = &names
	}
	return form
}

// mostLength is the length of tokens from which on all are alike.
const mostLength = 63

// addSeparator notes what may end the token with which a free form begins, and how long that is: where a literal that is no
// part of tokens stands behind the first run, the run is the whole token.
func (x *secrets) addSeparator(form *secretForm) {
	first := form.runs[0]
	if len(form.runs) > 1 && first.class.token && !is(form.runs[1].sep[0], tokens) {
		lengths := ^uint64(0) << min(first.min, mostLength)
		if first.max > 0 && first.max < mostLength {
			lengths &= 1<<(first.max+1) - 1
		}
		x.seps[form.runs[1].sep[0]] |= lengths
		return
	}
	x.ends = ^uint64(0)
	for c := range x.seps {
		x.seps[c] = x.ends
	}
}

// starts returns the prefixes with which a secret may begin.
func (x *secrets) starts() []string { return x.prefixes }

// offer is a credential that may begin at a place.
type offer struct {
	span
	kept int
}

// findSecrets finds credentials by their prefix or form.
func findSecrets(s *Scanner, r *rule, part span) {
	offers := s.offers[:0]
	offers = s.offerPrefixed(part, offers)
	offers = s.offerFree(part, offers)
	s.take(r, part, offers)
}

// findAssigned finds values assigned to a name that says that they are secrets.
func findAssigned(s *Scanner, r *rule, part span) {
	s.take(r, part, s.offerNamed(part, s.offers[:0]))
}

// take makes matches of the offers: at one place the longest, then the one that was made first.
func (s *Scanner) take(r *rule, part span, offers []offer) {
	slices.SortStableFunc(offers, func(x, y offer) int {
		return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(y.to, x.to))
	})
	taken := part.from
	for _, o := range offers {
		if o.from < taken {
			continue
		}
		value := string(s.text[o.from:o.to])
		s.emitWhole(r, o.span, s.key.Secret(value, value[:o.kept]), value)
		taken = o.to
	}
	s.offers = offers[:0]
}

func (s *Scanner) offerPrefixed(part span, offers []offer) []offer {
	s.eachWord(part, func(at int) {
		if s.before(part, at, tokens) {
			return
		}
		for _, start := range s.rules.secrets.byFirst[s.text[at]] {
			if s.literal(part, at, start.prefix) {
				offers = s.offer(part, at, len(start.prefix), start.form, offers)
			}
		}
	})
	return offers
}

func (s *Scanner) offerFree(part span, offers []offer) []offer {
	try := func(at int) {
		if s.before(part, at, tokens) {
			return
		}
		for _, form := range s.rules.secrets.free {
			offers = s.offer(part, at, 0, form, offers)
		}
	}
	if len(s.rules.secrets.free) == 0 {
		return offers
	}
	try(part.from)
	for _, at := range within(s.found.longs, span{part.from + 1, part.to}) {
		try(int(at))
	}
	return offers
}

func (s *Scanner) offer(part span, at, prefix int, form *secretForm, offers []offer) []offer {
	if s.ownSecretAt(part, at+prefix) >= 0 {
		return offers
	}
	if end := s.formEnd(part, at+prefix, form); end >= 0 {
		offers = append(offers, offer{span{at, end}, prefix})
	}
	return offers
}

// formEnd returns where the credential ends whose prefix ended at i, -1 if there is none.
func (s *Scanner) formEnd(part span, i int, form *secretForm) int {
	start := i
	for n := range form.runs {
		run := &form.runs[n]
		if !s.literal(part, i, run.sep) {
			return -1
		}
		i += len(run.sep)
		end := s.classEnd(part, i, run.class)
		if n+1 < len(form.runs) {
			sep := form.runs[n+1].sep
			if at := bytes.Index(s.text[i:min(end+len(sep), part.to)], []byte(sep)); at >= 0 {
				end = i + at
			}
		}
		if end-i < run.min || run.max > 0 && end-i > run.max {
			return -1
		}
		i = end
	}
	last := &form.runs[len(form.runs)-1]
	if last.max > 0 && i < part.to && (last.class.set[s.text[i]] || is(s.text[i], alnum)) {
		return -1
	}
	if last.class.token {
		i = s.run(part, i, tokens)
	}
	if form.mixed && !s.mixed(span{start, i}) {
		return -1
	}
	return i
}

// classRun remembers a run of a class, for a text in which many places lie in one: looked at again from each, it would
// cost the square of its length.
type classRun struct {
	span
	class                 *secretClass
	lastDigit, lastLetter int
}

// classEnd returns the end of the run of a class that begins at i.
func (s *Scanner) classEnd(part span, i int, class *secretClass) int {
	if known := &s.seen; known.class == class && known.from <= i && i < known.to &&
		(known.to == part.to || known.to < part.to && !class.set[s.text[known.to]]) {
		return known.to
	}
	end := i
	seen := classRun{class: class, lastDigit: -1, lastLetter: -1}
	for end < part.to && class.set[s.text[end]] {
		if is(s.text[end], digit) {
			seen.lastDigit = end
		} else if is(s.text[end], letter) {
			seen.lastLetter = end
		}
		end++
	}
	seen.span = span{i, end}
	s.seen = seen
	return end
}

// mixed reports whether there are a letter and a digit in a range.
func (s *Scanner) mixed(of span) bool {
	if s.seen.from <= of.from && s.seen.to == of.to {
		return s.seen.lastDigit >= of.from && s.seen.lastLetter >= of.from
	}
	var seen uint16
	for _, c := range s.text[of.from:of.to] {
		seen |= classes[c]
	}
	return seen&digit != 0 && seen&letter != 0
}

func (s *Scanner) offerNamed(part span, offers []offer) []offer {
	if len(s.rules.secrets.named) == 0 {
		return offers
	}
	if part.from == 0 && !s.inside {
		at := s.run(part, 0, blank)
		for _, form := range s.context.forms {
			offers = s.offerUnderName(part, at, form, offers)
		}
	}
	taken := part.from
	for _, place := range within(s.found.assigns, part) {
		at := int(place) + 1
		for at < part.to && opens[s.text[at]] {
			at++
		}
		if at < taken || !s.assigned(part, int(place)) || !s.longEnough(part, at) && !s.quoted(part, at) {
			continue
		}
		for _, form := range s.nameBefore(part, at).forms {
			offers = s.offerUnderName(part, at, form, offers)
			if n := len(offers); n > 0 {
				taken = max(taken, offers[n-1].to)
			}
		}
	}
	return offers
}

// assigned reports whether a name stands before a colon or equals sign.
func (s *Scanner) assigned(part span, i int) bool {
	for i > part.from && closes[s.text[i-1]] {
		i--
	}
	return s.before(part, i, tokens|dot)
}

func (s *Scanner) quoted(part span, i int) bool {
	c := s.byteAt(part, i-1)
	return c == '"' || c == '\''
}

// longEnough is a cheap look ahead before names are looked up.
func (s *Scanner) longEnough(part span, i int) bool {
	n := 0
	set := &secretClasses["secret_text"].set
	for n < s.rules.secrets.needs && i < part.to && set[s.text[i]] {
		i++
		n++
	}
	return n == s.rules.secrets.needs
}

func (s *Scanner) offerUnderName(part span, at int, form *secretForm, offers []offer) []offer {
	if s.literal(part, at, "${") || s.literal(part, at, "{{") || s.literal(part, at, "<") || s.ownSecretAt(part, at) >= 0 {
		return offers
	}
	end := s.formEnd(part, at, form)
	if end >= 0 && s.called(part, span{at, end}) {
		return offers
	}
	end = max(end, s.quotedEnd(part, at, form))
	if end >= 0 {
		offers = append(offers, offer{span{at, end}, len(s.rules.secrets.known(s.text[at:end]))})
	}
	return offers
}

// called reports whether a value is what code calls or looks up: base64.b16encode(x).
func (s *Scanner) called(part, of span) bool {
	if c := s.byteAt(part, of.to); c != '(' && c != '[' || is(s.text[of.from], digit|dot) {
		return false
	}
	joined := false
	for i, c := range s.text[of.from:of.to] {
		if !is(c, word|dot) {
			return false
		}
		joined = joined || i > 0 && (c == '.' || c == '_')
	}
	return joined
}

const (
	minQuoted = 6
	maxQuoted = 200
)

// quotedEnd returns the end of a value between quotes, in which any byte may stand; -1 if there is none.
func (s *Scanner) quotedEnd(part span, at int, form *secretForm) int {
	if form.runs[0].class.name != "secret_text" || at == part.from || s.text[at-1] != '"' && s.text[at-1] != '\'' {
		return -1
	}
	body := s.text[at:min(at+maxQuoted, part.to)]
	closing := bytes.IndexByte(body, s.text[at-1])
	if closing < minQuoted || bytes.IndexByte(body[:closing], '\n') >= 0 {
		return -1
	}
	var seen uint16
	for _, c := range body[:closing] {
		seen |= classes[c]
	}
	if seen&digit == 0 || seen&letter == 0 {
		return -1
	}
	return at + closing
}

// known returns the longest known prefix of a secret that leaves something.
func (x *secrets) known(secret []byte) string {
	if len(secret) == 0 {
		return ""
	}
	for _, start := range x.byFirst[secret[0]] {
		if len(secret) > len(start.prefix) && string(secret[:len(start.prefix)]) == start.prefix {
			return start.prefix
		}
	}
	return ""
}

// secret returns the stand-in of a secret, its known prefix kept.
func (s *Scanner) secret(value string) string {
	return s.key.Secret(value, s.rules.secrets.known([]byte(value)))
}

// ownSecretAt returns the end of the secret of our own that begins at i, its fill included; -1 if there is none.
func (s *Scanner) ownSecretAt(part span, i int) int {
	if !s.literal(part, i, "chr") {
		return -1
	}
	n := pseudonym.OwnSecretAt(s.text[i:part.to])
	if n == 0 {
		return -1
	}
	return i + n
}
