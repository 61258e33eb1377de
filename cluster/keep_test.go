package cluster

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
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
	for _, x := range []*Index{indexed(smallScan().hosts()), paddedScan()} {
		seeds := []string{addrOf(0)}
		keep := func(addr netip.Addr) bool { return addr.As4()[3]%2 == 0 }
		listed := slices.DeleteFunc(must(x.Kinship(seeds, Options{Hops: 2})), func(k Kin) bool { return !keep(netip.MustParseAddr(k.Host)) })
		if n := x.Candidates(seeds, Options{Keep: keep}); n != len(listed) {
			t.Errorf("%d hosts may be listed, want %d", n, len(listed))
		}
		for top, want := range map[int][]Kin{0: listed, 10: listed[:10]} {
			if got := must(x.Kinship(seeds, Options{Hops: 2, Keep: keep, Top: top})); !reflect.DeepEqual(got, want) {
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

// In a large scan a product may explain what two hosts share: a doubt, no
// question that they answer differently.
func TestDoubtOfAProduct(t *testing.T) {
	k := must(paddedScan().Explain(addrOf(0), addrOf(20), Options{}))
	doubt := Conflict{Kind: Product, Family: Product}
	if len(k.Against) > 0 {
		doubt.Bits = k.Against[len(k.Against)-1].Bits
	}
	if len(k.Against) == 0 || doubt.Bits >= 0 || k.Against[len(k.Against)-1] != doubt {
		t.Errorf("against %+v, want a doubt", k.Against)
	}
	slices.Sort(k.Link.Reasons)
	if want := (Link{SameOperator, []fingerprints.Kind{"cert.issuer", "cert.subject"}}); !reflect.DeepEqual(k.Link, want) {
		t.Errorf("link %+v, want %+v", k.Link, want)
	}
}

func TestIssuerThatIsTakenForAPublicCA(t *testing.T) {
	pop := indexed(smallScan().hosts()).population()
	for public, want := range map[bool]string{true: "issuer of 24 hosts: taken for a public CA", false: ""} {
		e := Evidence{Kind: "cert.issuer", Value: "CN=Provider CA", HeldBy: 24}
		pop.describe(pop.start(nil), &profile{public: public}, &e)
		if e.Common != want {
			t.Errorf("public %v: %q, want %q", public, e.Common, want)
		}
	}
}
