package detect

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// urlParts are the parts of one URL, as places in the view.
type urlParts struct {
	scheme          string
	end             int
	userinfo        span // from is -1 where there is none
	host            span
	port            bool
	path            span
	query, fragment span // from is -1 where there is none
}

var none = span{-1, -1}

// findUserinfo finds URLs with user and password before the host, and with them all that is personal there.
func findUserinfo(s *Scanner, r *rule, part span) {
	from := part.from
	for _, place := range within(s.found.schemes, part) {
		colon := int(place)
		scheme := s.schemeStart(span{from, part.to}, colon)
		if scheme < 0 || !s.userinfoAt(part, colon+3) {
			continue
		}
		from = colon
		if s.before(part, scheme, alnum) {
			continue
		}
		// an address ends where the scheme begins, or a token does: `Bearer abc123…https://`
		known := s.schemeSuffix(scheme, colon)
		if known >= 0 && (s.byteAt(part, scheme-1) == '@' || known > scheme && s.at(part, known-1, alnum)) {
			scheme = known
		}
		u := urlFound{span{scheme, s.urlEnd(part, colon+3)}, colon}
		if s.planURL(u) {
			s.emitURL(r, u)
			from = u.to
		}
	}
}

// schemeSuffix returns where a known scheme begins at the end of a longer one, whatever stands before; -1 if there is none.
func (s *Scanner) schemeSuffix(scheme, colon int) int {
	name := strings.ToLower(string(s.text[scheme:colon]))
	for known := range s.rules.tables.schemes {
		if strings.HasSuffix(name, known) {
			return colon - len(known)
		}
	}
	return -1
}

const maxUserinfo = 256

// userinfoAt reports whether user, @ and a host stand at a place.
func (s *Scanner) userinfoAt(part span, start int) bool {
	end := start
	for end < part.to && !userinfoEnds[s.text[end]] && end-start <= maxUserinfo {
		end++
	}
	return end > start && end-start <= maxUserinfo && s.byteAt(part, end) == '@' && (s.at(part, end+1, alnum) || s.byteAt(part, end+1) == '[')
}

var userinfoEnds = classOf(" \t\r\n/@?#\"'<>\\")

func (s *Scanner) slice(of span) string { return string(s.text[of.from:of.to]) }

// schemeStart returns where the longest scheme begins that ends at a colon, -1 if there is none.
func (s *Scanner) schemeStart(part span, colon int) int {
	if colon < part.from || colon+3 > part.to {
		return -1
	}
	i := colon
	for i > part.from && (is(s.text[i-1], alnum|dash|dot) || s.text[i-1] == '+') {
		i--
	}
	for i < colon && !is(s.text[i], letter) {
		i++
	}
	if i == colon {
		return -1
	}
	return i
}

// credentials cuts user from password; empty parts are left out.
func (s *Scanner) credentials(userinfo span) []span {
	colon := bytes.IndexByte(s.text[userinfo.from:userinfo.to], ':')
	if colon < 0 {
		return []span{userinfo}
	}
	var made []span
	if colon > 0 {
		made = append(made, span{userinfo.from, userinfo.from + colon})
	}
	if second := (span{userinfo.from + colon + 1, userinfo.to}); second.from < second.to {
		made = append(made, second)
	}
	return made
}

// urlFound is a URL with something personal in it, or a query parameter outside of URLs.
type urlFound struct {
	span
	colon int // of ://, 0 for a parameter
}

// findURLs finds web addresses that lead to a person, and secrets in query parameters. Of two that overlap, the one that
// begins first counts.
func findURLs(s *Scanner, r *rule, part span) {
	if len(s.found.schemes) == 0 && len(s.found.assigns) == 0 {
		return
	}
	found, urls := s.personalURLs(part)
	found = s.looseParameters(part, urls, found)
	slices.SortFunc(found, func(x, y urlFound) int { return cmp.Compare(x.from, y.from) })
	taken := part.from
	for _, u := range found {
		if u.from < taken {
			continue
		}
		taken = u.to
		if u.colon > 0 {
			s.emitURL(r, u)
			continue
		}
		s.begin()
		s.replaceTyped(u.span)
		s.commit(r, u.span, s.slice(u.span))
	}
}

