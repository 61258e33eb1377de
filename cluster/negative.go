package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/fingerprints/value"
)

// The bounds of a negative list. What YAML makes of a text may be hundreds of
// times as large, so entries are read one by one.
const (
	maxNegativeBytes = 8 << 20
	maxNegative      = 200_000 // entries
	maxEntry         = 64 << 10
	maxWhy           = 500 // bytes
	maxFaults        = 100 // after which reading ends
)

// Negative is a value that links nobody: whoever installs a package or uses a
// public service has it, or its key has leaked.
type Negative struct {
	Kind    fingerprints.Kind
	Value   string    // as fingerprints give it
	Why     string    // shown to people
	Expires time.Time // the day, in UTC, from which the entry no longer counts; zero: never
}

// ReadNegative reads a YAML list of {kind, value, why, expires}; see
// docs/formats.md. Entries that have expired at now are checked and left out.
// The error joins all that is wrong, each as name:line:column: what, and what to do.
func ReadNegative(name string, r io.Reader, now time.Time) ([]Negative, error) {
	kinds, err := loadKinds()
	if err != nil {
		return nil, err
	}
	return readNegative(name, r, now, kinds)
}

func readNegative(name string, in io.Reader, now time.Time, kinds map[fingerprints.Kind]*kindInfo) ([]Negative, error) {
	r := negativeReader{name: name, now: now, kinds: kinds, seen: map[feature]int{}}
	text, err := io.ReadAll(io.LimitReader(in, maxNegativeBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read negative list %s: %w", name, err)
	}
	if len(text) > maxNegativeBytes {
		return nil, fmt.Errorf("%s: longer than %d bytes; split the list", name, maxNegativeBytes)
	}
	var part []byte
	first, line := 1, 0
	for next := range bytes.Lines(text) {
		line++
		if bytes.HasPrefix(next, []byte("- ")) {
			r.part(part, first)
			part, first = nil, line
		}
		part = append(part, next...)
		if len(r.faults) >= maxFaults {
			return nil, errors.Join(append(r.faults, fmt.Errorf("%s: too many faults; what follows was not read", name))...)
		}
	}
	r.part(part, first)
	if len(r.faults) > 0 {
		return nil, errors.Join(r.faults...)
	}
	return r.out, nil
}

// negativeReader gathers the entries of a list and what is wrong with it.
type negativeReader struct {
	name   string
	now    time.Time
	kinds  map[fingerprints.Kind]*kindInfo
	before int             // lines before the part
	seen   map[feature]int // line
	out    []Negative
	faults []error
}

func (r *negativeReader) fault(at *yaml.Node, format string, args ...any) {
	if len(r.faults) < maxFaults {
		r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: %s", r.name, at.Line+r.before, at.Column, fmt.Sprintf(format, args...)))
	}
}

// part reads the lines of one entry, or those before the first.
func (r *negativeReader) part(text []byte, first int) {
	r.before = first - 1
	start := &yaml.Node{Line: 1, Column: 1}
	if len(text) > maxEntry {
		r.fault(start, "%d bytes; an entry has at most %d: begin each at the start of a line with \"- kind: ...\"", len(text), maxEntry)
		return
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var root, second yaml.Node
	if err := d.Decode(&root); errors.Is(err, io.EOF) {
		return // nothing but comments
	} else if err != nil {
		what := strings.TrimPrefix(err.Error(), "yaml: ")
		if strings.HasPrefix(what, "line ") { // counted from the start of the part
			_, what, _ = strings.Cut(what, ": ")
		}
		r.fault(start, "what begins here is no YAML: %s", what)
		return
	}
	r.list(root.Content[0])
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		r.fault(start, "a document ends after this; a file holds one list: remove the line of ---")
	}
}

func (r *negativeReader) list(node *yaml.Node) {
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
		return
	case node.Kind != yaml.SequenceNode:
		r.fault(node, "not a list; begin each entry with \"- kind: ...\"")
		return
	}
	for _, entry := range node.Content {
		n, ok := r.entry(entry)
		switch {
		case ok && len(r.seen) > maxNegative:
			r.fault(entry, "more than %d entries; split the list", maxNegative)
			return
		case ok && (n.Expires.IsZero() || r.now.Before(n.Expires)):
			r.out = append(r.out, n)
		}
	}
}

// entry reads one entry; ok is false if anything in it is wrong.
func (r *negativeReader) entry(node *yaml.Node) (n Negative, ok bool) {
	before := len(r.faults)
	if node.Kind != yaml.MappingNode {
		r.fault(node, "not an entry%s; write {kind: ..., value: ..., why: ...}", aliasHint(node))
		return n, false
	}
	given := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, v := node.Content[i], node.Content[i+1]
		switch {
		case !slices.Contains([]string{"kind", "value", "why", "expires"}, key.Value):
			r.fault(key, "unknown key %q; the keys are kind, value, why and expires", cut(key.Value))
		case given[key.Value] != nil:
			r.fault(key, "%s stands twice in one entry (first in line %d); remove one", key.Value, r.before+given[key.Value].Line)
		default:
			given[key.Value] = v
		}
	}
	kind := r.text(node, given["kind"], "kind", "say which fingerprint, for example cert.spki", value.Max)
	n.Kind = fingerprints.Kind(kind)
	n.Value = r.text(node, given["value"], "value", "give it as hostkin fingerprint prints it", value.Max)
	n.Why = r.text(node, given["why"], "why", "say who has this value, and the source", maxWhy)
	if v := given["expires"]; v != nil {
		n.Expires = r.day(v)
	}
	if kind != "" && r.kinds[n.Kind] == nil {
		r.fault(given["kind"], "unknown kind %q; docs/signatures.md lists them", cut(kind))
	}
	if f := (feature{n.Kind, n.Value}); n.Value != "" && r.seen[f] != 0 {
		r.fault(node, "%s %q stands in line %d already; remove one", f.kind, cut(f.value), r.seen[f])
	} else {
		r.seen[f] = r.before + node.Line
	}
	return n, len(r.faults) == before
}

// text is the string of a key that must be there, "" after a fault.
func (r *negativeReader) text(entry, v *yaml.Node, key, hint string, most int) string {
	switch {
	case v == nil:
		r.fault(entry, "no %s; %s", key, hint)
	case v.Kind != yaml.ScalarNode:
		r.fault(v, "%s is not a string%s; %s", key, aliasHint(v), hint)
	case v.Value == "" || v.Tag == "!!null":
		r.fault(v, "%s is empty; %s", key, hint)
	case v.Tag != "!!str":
		r.fault(v, "%s is no string for YAML but %q; put it in quotes", key, strings.TrimPrefix(v.Tag, "!!"))
	case len(v.Value) > most:
		r.fault(v, "%s has %d bytes; at most %d are taken", key, len(v.Value), most)
	default:
		return v.Value
	}
	return ""
}

func (r *negativeReader) day(v *yaml.Node) time.Time {
	day, err := time.Parse(time.DateOnly, v.Value)
	if v.Kind != yaml.ScalarNode || err != nil {
		r.fault(v, "expires is %q, no day%s; write it like 2027-06-30", cut(v.Value), aliasHint(v))
	}
	return day
}

func aliasHint(v *yaml.Node) string {
	if v.Kind == yaml.AliasNode {
		return " (aliases are not followed: write it out)"
	}
	return ""
}

// cut shortens what a message repeats.
func cut(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// AddNegative puts values on the stock list. What is said of a value later
// takes the place of what was said before.
func (t *Table) AddNegative(list []Negative) {
	for _, n := range list {
		t.addStock(n.Kind, n.Value, n.Why)
	}
	t.indexStock()
}
