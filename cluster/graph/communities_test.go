package graph

import "testing"

var plans = []plan{
	{hosts: 20000, largest: 800, shared: .5, wrong: .11, popular: 3, popularOn: 2000},
	{hosts: 20000, largest: 800, shared: .5, wrong: .25, popular: 3, popularOn: 2000},
	{hosts: 100000, largest: 2000, shared: .5, wrong: .11, popular: 5, popularOn: 20000},
}

func TestExplore(t *testing.T) {
	for _, p := range plans {
		g := plant(p, 1)
		t.Logf("%+v: true largest %d", p, compare(g.truth, g.truth).largest)
		t.Logf("components    %+v", compare(g.truth, components(g.Graph, 1<<30)))
		t.Logf("communities   %+v", compare(g.truth, Communities(g.Graph, 32)))
		if p.hosts < 20000 {
			t.Logf("exact      %+v", compare(g.truth, exact(g.Graph, 32)))
		}
	}
}