// personalURLs returns the URLs with something personal in them, and the places of all URLs.
func (s *Scanner) personalURLs(part span) (found []urlFound, urls []span) {
	from := part.from
	for _, place := range within(s.found.schemes, part) {
		colon := int(place)
		scheme := s.schemeStart(span{from, part.to}, colon)
		if scheme < 0 {
			continue
		}
		from = colon + 3
		scheme = s.knownScheme(scheme, colon)
		if scheme < 0 || s.before(part, scheme, alnum) {
			continue
		}
		from = s.urlEnd(part, colon+3)
		u := urlFound{span{scheme, from}, colon}
		urls = append(urls, u.span)
		if s.planURL(u) {
			found = append(found, u)
		}
	}
	return found, urls
}

// knownScheme returns where a known scheme begins at the end of a longer one, -1 if there is none.
func (s *Scanner) knownScheme(scheme, colon int) int {
	name := strings.ToLower(string(s.text[scheme:colon]))
	if s.rules.tables.schemes[name] {
		return scheme
	}
	for known := range s.rules.tables.schemes {
		if strings.HasSuffix(name, known) {
			if is(s.text[colon-len(known)-1], alnum) {
				return -1
			}
			return colon - len(known)
		}
	}
	return -1
}

// emitURL claims a URL and replaces what is personal in it.
func (s *Scanner) emitURL(r *rule, u urlFound) {
	s.planURL(u)
	url := s.cutURL(u.from, u.colon, u.to)
	s.commitOpen(r, u.span, strings.ToLower(s.slice(url.host)))
}

// planURL plans to replace what is personal in a URL and reports whether there is anything.
func (s *Scanner) planURL(u urlFound) bool {
	url := s.cutURL(u.from, u.colon, u.to)
	personal := s.personalParts(&url)
	web := s.rules.tables.schemes[url.scheme]
	if len(personal) == 0 && (!web || url.host.from >= url.host.to || !s.frontPage(&url)) {
		return false
	}
	host := strings.ToLower(s.slice(url.host))
	s.begin()
	placed := false
	for _, p := range personal {
		if !placed && p.from > url.host.from {
			s.replaceHost(&url, host, web)
			placed = true
		}
		s.replaceTyped(p)
	}
	if !placed {
		s.replaceHost(&url, host, web)
	}
	return len(s.plan) > 0
}

// replaceTyped plans the stand-in of a personal part: an address or a token has the one that it has elsewhere.
func (s *Scanner) replaceTyped(of span) {
	value := s.text[of.from:of.to]
	if at := bytes.IndexByte(value, '@'); at >= 0 {
		if address, ok := s.wholeEmail(of, of.from+at); ok {
			s.replace(of, s.key.Email(address))
			return
		}
	}
	if bytes.HasPrefix(value, []byte("eyJ")) && s.jwtEnd(of, of.from) == of.to {
		s.dotted(of, "eyJ")
		return
	}
	s.replace(of, s.secret(string(value)))
}

// urlEnd returns where a URL ends whose part after :// begins at start; punctuation at the end is not part of it.
func (s *Scanner) urlEnd(part span, start int) int {
	end := start
	for end < part.to && s.text[end] < 0x80 && !urlEnds[s.text[end]] {
		end++
	}
	end = s.beforeNumber(part, start, end)
	for end > start && urlTrailing[s.text[end-1]] {
		switch s.text[end-1] {
		case ')':
			if bytes.IndexByte(s.text[start:end], '(') >= 0 {
				return end
			}
		case ']':
			if bytes.IndexByte(s.text[start:end], '[') >= 0 {
				return end
			}
		}
		end--
	}
	return end
}

// beforeNumber returns the end of a URL without the first digits of a number that goes on behind a blank.
func (s *Scanner) beforeNumber(part span, start, end int) int {
	if end+1 >= part.to || !is(s.text[end], blank) || !is(s.text[end+1], digit) {
		return end
	}
	first := end
	for first > start && end-first < 6 && is(s.text[first-1], digit) {
		first--
	}
	if first == end || first == start || !numberStarts[s.text[first-1]] {
		return end
	}
	return first
}

