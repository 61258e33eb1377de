package cluster

import (
	"fmt"
	"iter"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// alikeWorld is 20,000 hosts, of which 40 times ten agree in their page, names
// and CA; the first keyed of each ten have one host key, all others their own;
// -1: nobody has a key.
func alikeWorld(t *Table, keyed int) *Index {
	b := NewBuilder(t)
	for n := range 20000 {
		add := func(kind fingerprints.Kind, value string) {
			b.Add(fingerprints.Fingerprint{Host: addrOf(n), Port: 443, Kind: kind, Value: value})
		}
		product, own := fmt.Sprint("product ", n/500), fmt.Sprint("own ", n)
		if n%500 < 10 {
			add("http.title", product)
			add("cert.subject", product)
			add("cert.issuer", product)
		}
		switch {
		case keyed < 0:
			add("ssh.kexinit", own)
		case n%500 < keyed:
			add("ssh.host_key", product)
		default:
			add("ssh.host_key", own)
		}
	}
	return b.Index()
}

// In a large scan hosts that agree in all but keys are kin where they often
// share a key too, and two of a product where they never do. Networks that
// keep together what they agree in speak against a product; those that tell
// of no provider leave nothing to agree in.
func TestDoubtIsLearntFromKeys(t *testing.T) {
	all := func(n int) uint32 { return uint32(1 + n) }
	provider := func(n int) uint32 { return uint32(1 + n/500) }
	table := must(Defaults())
	for _, test := range []struct {
		name     string
		keyed    int
		networks func(int) uint32
		from, to float64 // the doubt
		want     Verdict // of two with keys of their own
		groups   int
	}{
		{"kin share keys", 8, nil, doubtKey, doubtKey, VerdictKin, 40},
		{"half as many do", 5, nil, .3, .6, VerdictPossible, 0}, // 20 of 90 pairs, of .4 that kin share
		{"products have keys of their own", 0, nil, .99, 1, VerdictPossible, 0},
		{"there are no keys", -1, nil, doubtSoftware, doubtSoftware, VerdictPossible, 0},
		{"products in one network each", 0, provider, .99, 1, VerdictKin, 40},
		{"values that are all over", 8, all, doubtSoftware, doubtSoftware, VerdictStranger, 0},
	} {
		table.UseNetworks(nil)
		if test.networks != nil {
			networksOf(table, 20000, test.networks)
		}
		x := alikeWorld(table, test.keyed)
		if x.products < test.from || x.products > test.to {
			t.Errorf("%s: doubt %.3f, want %v to %v", test.name, x.products, test.from, test.to)
		}
		k := Kin{Verdict: VerdictStranger} // that are not listed
		for _, other := range must(x.Kinship([]string{addrOf(9)}, Options{Top: 20})) {
			if other.Host == addrOf(8) {
				k = other
			}
		}
		if k.Verdict != test.want {
			t.Errorf("%s: %s with %.2f bits, want %s: %+v %+v", test.name, k.Verdict, k.Bits, test.want, k.Evidence, k.Against)
		}
		if got := len(must(x.Groups(Options{}))); got != test.groups {
			t.Errorf("%s: %d groups, want %d", test.name, got, test.groups)
		}
	}
	if got := scanOf(table, 1000, "jarm").products; got != doubtSoftware {
		t.Errorf("a small scan teaches %v", got)
	}
}

// The doubt by hand: what is told of values (by networks or a baseline) takes
// 95 % off, by their share of the bits; it grows with the square of the scan.
func TestDoubt(t *testing.T) {
	telling, silent, common := rarity{excess: 1, told: true}, rarity{excess: 1}, rarity{excess: .001, told: true}
	table := must(Defaults())
	large, small := scanOf(table, 20000, "jarm"), scanOf(table, 4000, "jarm")
	for _, test := range []struct {
		name   string
		x      *Index
		shared iter.Seq2[float64, rarity]
		clean  bool
		want   float64
	}{
		{"nothing told", large, tenEach(silent, silent), false, .5},
		{"all told", large, tenEach(telling, telling), false, .025},
		{"half told", large, tenEach(telling, silent), false, .2625},
		{"told to be common", large, tenEach(common), false, .4995},
		{"a key", large, tenEach(silent), true, .05},
		{"a key that networks tell of", large, tenEach(telling), true, .0025},
		{"a smaller scan", small, tenEach(silent), false, .02}, // .5 * (1/5)^2
		{"a key in it", small, tenEach(silent), true, .002},
		{"below a thousandth", small, tenEach(telling), true, 0},
		{"nothing shared", large, tenEach(), false, .5},
	} {
		if got := test.x.doubt(test.shared, test.clean, 0); !about(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	for _, test := range []struct{ bits, doubt, want float64 }{{10, 0, 10}, {10, .5, .9972}, {40, .05, 4.322}, {-3, .5, -3.087}} {
		if got := doubted(test.bits, test.doubt); !about(got, test.want) {
			t.Errorf("%v bits doubted by %v: %.4f, want %v", test.bits, test.doubt, got, test.want)
		}
	}
}

// tenEach are values worth ten bits each.
func tenEach(values ...rarity) iter.Seq2[float64, rarity] {
	return func(yield func(float64, rarity) bool) {
		for _, r := range values {
			if !yield(10, r) {
				return
			}
		}
	}
}

// In a small scan there is no doubt of products.
func TestNoDoubtInSmallScans(t *testing.T) {
	for _, k := range must(Kinship([]string{addrOf(0)}, smallScan().hosts(), Options{})) {
		for _, c := range k.Against {
			if c.Family == "product" {
				t.Fatalf("%s: %+v", k.Host, c)
			}
		}
	}
}
