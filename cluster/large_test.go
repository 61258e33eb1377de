package cluster

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// largeScan is 40 hosts of a provider (half of them with its key, four in five
// with its page, names and CA each), 60 near misses that have its software and
// nothing else, and strangers that draw from what is popular.
func largeScan(hosts int) *crowd {
	c := &crowd{}
	r := rand.New(rand.NewPCG(7, 7))
	popular := func(kind fingerprints.Kind, values int) string {
		return fmt.Sprint(kind, " ", min(values-1, int(r.ExpFloat64()*float64(values)/4)))
	}
	for n := range hosts {
		own := fmt.Sprint("own ", n)
		key, title, subject, issuer := own, popular("title", 400), own, popular("issuer", 300)
		kex, order, jarm := popular("kex", 60), popular("order", 200), popular("jarm", 200)
		if n < 100 {
			kex, order, jarm = "odd kex", "odd order", "odd jarm"
		}
		if n < 40 {
			if n%2 == 0 {
				key = "SHA256:provider"
			}
			for i, v := range []*string{&title, &subject, &issuer} {
				if n == 0 || r.IntN(5) > 0 {
					*v = fmt.Sprint("provider's ", i)
				}
			}
		}
		c.set(n, 22, "ssh.kexinit", kex)
		if n > 2000 { // most are seen at one port
			continue
		}
		c.set(n, 22, "ssh.host_key", key)
		c.set(n, 443, "cert.subject", subject)
		c.set(n, 443, "cert.issuer", issuer)
		c.set(n, 443, "jarm", jarm)
		c.set(n, 80, "http.title", title)
		c.set(n, 80, "http.header_order", order)
	}
	return c
}

// indexOf is what a command makes of fingerprints, in the order in which they come.
func indexOf(t *Table, prints []fingerprints.Fingerprint) *Index {
	b := NewBuilder(t)
	for _, f := range prints {
		b.Add(f)
	}
	return b.Index()
}

func hostsIn(kin []Kin) (hosts []string) {
	for _, k := range kin {
		hosts = append(hosts, k.Host)
	}
	return hosts
}

// A scan that is too large to be judged as a whole gives the kin that one does
// that is not, and a short list is the head of the whole.
func TestLargeScansAreJudgedLikeSmallOnes(t *testing.T) {
	table := must(Defaults())
	networksOf(table, judgeAll+400, func(n int) uint32 { return uint32(1 + n/40) })
	seed := []string{addrOf(0)}
	small, large := indexOf(table, largeScan(judgeAll).prints), indexOf(table, largeScan(judgeAll+400).prints)
	kinOf := func(list []Kin) []string {
		return slices.Sorted(slices.Values(hostsIn(slices.DeleteFunc(slices.Clone(list), func(k Kin) bool { return k.Verdict != VerdictKin }))))
	}
	whole, all := must(small.Kinship(seed, Options{})), must(large.Kinship(seed, Options{}))
	if len(kinOf(whole)) < 36 || !slices.Equal(kinOf(whole), kinOf(all)) {
		t.Errorf("judged as a whole:\n%q\nby those that share most:\n%q", kinOf(whole), kinOf(all))
	}
	for n := 40; n < 100; n++ { // near misses
		if k := find(t, all, n); k.Verdict == VerdictKin {
			t.Errorf("%s runs what the provider runs, and is %s: %+v", k.Host, k.Verdict, k.Evidence)
		}
	}
	const top = 20
	if short := must(large.Kinship(seed, Options{Top: top})); len(short) != top || encoded(short) != encoded(all[:top]) {
		t.Errorf("the top %d are %q, want the head of all, %q", top, hostsIn(short), hostsIn(all[:top]))
	}
	for x, list := range map[*Index][]Kin{small: whole, large: all} {
		once := slices.Compact(slices.Sorted(slices.Values(hostsIn(list))))
		if len(list) != x.Hosts()-1 || len(once) != len(list) || slices.Contains(once, seed[0]) {
			t.Errorf("of %d hosts %d are listed, %d of them once", x.Hosts(), len(list), len(once))
		}
	}
}

// everything is what can be asked of an index, as it is written.
func everything(x *Index) string {
	seeds := []string{addrOf(0), addrOf(3)}
	return encoded([]any{
		must(x.Kinship(seeds, Options{Top: 60, Not: []string{addrOf(50)}})),
		must(x.Groups(Options{MinConfidence: .5, Related: true})),
		must(x.Explain(addrOf(4), addrOf(7), Options{})),
	})
}

// The same fingerprints give the same bytes whatever their order, the number of
// processors, and who else asks.
func TestLargeScansInAnyOrder(t *testing.T) {
	table := must(Defaults())
	networksOf(table, judgeAll+400, func(n int) uint32 { return uint32(1 + n/100 + n%7) })
	prints := largeScan(judgeAll + 400).prints
	x := indexOf(table, prints)
	want := everything(x)
	r := rand.New(rand.NewPCG(1, 2))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 4} {
		runtime.GOMAXPROCS(procs)
		r.Shuffle(len(prints), func(i, j int) { prints[i], prints[j] = prints[j], prints[i] })
		if everything(indexOf(table, prints)) != want {
			t.Errorf("another order, on %d processors, gives another result", procs)
		}
	}
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			if everything(x) != want {
				t.Error("one of several who ask at once gets another result")
			}
		})
	}
	wait.Wait()
}
