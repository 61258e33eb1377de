package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/fingerprints/value"
)

func readList(text string) ([]Negative, error) {
	return ReadNegative("list", strings.NewReader(text), time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC))
}

func TestReadNegative(t *testing.T) {
	got, err := readList(`# ours
- {kind: ssh.host_key, value: "SHA256:a", why: 'golden image of a customer'}
- kind: http.title
  value: '403'
  why: a status code's words
  expires: 2027-01-02
- {kind: http.title, value: gone, why: past, expires: 2027-01-01}
- {kind: http.title, value: gone before, why: past, expires: "2026-12-31"}
`)
	want := []Negative{
		{Kind: "ssh.host_key", Value: "SHA256:a", Why: "golden image of a customer"},
		{Kind: "http.title", Value: "403", Why: "a status code's words", Expires: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, empty := range []string{"", "# only words\n", "---\n", "[]", "~"} {
		if got, err := readList(empty); err != nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", empty, got, err)
		}
	}
}

// Every fault is told, with its place and what to do; none lets a list pass.
func TestNegativeFaults(t *testing.T) {
	for text, want := range map[string][]string{
		"- {kind: jarm}":                                                     {"1:3: no value; give it as", "1:3: no why; say who"},
		"- {kind: jram, value: a, why: b}":                                   {`1:10: unknown kind "jram"; docs/signatures.md`},
		"- {kind: jarm, value: a, why: b, until: c, until: d}":               {`1:34: unknown key "until"; the keys are`, `1:44: unknown key "until"; the keys are`},
		"- kind: jarm\n  value: a\n  value: b\n  why: c":                     {"3:3: value stands twice in one entry (first in line 2)"},
		"- {kind: jarm, value: a, why: b}\n- {kind: jarm, value: a, why: c}": {`2:3: jarm "a" stands in line 1 already`},
		"- {kind: http.title, value: 403, why: true}":                        {`1:29: value is no string for YAML but "int"; put it in quotes`, `1:39: why is no string for YAML but "bool"`},
		"- {kind: jarm, value: [a], why: {b: c}}":                            {"1:23: value is not a string", "1:33: why is not a string"},
		"- {kind: jarm, value: '', why: ~}":                                  {"1:23: value is empty", "1:32: why is empty"},
		"- {kind: jarm, value: a, why: b, expires: 2027-02-30}":              {`1:43: expires is "2027-02-30", no day; write it like 2027-06-30`},
		"- {kind: jarm, value: a, why: b, expires: soon}":                    {`1:43: expires is "soon"`},
		"- {kind: jarm, value: a, why: b, expires: }":                        {`1:43: expires is ""`},
		"- {kind: jarm, value: &a x, why: *a}\n- *a":                         {"1:34: why is not a string (aliases are not followed", "2:1: what begins here is no YAML: unknown anchor 'a'"},
		"- {<<: {kind: jarm}, value: a, why: b}":                             {`1:4: unknown key "<<"`, "1:3: no kind"},
		"- {[a]: b, kind: jarm, value: a, why: b}":                           {`1:4: unknown key ""`},
		"kind: jarm":  {"1:1: not a list; begin each entry with"},
		"- jarm":      {"1:3: not an entry; write {kind"},
		"[]\n---\n[]": {"1:1: a document ends after this"},
		"- {kind: jarm, value: " + strings.Repeat("a", value.Max+1) + ", why: b}":               {"1:23: value has 513 bytes; at most 512"},
		"\n- {kind: jarm, value: a, why: *b}\n- {kind: jarm, value: [, why: b}\n- {kind: jarm}": {"2:1: what begins here is no YAML: unknown anchor", "3:1: what begins here", "4:3: no value", "4:3: no why"},
		"[&a {kind: jarm, value: a, why: b}, *a]":                                               {"1:37: not an entry (aliases are not followed"},
		"- {kind: jarm, value: a": {"1:1: what begins here is no YAML: did not find"},
		"# \x00":                  {"1:1: what begins here is no YAML: control characters"},
	} {
		got, err := readList(text)
		if err == nil || got != nil {
			t.Errorf("%s\ngives %v, %v", text, got, err)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		for i, w := range want {
			w = "list:" + w
			if i >= len(lines) || !strings.HasPrefix(lines[i], w) {
				t.Errorf("%s\nwant %s\nin\n%v", text, w, err)
			}
		}
		if len(lines) != len(want) {
			t.Errorf("%s\nhas faults that nobody expects:\n%v", text, err)
		}
	}
}

func TestNegativeBounds(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"faults":  {strings.Repeat("- {kind: jarm, value: a}\n", 1000), "too many faults; what follows was not read"},
		"bytes":   {strings.Repeat("#\n", maxNegativeBytes/2+1), "split the list"},
		"entry":   {"- {kind: jarm, why: b, value: " + strings.Repeat("a", maxEntry), "list:1:1: 65566 bytes; an entry has at most 65536"},
		"nesting": {strings.Repeat("[", maxEntry), "list:1:1: what begins here is no YAML: exceeded max depth"},
	} {
		_, err := readList(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") > maxFaults {
			t.Errorf("%s: %v", name, err)
		}
	}
	full := negativeReader{kinds: must(loadKinds()), seen: map[feature]int{}}
	for n := range maxNegative {
		full.seen[feature{value: fmt.Sprint(n)}] = 1
	}
	if full.part([]byte("- {kind: jarm, value: a, why: b}"), 1); len(full.faults) != 1 || len(full.out) != 0 {
		t.Errorf("%v %v", full.out, full.faults)
	}
}

// A value on the list links nobody, and the reason is kept for people.
func TestAddNegative(t *testing.T) {
	table := must(Defaults())
	key, title := feature{"ssh.host_key", "SHA256:golden"}, feature{"http.title", "Panel 7"}
	before := worth(table.kinds[key.kind].M, table.rarity(key).start, 1)
	table.AddNegative([]Negative{{Kind: key.kind, Value: key.value, Why: "golden image"}, {Kind: title.kind, Value: title.value, Why: "a panel"}})
	if after := worth(table.kinds[key.kind].M, table.rarity(key).start, 1); after > 2 || before < 15 {
		t.Errorf("the key weighed %.1f bits and weighs %.1f", before, after)
	}
	for f, why := range map[feature]string{key: "golden image", title: "a panel", {"http.title_pattern", "Panel #"}: "a panel"} {
		if table.stock[f] != why {
			t.Errorf("%v: %q, want %q", f, table.stock[f], why)
		}
	}
	near := fmt.Sprintf("%016x", 0x0123456789abcdef)
	table.AddNegative([]Negative{{Kind: "http.body_shape", Value: near, Why: "a shell"}})
	if got := table.stockNear("http.body_shape", fmt.Sprintf("%016x", 0x0123456789abcdee)); got != near {
		t.Errorf("a page near the list is %s", got)
	}
}

func TestReasonsOfShippedValues(t *testing.T) {
	for want, products := range map[string][]string{
		"shipped by a package": nil, "shipped by a 1": {"a 1"}, "shipped by a 1 and b 2": {"a 1", "b 2"}, "shipped by a 1 and 2 others": {"a 1", "b 2", "c 3"},
	} {
		if got := (stockEntry{Products: products}).why(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for f, why := range must(Defaults()).stock {
		if why == "" {
			t.Errorf("%v is stock without a reason", f)
		}
	}
}

func FuzzReadNegative(f *testing.F) {
	f.Add("- {kind: jarm, value: a, why: b, expires: 2027-06-30}")
	f.Add("- &a {kind: jarm, value: *a}\n- *a\n---\n- <<: *a")
	f.Add("- {kind: [], value: {}, why: ~, why: 1}")
	f.Add("a: [b\n\x00")
	f.Add("- {kind: http.title, value: \"\\e[31m\\u202e\", why: !!binary YQ==}")
	kinds := must(loadKinds())
	f.Fuzz(func(t *testing.T, text string) {
		list, err := readNegative("list", strings.NewReader(text), time.Time{}, kinds)
		if err != nil && list != nil {
			t.Fatal("a faulty list is given all the same")
		}
		seen := map[feature]bool{}
		for _, n := range list {
			if k := (feature{n.Kind, n.Value}); n.Value == "" || n.Why == "" || seen[k] {
				t.Fatalf("%+v", n)
			} else {
				seen[k] = true
			}
		}
	})
}
