package cluster

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hostkin/hostkin/cluster/baseline"
	"github.com/hostkin/hostkin/fingerprints"
)

// elsewhere is a baseline of so many hosts, all of which answered kind.
func elsewhere(kind fingerprints.Kind, hosts, least int, counts ...baseline.Count) *baseline.Baseline {
	return must(baseline.Build(hosts, time.Unix(0, 0), map[fingerprints.Kind]int{kind: hosts}, slices.Values(counts), least))
}

// A value on 200 of 1000 hosts, by what is known of it elsewhere.
func TestPrevalenceOutside(t *testing.T) {
	table := must(Defaults())
	count := func(n int) baseline.Count { return baseline.Count{Kind: "jarm", Value: onHosts(200), Hosts: n} }
	for _, test := range []struct {
		name          string
		outside       *baseline.Baseline
		start, excess float64
		told          bool
		bits          float64
	}{
		{"nothing is known", nil, .01, 1, false, 6.49},                                      // 200/20000
		{"nobody holds it", elsewhere("jarm", 100000, 2), .0033, 1, true, 8.09},             // 1e-5, but not below the table
		{"a few hold it", elsewhere("jarm", 2000, 2, count(11)), .00575, .9419, true, 7.20}, // 5.75 expected here
		{"as common as here", elsewhere("jarm", 10, 1), .01, 1, false, 6.49},                // of too few hosts
		{"of 999 hosts", elsewhere("jarm", 999, 1, count(11)), .01, 1, false, 6.49},
		{"another kind's", elsewhere("ssh.banner", 100000, 2), .01, 1, false, 6.49},
	} {
		table.UseBaseline(test.outside)
		r := rarityOf(t, scanOf(table, 1000, "jarm", 200), "jarm", onHosts(200))
		if !about(r.start, test.start) || !about(r.excess, test.excess) || r.told != test.told {
			t.Errorf("%s: %+v, want %v with excess %v", test.name, r, test.start, test.excess)
		}
		if bits := worth(.9, r.start, r.excess); !about(bits, test.bits) {
			t.Errorf("%s: %.3f bits, want %v", test.name, bits, test.bits)
		}
	}
}

// What is as common elsewhere as here is worth nothing, in a large scan as in a
// small one, be it a key; a little more than chance is worth a little.
func TestAsCommonOutsideAsHere(t *testing.T) {
	table := must(Defaults())
	for _, kind := range []fingerprints.Kind{"jarm", "ssh.host_key"} {
		for _, hosts := range []int{1000, 30000} {
			on := hosts / 20
			x := scanOf(table, hosts, kind, on)
			last := -1.0
			for _, outside := range []int{5000, 2500, 100, 0} { // of 100,000
				table.UseBaseline(elsewhere(kind, 100000, 2, baseline.Count{Kind: kind, Value: onHosts(on), Hosts: outside}))
				r := rarityOf(t, x, kind, onHosts(on))
				bits := worth(.9, r.start, r.excess)
				if outside == 5000 && bits > .1 {
					t.Errorf("%s on a twentieth of %d hosts and elsewhere: %.2f bits (%+v)", kind, hosts, bits, r)
				}
				if bits <= last {
					t.Errorf("%s on %d of 100000 elsewhere: %.2f bits, not more than %.2f with more", kind, outside, bits, last)
				}
				last = bits
			}
		}
	}
}

// A list of top values tells that one which is not on it is on few hosts. Of a
// value on few hosts of the scan that says nothing.
func TestValuesThatABaselineDoesNotList(t *testing.T) {
	table := must(Defaults())
	table.UseBaseline(elsewhere("jarm", 10000, 200))
	for held, told := range map[int]bool{30: false, 39: false, 40: true, 50: true} { // 10 are expected: 1000*.5*200/10000
		r := rarityOf(t, scanOf(table, 1000, "jarm", held), "jarm", onHosts(held))
		if r.told != told || r.excess != 1 {
			t.Errorf("on %d: %+v, want told %v", held, r, told)
		}
		if want := map[bool]float64{false: .0033, true: .01}[told]; !about(r.start, want) {
			t.Errorf("on %d: starts at %v, want %v", held, r.start, want)
		}
	}
}

// Values of near kinds have other leaders elsewhere.
func TestBaselinesDoNotKnowNearValues(t *testing.T) {
	page := "0123456789abcdef"
	of := func(table *Table) rarity {
		b := NewBuilder(table)
		for n := range 100 {
			b.Add(fingerprints.Fingerprint{Host: addrOf(n), Kind: "http.body_shape", Value: page})
		}
		return rarityOf(t, b.Index(), "http.body_shape", page)
	}
	table := must(Defaults())
	want := of(table)
	table.UseBaseline(elsewhere("http.body_shape", 100000, 2, baseline.Count{Kind: "http.body_shape", Value: page, Hosts: 50000}))
	if got := of(table); got != want {
		t.Errorf("%+v, want %+v as without a baseline", got, want)
	}
}

// Of a value that nobody holds elsewhere networks may tell all the same that
// its holders are strangers.
func TestNetworksAndABaseline(t *testing.T) {
	table := must(Defaults())
	table.UseBaseline(elsewhere("jarm", 100000, 2))
	for name, of := range map[string]func(n int) uint32{"one": func(n int) uint32 { return uint32(1 + n/20) }, "all": func(n int) uint32 { return uint32(1 + n%50) }} {
		networksOf(table, 1000, of)
		r := rarityOf(t, scanOf(table, 1000, "jarm", 20), "jarm", onHosts(20))
		if want := map[string]float64{"one": 1, "all": leastExcess}[name]; r.excess != want || !r.told {
			t.Errorf("in %s: %+v, want excess %v", name, r, want)
		}
	}
}

// Evidence says what is known of a value elsewhere, and a verdict follows it.
func TestEvidenceFromABaseline(t *testing.T) {
	c := &crowd{}
	for n := range 100 {
		issuer, title := fmt.Sprint("CN=", n), fmt.Sprint("page ", n)
		if n < 8 {
			issuer, title = "CN=Odd CA", "Odd panel"
		}
		c.set(n, 443, "cert.issuer", issuer)
		c.set(n, 80, "http.title", title)
	}
	table := must(Defaults())
	judged := func(titles int) Kin {
		table.UseBaseline(elsewhere("http.title", 2000, 2, baseline.Count{Kind: "http.title", Value: "Odd panel", Hosts: titles}))
		return find(t, must(NewIndex(table, c.hosts()).Kinship([]string{addrOf(0)}, Options{})), 1)
	}
	for titles, share := range map[int]float64{0: 0, 7: .0035, 160: .08} {
		k := judged(titles)
		for _, e := range k.Evidence {
			if want := map[fingerprints.Kind]float64{"http.title": share}[e.Kind]; e.Baseline < .93*want || e.Baseline > 1.08*want {
				t.Errorf("%s: baseline %v, want %v", e.Kind, e.Baseline, want)
			}
		}
		if got, want := k.Verdict, map[bool]Verdict{true: VerdictKin, false: VerdictStranger}[titles < 100]; got != want {
			t.Errorf("a title on %d of 2000 elsewhere: %s with %.2f bits (%+v), want %s", titles, got, k.Bits, k.Evidence, want)
		}
	}
}
