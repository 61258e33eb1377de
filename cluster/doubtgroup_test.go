package cluster

import (
	"net/netip"
	"testing"
)

// However well networks speak against a product, a group may be a hoster's
// image; only a baseline tells that its values are found nowhere else. A link of
// a seed has no such doubt, and a small scan none at all.
func TestDoubtOfGroups(t *testing.T) {
	large := &Index{Builder: &Builder{addrs: make([]netip.Addr, shareHosts)}, products: doubtKey}
	small := &Index{Builder: &Builder{addrs: make([]netip.Addr, 500)}, products: doubtKey}
	networks, beyond := rarity{excess: 1, told: true}, rarity{excess: 1, told: true, beyond: true}
	for _, test := range []struct {
		name  string
		x     *Index
		r     rarity
		floor float64
		sure  bool // a confidence of .99 and more is possible
	}{
		{"a group, by networks", large, networks, doubtGroup, false},
		{"a group, by a baseline", large, beyond, doubtGroup, true},
		{"a link, by networks", large, networks, 0, true},
		{"a group of a small scan", small, rarity{excess: 1}, doubtGroup, true},
	} {
		doubt := test.x.doubt(tenEach(test.r, test.r), true, test.floor)
		if got := confidence(doubted(20, doubt)) >= .99; got != test.sure {
			t.Errorf("%s: doubt %.4f, a confidence of .99 and more: %v, want %v", test.name, doubt, got, test.sure)
		}
	}
}
