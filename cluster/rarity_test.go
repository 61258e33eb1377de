package cluster

import (
	"fmt"
	"math"
	"net/netip"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// scanOf is an index of so many hosts that all answer a kind: for each value
// the given number of hosts, one after the other, the rest each with its own.
func scanOf(t *Table, hosts int, kind fingerprints.Kind, held ...int) *Index {
	b := NewBuilder(t)
	n := 0
	add := func(value string) {
		b.Add(fingerprints.Fingerprint{Host: addrOf(n), Port: 443, Kind: kind, Value: value})
		n++
	}
	for _, on := range held {
		for range on {
			add(onHosts(on))
		}
	}
	for n < hosts {
		add(fmt.Sprint("own ", n))
	}
	return b.Index()
}

// onHosts is the value of scanOf on so many hosts.
func onHosts(n int) string { return fmt.Sprint("on ", n) }

func rarityOf(t *testing.T, x *Index, kind fingerprints.Kind, value string) rarity {
	t.Helper()
	v, ok := x.lookup(feature{kind, value})
	if !ok {
		t.Fatalf("no host holds %s=%s", kind, value)
	}
	return x.rarity(v)
}

// about compares what is worked out by hand with three digits.
func about(got, want float64) bool { return math.Abs(got-want) <= 2e-3*math.Abs(want) }

// The table speaks first in a small scan, however many hosts of it hold a
// value; a large scan speaks for itself; neither falls below its floor.
func TestPrevalenceBeforeVerdicts(t *testing.T) {
	table := must(Defaults())
	small := scanOf(table, 400, "jarm", 2, 40, 150)
	large := scanOf(table, 60000, "jarm", 2, 40, 600, 30000)
	keys := scanOf(table, 60000, "ssh.host_key", 2, 40, 600)
	for _, test := range []struct {
		name         string
		x            *Index
		kind         fingerprints.Kind
		held         int
		start, floor float64
		bits         float64
	}{
		{"small", small, "jarm", 2, .0033, .0033, 8.09},                          // log2(.9/.0033)
		{"small", small, "jarm", 40, .0033, .0033, 8.09},                         // a tenth of the scan, and not yet common
		{"small", small, "jarm", 150, .0075, .0033, 6.91},                        // 150/20000
		{"large", large, "jarm", 2, 5.5e-5, 5.5e-5, 14.0},                        // .0033*1000/60000
		{"large", large, "jarm", 40, 6.667e-4, 5.5e-5, 10.4},                     // 40/60000
		{"large", large, "jarm", 600, .01, 5.5e-5, 6.49},                         // 600/60000
		{"large", large, "jarm", 30000, .5, 5.5e-5, .848},                        // half of all: log2(.9/.5)
		{"keys", keys, "ssh.host_key", 2, 8.333e-7, 8.333e-7, 20.04},             // 1e-6*50000/60000
		{"keys", keys, "ssh.host_key", 40, 8.333e-7, 8.333e-7, 20.04},            // 40*2e-8 is less
		{"keys", keys, "ssh.host_key", 600, 1.2e-5, 1.2e-5, 16.19},               // 600*2e-8; never estimated anew
		{"small", small, "jarm", 1, .0033, .0033, math.Log2(.9 / .0033)},         // its own value
		{"large", large, "jarm", 1, 5.5e-5, 5.5e-5, math.Log2(.9 / .5e-4 / 1.1)}, // likewise
	} {
		value := onHosts(test.held)
		if test.held == 1 {
			value = fmt.Sprint("own ", test.x.Hosts()-1)
		}
		r := rarityOf(t, test.x, test.kind, value)
		if !about(r.start, test.start) || !about(r.floor, test.floor) || r.excess != 1 || r.told {
			t.Errorf("%s, on %d: %+v, want to start at %v, not below %v", test.name, test.held, r, test.start, test.floor)
		}
		if bits := worth(.9, r.start, r.excess); !about(bits, test.bits) {
			t.Errorf("%s, on %d: %.3f bits, want %v", test.name, test.held, bits, test.bits)
		}
	}
}

// Where few hosts of a large scan answer a kind, its values are shares of
// 20,000 all the same: few answers say little.
func TestPrevalenceOfAKindThatFewAnswer(t *testing.T) {
	b := NewBuilder(must(Defaults()))
	for n := range 60000 {
		b.Add(fingerprints.Fingerprint{Host: addrOf(n), Kind: "tcp.info", Value: "x"})
		if n < 200 {
			b.Add(fingerprints.Fingerprint{Host: addrOf(n), Kind: "jarm", Value: "x"})
		}
	}
	if r := rarityOf(t, b.Index(), "jarm", "x"); !about(r.start, .01) {
		t.Errorf("all 200 that answer: %+v, want 200/20000", r)
	}
}

func TestPrevalenceOfStockValues(t *testing.T) {
	table := must(Defaults())
	table.AddNegative([]Negative{{Kind: "ssh.host_key", Value: onHosts(2), Why: "leaked"}, {Kind: "jarm", Value: onHosts(2), Why: "a kit"}})
	for _, kind := range []fingerprints.Kind{"ssh.host_key", "jarm"} {
		for _, hosts := range []int{100, 30000} {
			if r := rarityOf(t, scanOf(table, hosts, kind, 2), kind, onHosts(2)); r.start != .3 || r.floor != .3 {
				t.Errorf("%s on two of %d hosts: %+v, want the table's .3", kind, hosts, r)
			}
		}
	}
}

// What is re-estimated is a mean of the strangers and of four hosts' worth of
// the floor, between the floor and .99; one of the holders may be left out.
func TestEstimatedPrevalence(t *testing.T) {
	r := rarity{start: .5, floor: .01, excess: 1}
	for _, test := range []struct{ holders, strangers, own, want float64 }{
		{0, 0, 0, .5},       // nothing is estimated yet
		{16, 258, 0, .0612}, // (16+.04)/(258+4)
		{16, 258, 1, .0576}, // (15+.04)/(257+4)
		{0, 258, 0, .01},
		{0, 258, 1, .01}, // never below no holders
		{1000, 1000, 0, .99},
	} {
		if got := (prevalence{r, test.holders, test.strangers}).value(test.own); !about(got, test.want) {
			t.Errorf("%+v: %.4f", test, got)
		}
	}
}

func TestWorth(t *testing.T) {
	for _, test := range []struct{ m, u, excess, want float64 }{
		{.9, .0033, 1, 8.091},
		{.9, .0033, .5, 7.096}, // half of the holders: log2(1+.5*271.7)
		{.9, .0033, 0, 0},
		{.3, .6, 1, 0}, // commoner among strangers: no evidence, and none against
	} {
		if got := worth(test.m, test.u, test.excess); !about(got, test.want) {
			t.Errorf("%+v: %.3f bits", test, got)
		}
	}
}

// networksOf gives host n of a crowd the network that of returns.
func networksOf(t *Table, hosts int, of func(n int) uint32) {
	as := map[netip.Addr]uint32{}
	for n := range hosts {
		as[netip.MustParseAddr(addrOf(n))] = of(n)
	}
	t.UseNetworks(func(a netip.Addr) uint32 { return as[a] })
}

// 1000 hosts in 50 networks of 20: of random pairs 19 in 999 are in one. A
// value in one network keeps its bits, one that is spread like all hosts loses
// them, and what lies between is discounted by the share that chance (twice
// the square root of .0190/190 for 20 holders) leaves.
func TestValuesThatAreSpreadOverNetworks(t *testing.T) {
	table := must(Defaults())
	networksOf(table, 1000, func(n int) uint32 { return uint32(1 + n/20) })
	for _, test := range []struct {
		name    string
		holders func(i int) int // the host that is holder i
		of      int
		excess  float64
		told    bool
	}{
		{"one network", func(i int) int { return i }, 20, 1, true},
		{"each another", func(i int) int { return 20 * i }, 20, .001, true},
		{"seven in one", func(i int) int { return max(i, 20*(i-6)) }, 20, .2860, true}, // (21/190-.0190-.0200)/.25
		{"four in one", func(i int) int { return max(i, 20*(i-3)) }, 20, .001, true},   // 6/190 is chance
		{"three", func(i int) int { return 20 * i }, 3, 1, false},                      // are not judged
		{"four in all", func(i int) int { return i }, 4, 1, true},                      // the least
		{"two and two", func(i int) int { return 20*(i/2) + i%2 }, 4, .8080, true},     // (2/6-.0190-.1126)/.25
		{"four, all over", func(i int) int { return 20 * i }, 4, .001, true},
		{"ten in each of two", func(i int) int { return 20*(i/10) + i%10 }, 20, 1, true}, // a provider in two networks: .47
	} {
		b := NewBuilder(table)
		for n := range 1000 {
			b.Add(fingerprints.Fingerprint{Host: addrOf(n), Kind: "ssh.kexinit", Value: fmt.Sprint(n)})
		}
		for i := range test.of {
			b.Add(fingerprints.Fingerprint{Host: addrOf(test.holders(i)), Kind: "jarm", Value: "x"})
		}
		x := b.Index()
		r := rarityOf(t, x, "jarm", "x")
		if !about(x.randomPairs, 19./999) || !about(r.excess, test.excess) || r.told != test.told {
			t.Errorf("%s: %+v, %.4f of random pairs; want %v, told %v", test.name, r, x.randomPairs, test.excess, test.told)
		}
	}
}

// A network in common is no evidence, and where values are in one network it
// changes no verdict; what is all over loses what it was worth.
func TestNetworksOnlyDiscount(t *testing.T) {
	c := smallScan()
	c.set(280, 80, "http.title", "Odd panel") // strangers
	c.set(281, 80, "http.title", "Odd panel")
	table := must(Defaults())
	judged := func(of func(n int) uint32) []Kin {
		if of != nil {
			networksOf(table, 282, of)
		}
		return must(NewIndex(table, c.hosts()).Kinship([]string{addrOf(0)}, Options{}))
	}
	alone := judged(nil)
	provider := judged(func(n int) uint32 { return uint32(1 + n/24) })
	spread := judged(func(n int) uint32 { return uint32(1 + n) })
	one := judged(func(int) uint32 { return 7 })
	for n := 1; n < 282; n++ {
		want := find(t, alone, n)
		for name, list := range map[string][]Kin{"the provider's network": provider, "a network each": spread, "one network": one} {
			got := find(t, list, n)
			if len(got.Evidence) != len(want.Evidence) || got.Bits > want.Bits+.5 {
				t.Errorf("%s, host %d: %.2f bits of %+v, %.2f without networks", name, n, got.Bits, got.Evidence, want.Bits)
			}
		}
		if got := find(t, provider, n); got.Verdict != want.Verdict {
			t.Errorf("host %d is %s, and %s when networks are known", n, want.Verdict, got.Verdict)
		}
	}
	if got := find(t, spread, 20); got.Verdict == VerdictKin { // issuer, names and JARM of 24 networks
		t.Errorf("what is spread all over makes kin: %+v", got)
	}
	for _, e := range find(t, provider, 20).Evidence {
		if want := map[fingerprints.Kind]int{"jarm": 2, "cert.issuer": 1, "cert.subject": 1}[e.Kind]; e.Networks != want {
			t.Errorf("%s is in %d networks, want %d", e.Kind, e.Networks, want)
		}
	}
}

// Where no table knows the networks of holders, none speaks against them.
func TestNetworksThatAreNotKnown(t *testing.T) {
	table := must(Defaults())
	for known, told := range map[int]bool{0: false, 3: false, 4: true, 20: true} {
		networksOf(table, 1000, func(n int) uint32 {
			if n >= known && n < 20 {
				return 0
			}
			return uint32(1 + n)
		})
		r := rarityOf(t, scanOf(table, 1000, "jarm", 20), "jarm", onHosts(20))
		if want := map[bool]float64{false: 1, true: leastExcess}[told]; r.told != told || r.excess != want {
			t.Errorf("of %d of 20 holders the network is known: %+v, want told %v", known, r, told)
		}
	}
}
