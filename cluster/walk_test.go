package cluster

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// chain is 100 strangers and a chain in which each host shares a key with the
// next: 0 - 1 - 2 - 3 - 4; 5 shares keys with 0 and with 4.
func chain() *crowd {
	c := &crowd{}
	for n := range 100 {
		c.set(n, 22, "ssh.host_key", fmt.Sprint("SHA256:own ", n))
	}
	for n := range 4 {
		c.set(n, 443, "cert.spki", fmt.Sprint(n, " and ", n+1))
		c.set(n+1, 443, "cert.spki", fmt.Sprint(n, " and ", n+1))
	}
	for _, n := range []int{0, 4} {
		c.set(n, 8443, "cert.sha256", fmt.Sprint(n, " and 5"))
		c.set(5, 8443, "cert.sha256", fmt.Sprint(n, " and 5"))
	}
	return c
}

// checkWay tells what is wrong with a way from one of the seeds to a host.
func checkWay(hosts []Host, seeds []string, k Kin) error {
	holds := func(addr string, s Step) bool {
		return slices.ContainsFunc(hosts, func(h Host) bool {
			return h.Addr == addr && slices.ContainsFunc(h.Prints, func(f fingerprints.Fingerprint) bool { return f.Kind == s.Kind && f.Value == s.Value })
		})
	}
	for i, s := range k.Why {
		switch {
		case i == 0 && (!slices.Contains(seeds, s.Host) || s.Kind != "" || s.Value != ""):
			return fmt.Errorf("%s: the way begins at %+v, which is no seed", k.Host, s)
		case i > 0 && (!holds(k.Why[i-1].Host, s) || !holds(s.Host, s)):
			return fmt.Errorf("%s: %s and %s do not both hold %s=%s", k.Host, k.Why[i-1].Host, s.Host, s.Kind, s.Value)
		}
	}
	if n := len(k.Why); n > 0 && k.Why[n-1].Host != k.Host {
		return fmt.Errorf("%s: the way ends at %s", k.Host, k.Why[n-1].Host)
	}
	return nil
}

// The way to a host goes from a seed, step by step, by values that both hosts
// of the step hold, and a host that is further away has less of the walk.
func TestWaysFromASeed(t *testing.T) {
	hosts := chain().hosts()
	seeds := []string{addrOf(0)}
	kin := must(Kinship(seeds, hosts, Options{Hops: 4}))
	for _, k := range kin {
		if err := checkWay(hosts, seeds, k); err != nil {
			t.Error(err)
		}
	}
	for n, steps := range map[int]int{1: 2, 2: 3, 3: 4, 4: 3, 5: 2} {
		if k := find(t, kin, n); len(k.Why) != steps {
			t.Errorf("%s: a way of %d hosts, want %d: %+v", k.Host, len(k.Why), steps, k.Why)
		}
	}
	if a, b := find(t, kin, 1).Rank, find(t, kin, 2).Rank; !(a > b && b > 0) || find(t, kin, 50).Rank != 0 {
		t.Errorf("ranks of 1 and 2, one and two steps away: %v and %v; of a stranger %v", a, b, find(t, kin, 50).Rank)
	}
	both := []string{addrOf(0), addrOf(3)}
	for _, k := range must(Kinship(both, smallScan().hosts(), Options{})) {
		if err := checkWay(smallScan().hosts(), both, k); err != nil || k.Verdict == VerdictKin && (k.Rank == 0 || len(k.Why) < 2) {
			t.Errorf("%v: %+v", err, k)
		}
	}
}

// Kin come by verdict, hop, place in the walk, bits and address: of equals the
// walk decides, whatever the bits.
func TestOrderOfKin(t *testing.T) {
	want := []Kin{
		{Verdict: VerdictKin, Hop: 1, Rank: 9, Bits: 5, Host: "127.0.0.9"},
		{Verdict: VerdictKin, Hop: 1, Rank: 2, Bits: 7, Host: "127.0.0.2"},
		{Verdict: VerdictKin, Hop: 1, Rank: 2, Bits: 6, Host: "127.0.0.1"},
		{Verdict: VerdictKin, Hop: 1, Rank: 2, Bits: 6, Host: "127.0.0.10"},
		{Verdict: VerdictKin, Hop: 2, Rank: 99, Bits: 99, Host: "127.0.0.3"},
		{Verdict: VerdictPossible, Hop: 1, Rank: 100, Bits: 4, Host: "127.0.0.4"},
		{Verdict: VerdictStranger, Hop: 1, Rank: 200, Bits: -1, Host: "127.0.0.5"},
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 10 {
		got := slices.Clone(want)
		r.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		if rank(got); encoded(got) != encoded(want) {
			t.Errorf("%q, want %q", hostsIn(got), hostsIn(want))
		}
	}
}

// No way goes by what a host holds that is said to be no kin, nor is it listed
// high; the index knows nothing of it afterwards.
func TestWaysAroundHostsThatAreNoKin(t *testing.T) {
	x := indexed(chain().hosts())
	o := Options{Hops: 4}
	before := encoded(must(x.Kinship([]string{addrOf(0)}, o)))
	o.Not = []string{addrOf(2)}
	kin := must(x.Kinship([]string{addrOf(0)}, o))
	for _, k := range kin {
		for _, s := range k.Why {
			if s.Value == "1 and 2" || s.Value == "2 and 3" || s.Host == addrOf(2) {
				t.Errorf("%s: %+v", k.Host, k.Why)
			}
		}
	}
	for n, want := range map[int]Verdict{1: VerdictStranger, 2: VerdictStranger, 3: VerdictStranger, 4: VerdictKin, 5: VerdictKin} {
		if k := find(t, kin, n); k.Verdict != want || n > 3 && k.Rank == 0 { // 1 and 3 have a key of 2 as well
			t.Errorf("%s is %s with %.2f bits, rank %v, want %s: %+v", k.Host, k.Verdict, k.Bits, k.Rank, want, k.Evidence)
		}
	}
	if k := find(t, kin, 3); k.Rank != 0 { // nearer to 2 than to the seed
		t.Errorf("%s has rank %v, with all of its walk from the seed", k.Host, k.Rank)
	}
	o.Not = nil
	if encoded(must(x.Kinship([]string{addrOf(0)}, o))) != before {
		t.Error("the index remembers who was said to be no kin")
	}
}
