package graph

import (
	"fmt"
	"slices"
	"testing"
)

// TestCommunitiesArePlanted compares with what was planted, with the
// propagation that keeps every label of every value, and with components.
func TestCommunitiesArePlanted(t *testing.T) {
	for _, p := range []plan{
		{hosts: 2000, largest: 100, shared: .5, wrong: .11, popular: 3, popularOn: 150},
		{hosts: 2000, largest: 100, shared: .5, wrong: .25, popular: 3, popularOn: 150},
		{hosts: 40000, largest: 1000, shared: .5, wrong: .11, popular: 2, popularOn: 20000},
	} {
		g := plant(p, 1)
		largest := compare(g.truth, g.truth).largest
		got := compare(g.truth, Communities(g.Graph, 32))
		t.Logf("%+v: largest %d\ncommunities %+v\ncomponents  %+v", p, largest, got, compare(g.truth, components(g.Graph, 120)))
		if got.f < .8 || got.precision < .85 || got.recall < .35 || float64(got.largest) > 1.1*float64(largest) {
			t.Errorf("%+v: %+v, the largest is %d", p, got, largest)
		}
		if p.hosts > 2000 || p.wrong > .2 { // slow
			continue
		}
		want := compare(g.truth, exact(g.Graph, 32))
		t.Logf("exact       %+v", want)
		if got.f < want.f {
			t.Errorf("%+v: %+v, worse than %+v", p, got, want)
		}
	}
}

func TestCommunitiesKnowNoNumbersOfValues(t *testing.T) {
	g := plant(plan{hosts: 4000, largest: 200, shared: .5, wrong: .25, popular: 3, popularOn: 400}, 2)
	if !slices.Equal(Communities(g.Graph, 32), Communities(renumbered(g.Graph), 32)) {
		t.Error("other communities")
	}
}

// TestOneValue: what one value alone ties together.
func TestOneValue(t *testing.T) {
	for hosts, together := range map[int]bool{2: true, 500: true, 5000: false} {
		lists := make([][]uint32, hosts)
		for h := range lists {
			lists[h] = []uint32{0}
		}
		got := Communities(of(lists...), 32)
		if last := got[hosts-1]; (last == 0) != together {
			t.Errorf("value on %d hosts: the last is with %d", hosts, last)
		}
	}
	// Three values of a popular image do what one cannot.
	lists := make([][]uint32, 5000)
	for h := range lists {
		lists[h] = []uint32{0, 1, 2}
	}
	if got := Communities(of(lists...), 32); got[4999] != 0 {
		t.Error("three values on 5000 hosts: no community")
	}
}

// TestStrangersStayOut: a value shared with one member draws nobody in, nor
// does it join two communities.
func TestStrangersStayOut(t *testing.T) {
	lists := make([][]uint32, 21)
	for h := range 20 {
		lists[h] = []uint32{uint32(h / 10), uint32(2 + h/10)}
	}
	lists[3] = append(lists[3], 4, 5)
	lists[20] = []uint32{4}          // the stranger
	lists[15] = append(lists[15], 5) // the other community
	got := Communities(of(lists...), 32)
	for h := range lists {
		if want := []uint32{0, 10, 20}[h/10]; got[h] != want {
			t.Errorf("host %d is with %d, want %d", h, got[h], want)
		}
	}
}

