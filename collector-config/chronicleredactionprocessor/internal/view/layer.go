// Package view decodes a text, layer by layer, into the bytes that rules look at, and takes edits back down.
//
//	text ──escapes──► layer ──percent──► layer ──entities──► layer ──fold──► view
//	text ◄── escaped ── edit ◄─────────────────────────────────────────────── edit
//
// A layer remembers only where it differs from the one below: between its marks, bytes stand one for one.
package view

// Kind tells how new bytes are written into the layer below.
type Kind uint8

// The kinds of layers.
const (
	JSONString Kind = iota // the content of a string of a document: new bytes are always escaped
	JSONText               // JSON escapes in running text: new bytes are escaped where the old ones were
	Percent
	Entities
	Fold
)

// mark says that Out[out:out+outLen] came from source[src:src+srcLen]; outLen is 0 where something was removed.
type mark struct {
	out, src       int32
	outLen, srcLen int32
}

// Layer is a decoded text.
type Layer struct {
	Kind  Kind
	Out   []byte
	marks []mark
}

func (l *Layer) reset(kind Kind) {
	l.Kind = kind
	l.Out = l.Out[:0]
	l.marks = l.marks[:0]
}

// put appends decoded bytes that came from source[src:src+srcLen].
func (l *Layer) put(src, srcLen int, decoded ...byte) {
	l.marks = append(l.marks, mark{int32(len(l.Out)), int32(src), int32(len(decoded)), int32(srcLen)})
	l.Out = append(l.Out, decoded...)
}

// find returns the index of the last mark that begins at or before unit i and is not empty there, or -1.
func (l *Layer) find(i int32) int {
	low, high := 0, len(l.marks)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if l.marks[middle].out <= i {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low - 1
}

// source returns the range that unit i came from, and whether that was an escape.
func (l *Layer) source(i int32) (start, end int32, escaped bool) {
	at := l.find(i)
	if at < 0 {
		return i, i + 1, false
	}
	m := l.marks[at]
	if i < m.out+m.outLen {
		return m.src, m.src + m.srcLen, true
	}
	start = m.src + m.srcLen + i - m.out - m.outLen
	return start, start + 1, false
}

// down turns an edit on this layer into one on the layer below.
func (l *Layer) down(e Edit) Edit {
	if len(l.marks) == 0 && l.Kind != JSONString {
		return e
	}
	start, firstEnd, touched := l.source(e.Start)
	end := firstEnd
	if e.End > e.Start+1 {
		var escaped bool
		_, end, escaped = l.source(e.End - 1)
		touched = touched || escaped || l.marked(e.Start, e.End)
	} else if e.End == e.Start { // an insertion stands before its unit
		end = start
		touched = false
	}
	return Edit{Start: start, End: end, New: l.escape(e.New, touched)}
}

// marked reports whether any unit of a range came from an escape.
func (l *Layer) marked(start, end int32) bool {
	for at := max(l.find(start), 0); at < len(l.marks) && l.marks[at].out < end; at++ {
		m := l.marks[at]
		if m.outLen > 0 && m.out+m.outLen > start {
			return true
		}
	}
	return false
}

// Edit replaces the units from Start to End by New.
type Edit struct {
	Start, End int32
	New        string
}

// Down takes edits on the uppermost layer to the text below the lowest, in order. Edits of one range join.
func Down(layers []Layer, edits []Edit) []Edit {
	for i := len(layers) - 1; i >= 0; i-- {
		layer := &layers[i]
		kept := edits[:0]
		for _, e := range edits {
			e = layer.down(e)
			if n := len(kept); n > 0 && e.Start < kept[n-1].End {
				kept[n-1].New += e.New
				kept[n-1].End = max(kept[n-1].End, e.End)
				continue
			}
			kept = append(kept, e)
		}
		edits = kept
	}
	return edits
}

// Apply returns the text with its edits made.
func Apply(text []byte, edits []Edit) []byte {
	size := len(text)
	for _, e := range edits {
		size += len(e.New) - int(e.End-e.Start)
	}
	out := make([]byte, 0, size)
	at := int32(0)
	for _, e := range edits {
		out = append(out, text[at:e.Start]...)
		out = append(out, e.New...)
		at = e.End
	}
	return append(out, text[at:]...)
}
