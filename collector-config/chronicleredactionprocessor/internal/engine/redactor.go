// Package engine redacts texts and JSON payloads.
//
//	payload ──lex──► strings, names, numbers ──layers──► views ──detect──► edits ──► only changed tokens are written again
//	   text ─────────────────────────────────────┘
package engine

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/detect"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/jsonlex"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/policy"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/pseudonym"
	"github.com/chronicle-otel/chronicle-otel/collector-config/chronicleredactionprocessor/internal/view"
)

// Redactor replaces what is private by values of the same type, under one policy and one tenant's key. It holds no
// state between values and is safe for concurrent use.
type Redactor struct {
	policy  *policy.Policy
	rules   *detect.Rules
	key     *pseudonym.Key
	workers sync.Pool
}

// New makes a redactor. Rules are a policy compiled by detect.Compile; tenants share them.
func New(p *policy.Policy, rules *detect.Rules, master []byte, tenant string) (*Redactor, error) {
	key, err := pseudonym.NewKey(master, tenant)
	if err != nil {
		return nil, err
	}
	r := &Redactor{policy: p, rules: rules, key: key}
	r.workers.New = func() any { return newWorker(r) }
	return r, nil
}

// CheckValue tells whether two redactors hold the same key, and nothing about it.
func (r *Redactor) CheckValue() string { return r.key.CheckValue() }

// Options say what is known about a payload beside its text.
type Options struct {
	Name   string // of the attribute that holds it
	Cut    bool   // its end is known to be missing
	Stream bool   // it is a recorded stream
}

// Text redacts a text that stands under a name.
func (r *Redactor) Text(text, name string, tally *detect.Tally) string {
	if text == "" {
		return text
	}
	w := r.workers.Get().(*worker)
	defer r.workers.Put(w)
	opaque := func(string) string { return r.rules.StandIn }
	return w.value(text, tally, opaque, func(data []byte) []view.Edit { return w.text(data, w.names.Name(name), 0) })
}

// Payload redacts a JSON payload; only changed tokens are written again.
func (r *Redactor) Payload(text string, options Options, tally *detect.Tally) string {
	if text == "" {
		return text
	}
	w := r.workers.Get().(*worker)
	defer r.workers.Put(w)
	opaque := func(why string) string { return r.OpaquePayload(why, len(text)) }
	return w.value(text, tally, opaque, func(data []byte) []view.Edit { return w.payload(data, options) })
}

// Number redacts the text of a number that stands under a name.
func (r *Redactor) Number(text, name string, tally *detect.Tally) string {
	w := r.workers.Get().(*worker)
	defer r.workers.Put(w)
	made, changed := w.names.Number([]byte(text), w.names.Name(name), tally)
	if !changed {
		return text
	}
	return made
}

// Taken reports whether a key rule takes whatever stands under a name.
func (r *Redactor) Taken(name string) bool {
	w := r.workers.Get().(*worker)
	defer r.workers.Put(w)
	return w.names.Name(name).Key != nil
}

// OpaqueText is what comes in place of a text that cannot be judged.
func (r *Redactor) OpaqueText() string { return r.rules.StandIn }

// OpaquePayload is what comes in place of a payload that cannot be judged.
func (r *Redactor) OpaquePayload(why string, size int) string {
	if r.policy.OnLimit == "drop" {
		return "{}"
	}
	return OpaqueMarker(why, size)
}

// OpaqueMarker is the JSON object that stands for what was taken out.
func OpaqueMarker(why string, size int) string {
	return fmt.Sprintf(`{"$chronicle.opaque":{"why":"%s","size":%d}}`, why, size)
}

// worker holds the memory for one value at a time.
type worker struct {
	redactor *Redactor
	limits   *policy.Limits
	names    *detect.Scanner // also the first of the scanners
	scanners []*detect.Scanner
	stacks   []*view.Stack
	lexed    []*jsonlex.Document
	tally    *detect.Tally
}

func newWorker(r *Redactor) *worker {
	return &worker{redactor: r, limits: &r.policy.Limits, names: detect.NewScanner(r.rules, r.key), tally: detect.NewTally()}
}

// value redacts one value within the limits of the policy; over them it becomes an opaque stand-in, and so it does
// where something goes wrong that nobody thought of.
func (w *worker) value(text string, tally *detect.Tally, opaque func(why string) string, redact func([]byte) []view.Edit) (out string) {
	fail := func(why string) string {
		tally.AddOpaque(why)
		return opaque(why)
	}
	defer func() {
		if failure := recover(); failure != nil {
			*w = *newWorker(w.redactor) // whatever state it was in
			out = fail("error")
		}
	}()
	tally.Bytes += int64(len(text))
	if len(text) > w.limits.ValueBytes {
		return fail("size")
	}
	w.tally.Reset()
	data := unsafe.Slice(unsafe.StringData(text), len(text)) // read only: edits make a new text
	edits := redact(data)
	if w.tally.Matches > w.limits.Matches {
		return fail("matches")
	}
	tally.Merge(w.tally)
	if len(edits) == 0 {
		return text
	}
	return string(view.Apply(data, edits))
}

func (w *worker) payload(data []byte, options Options) []view.Edit {
	document := w.lex()
	defer w.unlex(document)
	name := w.names.Name(options.Name)
	if jsonlex.Lex(data, document) {
		return w.document(data, document, name, 0, options.Stream)
	}
	if first := firstByte(data); first == '{' || first == '[' || options.Cut && data[0] == '"' {
		return w.broken(data, document, name, options.Cut)
	}
	return w.text(data, name, 0)
}

func firstByte(data []byte) byte {
	for _, c := range data {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
	}
	return 0
}