// TestSplit: hosts of one label that share no value which carries it part.
func TestSplit(t *testing.T) {
	p := newPropagation(of([]uint32{0}, []uint32{0, 1}, []uint32{1, 2}, []uint32{2}, []uint32{3}, []uint32{3}))
	p.label = []uint32{0, 0, 2, 0, 0, 0}
	for v := range p.votes {
		p.votes[v] = p.count(p.holders(uint32(v)))
	}
	if got, want := p.split(), []uint32{0, 0, 2, 3, 4, 4}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestVotes: the two labels with most holders; hosts alone have no vote.
func TestVotes(t *testing.T) {
	p := newPropagation(of([]uint32{0}, []uint32{0}, []uint32{0}, []uint32{0}, []uint32{0}, []uint32{0}, []uint32{0}, []uint32{0}))
	p.label = []uint32{4, 1, 6, 6, 1, 6, 6, alone | 7}
	if got, want := p.count(p.holders(0)), (votes{[2]uint32{6, 1}, [2]uint32{whole / 2, whole / 4}}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestTies: a host keeps its label at a tie, else takes the smallest.
func TestTies(t *testing.T) {
	p := newPropagation(of([]uint32{0, 1}, []uint32{0}, []uint32{1}))
	for _, v := range [][2]int{{0, 1}, {1, 0}} {
		p.votes[v[0]], p.votes[v[1]] = votes{[2]uint32{7}, [2]uint32{whole}}, votes{[2]uint32{5}, [2]uint32{whole}}
		for present, want := range map[uint32]uint32{alone: 5, 5: 5, 7: 7} {
			p.label[0] = present
			if got := p.choose(0); got != want {
				t.Errorf("from %d to %d, want %d", present, got, want)
			}
		}
	}
}

func TestTally(t *testing.T) {
	var c tally
	for range 3 { // used again
		c.clear()
		for i := range uint32(5000) {
			c.add(i%1000*7919, 1, uint64(i%1000))
		}
		if len(c.list) != 1000 {
			t.Fatalf("%d labels", len(c.list))
		}
		for i, e := range c.list {
			if e != (entry{uint32(i) * 7919, 5, 5 * uint64(i)}) {
				t.Fatalf("entry %d is %v", i, e)
			}
		}
	}
}

// FuzzGraph reads a graph of up to 32 hosts and values, two bytes a link.
func FuzzGraph(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 1, 1, 2, 1})
	f.Add([]byte("hosts hold values; values tie hosts"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lists := make([][]link, 32)
		for i := 0; i+1 < len(data); i += 2 {
			lists[data[i]%32] = append(lists[data[i]%32], link{uint32(data[i+1] % 32), float32(data[i] >> 5)})
		}
		g := compress(lists, 32)
		other := renumbered(g)
		labels := Communities(g, 8)
		if !slices.Equal(labels, Communities(other, 8)) {
			t.Error("communities depend on the numbers of values")
		}
		for h, l := range labels {
			if l > uint32(h) || labels[l] != l {
				t.Errorf("host %d is with %d, which is with %d", h, l, labels[l])
			}
		}
		if parts := inside(g, labels); !slices.Equal(parts, labels) {
			t.Errorf("communities %v hang together as %v", labels, parts)
		}
		r := Rank(&rows{Graph: g}, []uint32{0, 9}, Options{})
		if o := Rank(&rows{Graph: other}, []uint32{9, 0}, Options{}); !slices.Equal(r.Hosts, o.Hosts) {
			t.Error("masses depend on the numbers of values")
		}
		sum := 0.
		for _, m := range r.Hosts {
			sum += m.Mass
			way := r.Way(m.Host)
			if len(way)%2 != 1 || way[len(way)-1] != m.Host || way[0] != 0 && way[0] != 9 {
				t.Errorf("way to %d: %v", m.Host, way)
			}
			for i := 1; i < len(way); i += 2 {
				holders := g.Holders[g.From[way[i]]:g.From[way[i]+1]]
				if !slices.Contains(holders, way[i-1]) || !slices.Contains(holders, way[i+1]) {
					t.Errorf("way to %d: %v", m.Host, way)
				}
			}
		}
		if sum > 1+1e-9 {
			t.Errorf("masses sum to %v", sum)
		}
	})
}

// inside are the components of the graph after every link between communities is cut.
func inside(g *Graph, labels []uint32) []uint32 {
	lists := make([][]link, len(labels))
	for h, l := range labels {
		for _, v := range g.Links[g.Start[h]:g.Start[h+1]] {
			lists[h] = append(lists[h], link{v*32 + l, 1})
		}
	}
	parts := components(compress(lists, 32*32), 1<<30)
	least := map[uint32]uint32{}
	for h, p := range parts {
		if _, ok := least[p]; !ok {
			least[p] = uint32(h)
		}
		parts[h] = least[p]
	}
	return parts
}

func BenchmarkCommunities(b *testing.B) {
	for _, hosts := range []int{1e4, 1e5, 1e6} {
		g := plant(plan{hosts: hosts, largest: hosts / 50, shared: .9, wrong: .11, popular: 5, popularOn: hosts / 50}, 1)
		b.Run(fmt.Sprintf("hosts=%d/links=%d", hosts, len(g.Links)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Communities(g.Graph, 32)
			}
		})
	}
}
