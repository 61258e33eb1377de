package cluster

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

// paddedScan is smallScan among so many strangers that not all are judged; one
// shares a page with the provider's first host.
func paddedScan() *Index {
	c := smallScan()
	for n := 282; n < judgeAll+100; n++ {
		c.set(n, 22, "ssh.host_key", fmt.Sprint("SHA256:own", n))
		c.set(n, 443, "jarm", fmt.Sprint("jarm", n%60))
	}
	c.set(0, 80, "http.title", "Odd panel")
	c.set(8000, 80, "http.title", "Odd panel")
	return indexed(c.hosts())
}

func TestKeepChangesWhatIsListedAndNothingElse(t *testing.T) {
	large := paddedScan()
	for _, x := range []*Index{indexed(smallScan().hosts()), large} {
		seeds := []string{addrOf(0)}
		keep := func(addr netip.Addr) bool { return addr.As4()[3]%2 == 0 }
		for _, top := range []int{0, 10} {
			all := must(x.Kinship(seeds, Options{Hops: 2}))
			want := slices.DeleteFunc(all, func(k Kin) bool { return !keep(netip.MustParseAddr(k.Host)) })
			if o := (Options{Keep: keep}); x.Candidates(seeds, o) != len(want) {
				t.Errorf("%d hosts may be listed, want %d", x.Candidates(seeds, o), len(want))
			}
			got := must(x.Kinship(seeds, Options{Hops: 2, Keep: keep, Top: top}))
			if top > 0 {
				want = want[:top]
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%d hosts, top %d: %d listed, want the %d of all that are kept", x.Hosts(), top, len(got), len(want))
			}
		}
	}
}

func TestExplainOfALargeScanIsKinshipOfOne(t *testing.T) {
	x := paddedScan()
	all := must(x.Kinship([]string{addrOf(0)}, Options{}))
	for _, n := range []int{20, 8000, 8100} { // kin, a candidate, and one that shares nothing
		if got := must(x.Explain(addrOf(0), addrOf(n), Options{})); !reflect.DeepEqual(got, find(t, all, n)) {
			t.Errorf("explain says %+v, expand %+v", got, find(t, all, n))
		}
	}
}
