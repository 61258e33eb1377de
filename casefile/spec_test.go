package casefile

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func goodSpec(t testing.TB) string {
	t.Helper()
	text, err := testSpec(set(t, "127.0.0.1"), "127.0.0.1").text()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryFaultOfACaseFileIsToldWithItsPlace(t *testing.T) {
	good := goodSpec(t)
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", good, "", "case.yaml:1:1: empty"},
		{"not YAML", "name: op-42", "name: [", "did not find"},
		{"a list", good, "- a\n", "case.yaml:1:1: no mapping"},
		{"two documents", "schema:", "a: 1\n---\nschema:", "more than one document"},
		{"later schema", "case/1", "case/2", "case.yaml:2:9: schema \"case/2\" is of a later hostkin"},
		{"earlier schema", "case/1", "case/0", "none of a case"},
		{"no schema", "schema: case/1\n", "", "no schema"},
		{"unknown key", "name:", "nam: x\nname:", "case.yaml:3:1: unknown key \"nam\"; the keys are schema, name"},
		{"double key", "name:", "name: x\nname:", "case.yaml:4:1: name stands twice (first in line 3)"},
		{"missing key", "name: op-42\n", "", "no name"},
		{"missing inner key", "odd: false\n", "# none\n", "no probes.odd"},
		{"number as text", "name: op-42", "name: 42", "case.yaml:3:7: no text for YAML but int; put it in quotes"},
		{"text as number", "order_key: 0", "order_key: x", "no number"},
		{"negative", "workers: 4", "workers: -4", "must not be negative"},
		{"no bool", "odd: false", "odd: no", "neither true nor false"},
		{"no list", "    - 127.0.0.1", "    a: b", "no list"},
		{"alias", "name: op-42", "name: &x op-42\nwhy: *x", "aliases are not followed"},
		{"no time", "created: 2026", "created: x2026", "is no time"},
		{"no duration", "timeout: 5s", "timeout: 5", "is no duration"},
		{"no digest", "sha256: ", "sha256: x", "is no SHA-256"},
		{"long", "name: op-42", "name: " + strings.Repeat("x", 5000), "5000 bytes; a value has at most 4096"},
		{"very long", "name: op-42", "name: " + strings.Repeat("x", maxSpec), "longer than"},
		{"inner no mapping", "probes:\n", "probes: 3\nrates2:\n", "probes is no mapping"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if text == good {
			text = strings.Replace(good, strings.TrimPrefix(c.old, "    "), strings.TrimPrefix(c.new, "    "), 1)
		}
		if text == good {
			t.Errorf("%s: the test changes nothing in\n%s", c.name, good)
		}
		_, err := ReadSpec("case.yaml", strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	both := strings.NewReplacer("order_key: 0", "order_key: x", "jarm: true", "jarm: 7").Replace(good)
	if _, err := ReadSpec("x", strings.NewReader(both)); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults are told as %v", err)
	}
}

func TestUpgradesAreDoneInOrder(t *testing.T) {
	step := func(from, to string) func(*yaml.Node) error {
		return func(root *yaml.Node) error {
			for _, n := range root.Content {
				if n.Value == from {
					n.Value = to
					return nil
				}
			}
			return fmt.Errorf("no %s", from)
		}
	}
	for text, want := range map[string]string{"schema: case/1\nx: a\n": "c", "schema: case/2\nx: b\n": "c", "schema: case/3\nx: c\n": "c", "schema: case/2\nx: a\n": "", "schema: case/4\n": ""} {
		r := &specReader{name: "x"}
		root := r.parse([]byte(text))
		ok := r.upgradeBy(root, []func(*yaml.Node) error{step("a", "b"), step("b", "c")})
		if ok != (want != "") || ok && (root.Content[3].Value != want || root.Content[1].Value != "case/3") {
			t.Errorf("%q: %v, %v", text, ok, r.faults)
		}
	}
}

func TestASpecThatCouldNotBeReadIsNotWritten(t *testing.T) {
	s := testSpec(set(t, "127.0.0.1"))
	for range maxSpecList + 1 {
		s.Ranges = append(s.Ranges, "::1")
	}
	if _, err := s.text(); err == nil || !strings.Contains(err.Error(), "name many targets in a list") {
		t.Errorf("got %.200v", err)
	}
}

func FuzzReadSpec(f *testing.F) {
	good := goodSpec(f)
	for _, seed := range []string{"", good, good[:len(good)/2], "schema: case/1\n", "schema: case/9", "a: &a [*a]", "- x", "{", "schema: case/1\nschema: case/1\nprobes: {odd: ~}\n",
		strings.Replace(good, "op-42", "!!binary aGk=", 1), strings.Replace(good, "order_key: 0", "order_key: 0x10", 1), strings.Replace(good, "rate: 500", "rate: .inf", 1)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ReadSpec("x", bytes.NewReader(text))
		if err != nil {
			return
		}
		again, err := s.text()
		if err != nil {
			t.Skip() // longer in our spelling than it may be
		}
		back, err := ReadSpec("y", bytes.NewReader(again))
		if err != nil || len(back.Differences(s)) > 0 || back.Name != s.Name || back.Why != s.Why {
			t.Fatalf("read %+v\nwrote %s\nread %+v, %v", s, again, back, err)
		}
	})
}
