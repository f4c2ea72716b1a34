package detect

import (
	"bytes"
	"strings"
)

const (
	nameReach = 64 // bytes before a candidate in which its name is looked for
	wordReach = 48 // bytes before a candidate in which a word can hint
)

// hinted reports whether a name above, the name before or a word shortly before a candidate hints at a subject.
func (s *Scanner) hinted(subject string, part span, at int) bool {
	return s.context.hints[subject] || s.nameBefore(part, at).hints[subject] || s.wordBefore(subject, part, at)
}

// named reports whether the name before a place, or the word that only blanks part from it, hints at a subject.
func (s *Scanner) named(subject string, part span, at int) bool {
	return s.nameBefore(part, at).hints[subject] || s.nameBeforeBlank(part, at).hints[subject]
}

// numbered reports whether the word directly before a place says that a number of another kind follows.
func (s *Scanner) numbered(subject string, part span, at int) bool {
	return !s.context.hints[subject] && s.nameBeforeBlank(part, at).vetoes[subject]
}

// vetoed reports whether a name speaks against a subject and nothing hints at it.
func (s *Scanner) vetoed(subject string, part span, at int) bool {
	before := s.nameBefore(part, at)
	against := s.context.vetoes[subject] || before.vetoes[subject]
	if !against && subject == "ipv4" {
		against = s.nameBeforeBlank(part, at).vetoes[subject]
	}
	return against && !s.hinted(subject, part, at)
}

// nameBefore returns the name directly before a place, one of `:=#` between them.
func (s *Scanner) nameBefore(part span, at int) *Name {
	floor := max(part.from, at-nameReach)
	i := at
	for i > floor && opens[s.text[i-1]] {
		i--
	}
	if i == floor || s.text[i-1] != ':' && s.text[i-1] != '=' && s.text[i-1] != '#' {
		return NoName
	}
	i--
	for i > floor && closes[s.text[i-1]] {
		i--
	}
	return s.nameEnding(floor, i)
}

// nameBeforeBlank returns the word before a place where only quotes, closing brackets, a blank, and then quotes and
// opening brackets stand between.
func (s *Scanner) nameBeforeBlank(part span, at int) *Name {
	if of := s.wordBeforeBlank(part, at); of.from < of.to {
		return s.NameOf(s.text[of.from:of.to])
	}
	return NoName
}

// wordBeforeBlank returns where that word stands, nothing if there is none.
func (s *Scanner) wordBeforeBlank(part span, at int) span {
	floor := max(part.from, at-nameReach)
	i := at
	for i > floor && (opens[s.text[i-1]] || closes[s.text[i-1]]) {
		i--
	}
	between := s.text[i:at]
	closed := bytes.LastIndexByte(between, ')')
	opened := bytes.IndexByte(between, '(')
	if opened < 0 {
		opened = len(between)
	}
	if closed+1 > opened || bytes.IndexByte(between[closed+1:opened], ' ') < 0 {
		return span{}
	}
	return s.wordEnding(floor, i)
}

// nameEnding returns the name whose last byte stands before i.
func (s *Scanner) nameEnding(floor, i int) *Name {
	if of := s.wordEnding(floor, i); of.from < of.to {
		return s.NameOf(s.text[of.from:of.to])
	}
	return NoName
}

// wordEnding returns where the word stands whose last byte stands before i, from its first letter on.
func (s *Scanner) wordEnding(floor, i int) span {
	end := i
	for i > floor && is(s.text[i-1], tokens|dot) {
		i--
	}
	for i < end && !is(s.text[i], letter) {
		i++
	}
	return span{i, end}
}

var opens, closes = classOf(`"'\ (`), classOf(`"'\ )`)

func classOf(bytes string) (class [256]bool) {
	for i := range len(bytes) {
		class[bytes[i]] = true
	}
	return class
}

// words are what hints in running text, by their first letters and digits.
type words map[string][]hintWord

type hintWord struct {
	text     string
	subjects map[string]bool
}

func (w words) add(subject string, listed []string) {
	for _, text := range listed {
		text = strings.ToLower(foldedText(text))
		head := firstWord(text)
		if head == "" {
			continue
		}
		w.insert(head, text, subject)
	}
}

func (w words) insert(head, text, subject string) {
	for i := range w[head] {
		if w[head][i].text == text {
			w[head][i].subjects[subject] = true
			return
		}
	}
	w[head] = append(w[head], hintWord{text, map[string]bool{subject: true}})
}

func firstWord(text string) string {
	end := 0
	for end < len(text) && is(text[end], alnum) {
		end++
	}
	return text[:end]
}

// wordBefore reports whether a word that hints at a subject stands, whole, shortly before a place.
func (s *Scanner) wordBefore(subject string, part span, at int) bool {
	if !s.rules.hasWords[subject] {
		return false
	}
	floor := s.wordFloor(part, at)
	var buffer [wordReach]byte
	window := buffer[:copy(buffer[:], s.text[floor:at])]
	for i, c := range window {
		window[i] = lowered(c)
	}
	for i := 0; i < len(window); {
		if !is(window[i], alnum) {
			i++
			continue
		}
		end := i
		for end < len(window) && is(window[end], alnum) {
			end++
		}
		if !s.joinedBefore(part, floor+i) {
			for _, candidate := range s.rules.words[string(window[i:end])] {
				if candidate.subjects[subject] && wholeWord(window[i:], candidate.text) {
					return true
				}
			}
		}
		i = end
	}
	return false
}

// wordFloor returns where the words begin that may hint at a candidate: on its line, and where it is assigned to a name,
// no further back than that name.
func (s *Scanner) wordFloor(part span, at int) int {
	floor := max(part.from, at-wordReach)
	if line := bytes.LastIndexByte(s.text[floor:at], '\n'); line >= 0 && s.run(part, floor+line, blank) < at {
		floor += line
	}
	i := at
	for i > floor && opens[s.text[i-1]] {
		i--
	}
	if i == floor || s.text[i-1] != '=' && s.text[i-1] != '#' {
		return floor
	}
	i--
	for i > floor && closes[s.text[i-1]] {
		i--
	}
	for i > floor && is(s.text[i-1], tokens|dot) {
		i--
	}
	return i
}

// joinedBefore reports whether what stands before a place makes it part of a longer word, name or path.
func (s *Scanner) joinedBefore(part span, i int) bool {
	c := s.byteAt(part, i-1)
	return is(c, tokens|dot) || c == '@' || c == '/'
}

// wholeWord reports whether a window begins with a word that does not go on after it.
func wholeWord(window []byte, text string) bool {
	if !bytes.HasPrefix(window, []byte(text)) {
		return false
	}
	rest := window[len(text):]
	if len(rest) == 0 {
		return true
	}
	return !is(rest[0], word) && (rest[0] != '.' && rest[0] != '-' || len(rest) == 1 || !is(rest[1], letter))
}
