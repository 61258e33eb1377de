package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/fingerprints"
)

// linkedByOneKey is a scan in which one host key links 0 and 1, which a JARM
// does too; 5-9 are linked by a page and names.
func linkedByOneKey() *crowd {
	c := &crowd{}
	for n := range 200 {
		own := fmt.Sprint("of ", n)
		c.set(n, 22, "ssh.banner", "everybody's")
		key, jarm, title, subject := own, own, own, own
		if n < 2 {
			key, jarm = "SHA256:one", "jarm-odd"
		} else if n >= 5 && n < 10 {
			title, subject = "Odd panel", "CN=odd"
		}
		if n < 5 || n >= 10 {
			c.set(n, 22, "ssh.host_key", key)
			c.set(n, 443, "jarm", jarm)
		}
		if n >= 5 {
			c.set(n, 80, "http.title", title)
			c.set(n, 443, "cert.subject", subject)
		}
	}
	return c
}

func encoded(v any) string { return string(must(json.Marshal(v))) }

// all is what a scan tells, judged anew with a table.
func all(table *Table, hosts []Host) (text string, of0, of5 []Kin, groups []Group) {
	x := NewIndex(table, hosts)
	of0, of5 = must(x.Kinship([]string{addrOf(0)}, Options{})), must(x.Kinship([]string{addrOf(5)}, Options{}))
	groups = must(x.Groups(Options{Related: true}))
	return encoded([]any{of0, of5, groups}), of0, of5, groups
}

// A value that is withdrawn links nobody from the next judgement on, as if no
// host had ever given it: nothing remembers an old link.
func TestWithdrawnValuesLinkNobody(t *testing.T) {
	c := linkedByOneKey()
	table := must(Defaults())
	before, of0, of5, groups := all(table, c.hosts())
	if find(t, of0, 1).Verdict != VerdictKin || find(t, of5, 6).Verdict != VerdictKin || len(groups) != 2 {
		t.Fatalf("before: %s", before)
	}
	for _, gone := range []struct {
		feature
		left Verdict // of 1 for 0, and of 6 for 5
		also Verdict
		rest int // groups
	}{
		{feature{"ssh.host_key", "SHA256:one"}, VerdictPossible, VerdictKin, 1}, // the JARM is left
		{feature{"jarm", "jarm-odd"}, VerdictStranger, VerdictKin, 1},
		{feature{"http.title", "Odd panel"}, VerdictStranger, VerdictStranger, 0}, // the names of five hosts are too little
	} {
		if err := table.Withdraw(gone.kind, gone.value); err != nil {
			t.Fatal(err)
		}
		after, of0, of5, groups := all(table, c.hosts())
		if a, b := find(t, of0, 1), find(t, of5, 6); a.Verdict != gone.left || b.Verdict != gone.also || len(groups) != gone.rest {
			t.Errorf("without %v: %s (%.2f bits) and %s (%.2f bits), %d groups; want %s, %s and %d", gone.feature, a.Verdict, a.Bits, b.Verdict, b.Bits, len(groups), gone.left, gone.also, gone.rest)
		}
		if strings.Contains(after, gone.value) {
			t.Errorf("%v is withdrawn and told of", gone.feature)
		}
		c.prints = slices.DeleteFunc(c.prints, func(f fingerprints.Fingerprint) bool { return f.Kind == gone.kind && f.Value == gone.value })
		if never, _, _, _ := all(must(Defaults()), c.hosts()); never != after {
			t.Errorf("without %v the scan is not judged as one in which no host gives it", gone.feature)
		}
	}
	if again, _, _, _ := all(must(Defaults()), linkedByOneKey().hosts()); again != before {
		t.Error("another table knows of what was withdrawn from one")
	}
	if err := table.Withdraw("jram", "x"); err == nil {
		t.Error("a value of no kind was withdrawn")
	}
}

// A value on the negative list is still told of, and links nobody.
func TestListedValuesLinkNobody(t *testing.T) {
	c := linkedByOneKey()
	table := must(Defaults())
	_, of0, of5, _ := all(table, c.hosts())
	key, title := find(t, of0, 1).Bits, find(t, of5, 6).Bits
	table.AddNegative([]Negative{{Kind: "ssh.host_key", Value: "SHA256:one", Why: "golden image"}, {Kind: "http.title", Value: "Odd panel", Why: "a panel that is sold"}})
	_, of0, of5, groups := all(table, c.hosts())
	for _, test := range []struct {
		Kin
		before, less float64
		why          string
	}{{find(t, of0, 1), key, 17, "golden image"}, {find(t, of5, 6), title, 7, "a panel that is sold"}} {
		if test.Verdict == VerdictKin || test.Bits > test.before-test.less {
			t.Errorf("%s: %s with %.2f bits after %.2f", test.Host, test.Verdict, test.Bits, test.before)
		}
		if !slices.ContainsFunc(test.Evidence, func(e Evidence) bool { return e.Common == test.why && e.Prevalence >= .3 && e.Bits < 2 }) {
			t.Errorf("%s: no evidence is %q: %+v", test.Host, test.why, test.Evidence)
		}
	}
	if len(groups) > 0 {
		t.Errorf("groups: %+v", groups)
	}
}

// An entry of a negative list counts until its day.
func TestListedValuesExpire(t *testing.T) {
	const list = `- {kind: ssh.host_key, value: "SHA256:one", why: golden image, expires: 2027-01-02}`
	for day, want := range map[int]Verdict{1: VerdictPossible, 2: VerdictKin} {
		table := must(Defaults())
		table.AddNegative(must(ReadNegative("list", strings.NewReader(list), time.Date(2027, 1, day, 0, 0, 0, 0, time.UTC))))
		_, of0, _, _ := all(table, linkedByOneKey().hosts())
		if k := find(t, of0, 1); k.Verdict != want {
			t.Errorf("on the %d. of January: %s with %.2f bits, want %s", day, k.Verdict, k.Bits, want)
		}
	}
}
