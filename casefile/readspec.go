package casefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// maxFaults is after how many faults a file is not looked at any further.
const maxFaults = 100

// ReadSpec reads a case.yaml, called name in messages. The error joins all
// that is wrong with it, each as name:line:column: what, and what to do.
func ReadSpec(name string, in io.Reader) (Spec, error) {
	var spec Spec
	text, err := io.ReadAll(io.LimitReader(in, maxSpec+1))
	if err != nil {
		return spec, fmt.Errorf("read %s: %w", name, err)
	}
	if len(text) > maxSpec {
		return spec, fmt.Errorf("%s: longer than %d bytes; hostkin writes no such case", name, maxSpec)
	}
	r := &specReader{name: name}
	root := r.parse(text)
	if root == nil {
		return spec, errors.Join(r.faults...)
	}
	if !r.upgrade(root) {
		return spec, errors.Join(r.faults...)
	}
	r.spec(root, &spec)
	return spec, errors.Join(r.faults...)
}

type specReader struct {
	name   string
	faults []error
}

func (r *specReader) fault(at *yaml.Node, format string, args ...any) {
	if len(r.faults) < maxFaults {
		r.faults = append(r.faults, fmt.Errorf("%s:%d:%d: %s", r.name, max(at.Line, 1), max(at.Column, 1), fmt.Sprintf(format, args...)))
	}
}

// parse is the mapping at the top, or nil after a fault.
func (r *specReader) parse(text []byte) *yaml.Node {
	start := &yaml.Node{Line: 1, Column: 1}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var root, second yaml.Node
	if err := d.Decode(&root); errors.Is(err, io.EOF) {
		r.fault(start, "empty; a case begins with schema: %s", Schema)
		return nil
	} else if err != nil {
		what := strings.TrimPrefix(err.Error(), "yaml: ")
		if rest, ok := strings.CutPrefix(what, "line "); ok {
			if number, message, ok := strings.Cut(rest, ": "); ok {
				if line, err := strconv.Atoi(number); err == nil {
					start.Line, what = line, message
				}
			}
		}
		r.fault(start, "no YAML: %s", what)
		return nil
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		r.fault(start, "more than one document; remove the line of ---")
		return nil
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		r.fault(start, "no mapping; a case begins with schema: %s", Schema)
		return nil
	}
	return root.Content[0]
}

// key is a key of a mapping: how its value is read, and whether it must be there.
type key struct {
	name string
	must bool
	read func(v *yaml.Node)
}

func (r *specReader) spec(root *yaml.Node, s *Spec) {
	r.mapping(root, "", []key{
		{"schema", true, r.text(&s.Schema)},
		{"name", true, r.text(&s.Name)},
		{"why", false, r.text(&s.Why)},
		{"who", false, r.text(&s.Who)},
		{"contact", false, r.text(&s.Contact)},
		{"created", true, r.moment(&s.Created)},
		{"hostkin", true, r.text(&s.Hostkin)},
		{"seeds", false, r.list(&s.Seeds)},
		{"ranges", false, r.list(&s.Ranges)},
		{"lists", false, r.list(&s.Lists)},
		{"exclusions", false, r.list(&s.Exclusions)},
		{"exclusion_lists", false, r.list(&s.ExclusionLists)},
		{"ports", false, r.text(&s.Ports)},
		{"order_key", true, number(r, &s.OrderKey, parseUint)},
		{"targets", true, func(v *yaml.Node) {
			r.mapping(v, "targets.", []key{
				{"count", true, number(r, &s.Targets.Count, parseUint)},
				{"sha256", true, r.digest(&s.Targets.SHA256)},
			})
		}},
		{"probes", true, func(v *yaml.Node) {
			r.mapping(v, "probes.", []key{
				{"allow_special", true, r.yesNo(&s.Probes.AllowSpecial)},
				{"odd", true, r.yesNo(&s.Probes.Odd)},
				{"jarm", true, r.yesNo(&s.Probes.JARM)},
			})
		}},
		{"rates", true, func(v *yaml.Node) {
			r.mapping(v, "rates.", []key{
				{"workers", true, number(r, &s.Rates.Workers, parseCount)},
				{"rate", true, number(r, &s.Rates.Rate, parseRate)},
				{"per_host", true, number(r, &s.Rates.PerHost, parseCount)},
				{"per_net", true, number(r, &s.Rates.PerNet, parseRate)},
				{"timeout", true, r.duration(&s.Rates.Timeout)},
			})
		}},
	})
}