var numberStarts = classOf("&;,:+(")

var urlEnds, urlTrailing = classOf(" \t\r\n\"'<>\\^`{|}"), classOf(".,;:!?)]*_~")

// find returns the place of a byte in a span, or -1.
func (s *Scanner) find(in span, c byte) int {
	if in.from >= in.to {
		return -1
	}
	if at := bytes.IndexByte(s.text[in.from:in.to], c); at >= 0 {
		return in.from + at
	}
	return -1
}

func (s *Scanner) cutURL(scheme, colon, end int) urlParts {
	start := colon + 3
	u := urlParts{scheme: strings.ToLower(string(s.text[scheme:colon])), end: end, userinfo: none, query: none, fragment: none}
	stop := start
	for stop < end && s.text[stop] != '/' && s.text[stop] != '?' && s.text[stop] != '#' {
		stop++
	}
	u.host = span{start, stop}
	if at := bytes.LastIndexByte(s.text[start:stop], '@'); at >= 0 {
		u.userinfo = span{start, start + at}
		u.host.from = start + at + 1
	}
	if port := bytes.LastIndexByte(s.text[u.host.from:stop], ':'); port >= 0 && s.text[u.host.from] != '[' {
		port += u.host.from
		if s.run(span{port, stop}, port+1, digit) == stop {
			u.host.to = port
			u.port = true
		}
	}
	question, hash := s.find(span{stop, end}, '?'), s.find(span{stop, end}, '#')
	if hash >= 0 && question > hash {
		question = -1
	}
	last := end
	if hash >= 0 {
		u.fragment = span{hash + 1, end}
		last = hash
	}
	if question >= 0 {
		u.query = span{question + 1, last}
		last = question
	}
	u.path = span{stop, last}
	return u
}

// personalParts returns the parts of a URL that lead to a person, in order.
func (s *Scanner) personalParts(u *urlParts) []span {
	var found []span
	if u.userinfo.from >= 0 && u.userinfo.from < u.userinfo.to {
		found = append(found, s.credentials(u.userinfo)...)
	}
	found = s.personalSegments(u.path, found)
	found = s.personalParameters(u.query, found)
	return s.personalParameters(u.fragment, found)
}

func (s *Scanner) personalSegments(path span, found []span) []span {
	people, digests := false, false
	for at := path.from; at < path.to; {
		at++
		end := s.find(span{at, path.to}, '/')
		if end < 0 {
			end = path.to
		}
		segment := strings.ToLower(string(s.text[at:end]))
		switch {
		case digests && isDigest(s.text[at:end]):
		case people && hasAlnum(s.text[at:end]) && !s.rules.tables.notPeople[segment]:
			found = append(found, span{at, end})
		default:
			found = s.randomRuns(span{at, end}, found)
		}
		people, digests = s.rules.tables.people[segment], s.rules.tables.digests[segment]
		at = end
	}
	return found
}

// isDigest reports whether a segment is a digest of public content.
func isDigest(segment []byte) bool {
	segment = bytes.TrimPrefix(segment, []byte("sha256:"))
	if len(segment) != 40 && len(segment) != 64 {
		return false
	}
	for _, c := range segment {
		if !is(c, hexa) || is(c, upper) {
			return false
		}
	}
	return true
}

func (s *Scanner) personalParameters(in span, found []span) []span {
	if in.from < 0 {
		return found
	}
	for at := in.from; at <= in.to; {
		end := at
		for end < in.to && s.text[end] != '&' && s.text[end] != ';' {
			end++
		}
		value := span{at, end}
		name := ""
		if equals := s.find(value, '='); equals >= 0 {
			name = strings.ToLower(string(s.text[at:equals]))
			value.from = equals + 1
		}
		if s.rules.tables.secretNames[name] && hasAlnum(s.text[value.from:value.to]) {
			found = append(found, value)
		} else {
			found = s.randomRuns(value, found)
		}
		at = end + 1
	}
	return found
}

func hasAlnum(text []byte) bool {
	for _, c := range text {
		if is(c, alnum) {
			return true
		}
	}
	return false
}

