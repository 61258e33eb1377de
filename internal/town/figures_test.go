package town

import (
	"net/netip"
	"testing"
)

func TestFigures(t *testing.T) {
	a := func(s string) netip.Addr { return netip.MustParseAddr("127.0.0." + s) }
	tn := &Town{Truth: map[netip.Addr]Role{
		a("1"): {Provider: "p", Kind: Golden}, a("2"): {Provider: "p", Kind: Drifted}, a("3"): {Provider: "p", Kind: Rekeyed},
		a("4"): {Kind: NearMiss}, a("5"): {Provider: "cdn-x", Kind: CDN},
	}}
	var f Figures
	p, r := f.Add(tn, a("1"), []netip.Addr{a("2"), a("4")}, []netip.Addr{a("2"), a("4"), a("3"), a("5")})
	if p != .5 || r != .5 || f.False[NearMiss] != 1 {
		t.Errorf("precision %v, recall %v, false %v; want .5, .5, one near miss", p, r, f.False)
	}
	if want := (1 + 2./3) / 2; f.AP < want-1e-9 || f.AP > want+1e-9 {
		t.Errorf("average precision %v, want %v", f.AP, want)
	}
	if p, _ := f.Add(tn, a("2"), nil, nil); p != 1 || f.Precision != .75 || f.Worst != .5 || f.Recall != .25 {
		t.Errorf("after a seed that called nobody kin: %+v, want mean precision .75, worst .5, recall .25", f)
	}
}