// mapping reads exactly the given keys.
func (r *specReader) mapping(node *yaml.Node, prefix string, keys []key) {
	if node.Kind != yaml.MappingNode {
		r.fault(node, "%s is no mapping%s", strings.TrimSuffix(prefix, "."), aliasHint(node))
		return
	}
	given := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		k, v := node.Content[i], node.Content[i+1]
		known := slices.IndexFunc(keys, func(want key) bool { return want.name == k.Value })
		switch {
		case k.Kind != yaml.ScalarNode || known < 0:
			r.fault(k, "unknown key %.80q; %s", prefix+k.Value, among(keys))
		case given[k.Value] != nil:
			r.fault(k, "%s stands twice (first in line %d); remove one", prefix+k.Value, given[k.Value].Line)
		default:
			given[k.Value] = k
			keys[known].read(v)
		}
	}
	for _, k := range keys {
		if k.must && given[k.name] == nil {
			r.fault(node, "no %s; hostkin writes it into every case: take the file from a copy", prefix+k.name)
		}
	}
}

func among(keys []key) string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return "the keys are " + strings.Join(names, ", ")
}

func (r *specReader) scalar(v *yaml.Node, want string) bool {
	switch {
	case v.Kind != yaml.ScalarNode || v.Tag == "!!null":
		r.fault(v, "not %s%s", want, aliasHint(v))
	case len(v.Value) > maxSpecText:
		r.fault(v, "%d bytes; a value has at most %d", len(v.Value), maxSpecText)
	default:
		return true
	}
	return false
}

func (r *specReader) text(to *string) func(*yaml.Node) {
	return func(v *yaml.Node) {
		if !r.scalar(v, "a text") {
			return
		}
		if v.Tag != "!!str" {
			r.fault(v, "no text for YAML but %s; put it in quotes", strings.TrimPrefix(v.Tag, "!!"))
			return
		}
		*to = v.Value
	}
}

func (r *specReader) list(to *[]string) func(*yaml.Node) {
	return func(v *yaml.Node) {
		if v.Kind != yaml.SequenceNode {
			r.fault(v, "no list%s; write [a, b]", aliasHint(v))
			return
		}
		if len(v.Content) > maxSpecList {
			r.fault(v, "%d elements; a list has at most %d", len(v.Content), maxSpecList)
			return
		}
		*to = make([]string, len(v.Content))
		for i, element := range v.Content {
			r.text(&(*to)[i])(element)
		}
	}
}

func (r *specReader) moment(to *time.Time) func(*yaml.Node) {
	return func(v *yaml.Node) {
		if !r.scalar(v, "a time") {
			return
		}
		at, err := time.Parse(time.RFC3339, v.Value)
		if err != nil {
			r.fault(v, "%.80q is no time; write it like 2026-11-25T09:00:00Z", v.Value)
		}
		*to = at.UTC()
	}
}

func (r *specReader) duration(to *string) func(*yaml.Node) {
	return func(v *yaml.Node) {
		r.text(to)(v)
		if d, err := time.ParseDuration(v.Value); err != nil || d < 0 {
			r.fault(v, "%.80q is no duration; write it like 5s", v.Value)
		}
	}
}

func (r *specReader) digest(to *string) func(*yaml.Node) {
	return func(v *yaml.Node) {
		r.text(to)(v)
		if len(v.Value) != 64 || strings.Trim(v.Value, "0123456789abcdef") != "" {
			r.fault(v, "%.80q is no SHA-256; it has 64 digits 0-9 a-f", v.Value)
		}
	}
}

func (r *specReader) yesNo(to *bool) func(*yaml.Node) {
	return func(v *yaml.Node) {
		if v.Kind != yaml.ScalarNode || v.Value != "true" && v.Value != "false" {
			r.fault(v, "%.80q is neither true nor false%s", v.Value, aliasHint(v))
			return
		}
		*to = v.Value == "true"
	}
}

// number reads a number that YAML takes for one.
func number[T any](r *specReader, to *T, parse func(string) (T, error)) func(*yaml.Node) {
	return func(v *yaml.Node) {
		if !r.scalar(v, "a number") {
			return
		}
		n, err := parse(v.Value)
		if err != nil || v.Tag != "!!int" && v.Tag != "!!float" {
			r.fault(v, "%.80q is no number that can stand here; it must not be negative", v.Value)
			return
		}
		*to = n
	}
}

func parseUint(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }

func parseCount(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err
}

func parseRate(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && !(f >= 0 && f <= 1e12) {
		err = strconv.ErrRange
	}
	return f, err
}

func aliasHint(v *yaml.Node) string {
	if v.Kind == yaml.AliasNode {
		return " (aliases are not followed: write it out)"
	}
	return ""
}