const minRandom = 20

// randomRuns appends the long runs that look made by a machine for one person, and not like words.
func (s *Scanner) randomRuns(in span, found []span) []span {
	for at := in.from; at < in.to; {
		end := s.run(in, at, tokens)
		if end-at >= minRandom && random(s.text[at:end]) && !isUUID(s.text[at:end]) {
			found = append(found, span{at, end})
		}
		at = end + 1
	}
	return found
}

// isUUID reports whether a run names a thing, and opens nothing.
func isUUID(run []byte) bool {
	if len(run) != 36 {
		return false
	}
	for i, c := range run {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !is(c, hexa) {
			return false
		}
	}
	return true
}

func random(run []byte) bool {
	pieces := 0
	var all uint16
	for at := 0; at <= len(run); {
		end := at
		var seen uint16
		for end < len(run) && run[end] != '_' && run[end] != '-' {
			seen |= classes[run[end]]
			end++
		}
		if end-at >= 4 && seen&digit != 0 && seen&letter != 0 {
			return true
		}
		all |= seen
		pieces++
		at = end + 1
	}
	return pieces == 1 && all&lower != 0 && all&upper != 0
}

// frontPage reports whether a URL is only somebody's host name.
func (s *Scanner) frontPage(u *urlParts) bool {
	if u.scheme != "http" && u.scheme != "https" || u.userinfo.from >= 0 || u.query.from >= 0 || u.fragment.from >= 0 || u.port ||
		u.path.to-u.path.from > 1 {
		return false
	}
	labels := strings.Split(strings.ToLower(s.slice(u.host)), ".")
	for _, label := range labels {
		if label == "" || !only(label, alnum|dash) {
			return false
		}
	}
	n := len(labels)
	if !only(labels[n-1], letter) {
		return false
	}
	if labels[0] == "www" {
		n--
		if n != 2 && n != 3 {
			return false
		}
	} else if n != 2 {
		return false
	}
	return !s.rules.tables.sites[strings.Join(labels[len(labels)-2:], ".")]
}

func only(text string, class uint16) bool {
	for i := range len(text) {
		if !is(text[i], class) {
			return false
		}
	}
	return true
}

// replaceHost plans the stand-in of a host; outside of the web only addresses have one.
func (s *Scanner) replaceHost(u *urlParts, host string, web bool) {
	if host == "" || host[0] == '[' || !strings.Contains(host, ".") {
		return
	}
	if strings.Trim(host, "0123456789.") == "" {
		var octets [4]int
		if s.quad(u.host, u.host.from, &octets) == u.host.to && personalIPv4(octets) {
			s.replace(u.host, s.key.IPv4(dotted(octets)))
		}
		return
	}
	if web && !ownDomain(s.slice(u.host)) {
		s.replace(u.host, s.key.Domain(host))
	}
}

// looseParameters appends the query parameters outside of URLs that hold secrets.
func (s *Scanner) looseParameters(part span, urls []span, found []urlFound) []urlFound {
	from := part.from
	for _, place := range within(s.found.assigns, part) {
		equals := int(place)
		if equals < from || s.text[equals] != '=' {
			continue
		}
		name := equals
		for name > from && is(s.text[name-1], tokens|dot) {
			name--
		}
		if name == equals || equals-name > 40 || name == from || s.text[name-1] != '?' && s.text[name-1] != '&' && s.text[name-1] != ';' {
			continue
		}
		end := equals + 1
		for end < part.to && !parameterEnds[s.text[end]] {
			end++
		}
		if end-equals-1 < 6 {
			continue
		}
		from = end
		value := span{equals + 1, end}
		if !s.rules.tables.looseNames[strings.ToLower(string(s.text[name:equals]))] || !hasAlnum(s.text[value.from:end]) || inside(urls, value.from) {
			continue
		}
		found = append(found, urlFound{value, 0})
	}
	return found
}

var parameterEnds = classOf(" \t\r\n\"'<>&;#\\")

func inside(spans []span, i int) bool {
	for _, in := range spans {
		if in.from <= i && i < in.to {
			return true
		}
	}
	return false
}
