package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slices of a Graph as a Walk, weights squared.
type rows struct {
	*Graph
	links []Link
	asked int // nodes
}

func (r *rows) Links(h uint32) []Link {
	r.asked++
	r.links = r.links[:0]
	for i := r.Start[h]; i < r.Start[h+1]; i++ {
		w := float64(r.Weights[i])
		r.links = append(r.links, Link{r.Graph.Links[i], w * w})
	}
	return r.links
}

func (r *rows) Holders(v uint32) []uint32 {
	r.asked++
	return r.Graph.Holders[r.From[v]:r.From[v+1]]
}

// of builds a graph from the values of each host, all of one weight.
func of(values ...[]uint32) *Graph {
	lists := make([][]link, len(values))
	last := uint32(0)
	for h, list := range values {
		for _, v := range list {
			lists[h] = append(lists[h], link{v, 1})
			last = max(last, v)
		}
	}
	return compress(lists, int(last)+1)
}

func mass(r *Ranking, host uint32) float64 {
	for _, m := range r.Hosts {
		if m.Host == host {
			return m.Mass
		}
	}
	return 0
}

// TestRankByHand compares with the solution of the equations of a pair: the
// seed s has p, the other q = .7 * (p+q)/2 without the restart of .3.
func TestRankByHand(t *testing.T) {
	r := Rank(&rows{Graph: of([]uint32{0}, []uint32{0})}, []uint32{1}, Options{})
	if s, o := mass(r, 1), mass(r, 0); math.Abs(s-.65) > 1e-4 || math.Abs(o-.35) > 1e-4 {
		t.Errorf("seed %v, other %v; want .65 and .35", s, o)
	}
	if got := r.Way(0); !slices.Equal(got, []uint32{1, 0, 0}) {
		t.Errorf("way %v", got)
	}
	if got := r.Way(1); !slices.Equal(got, []uint32{1}) {
		t.Errorf("way to the seed %v", got)
	}
}

// TestRankIsPageRank compares with the power iteration over the whole graph.
func TestRankIsPageRank(t *testing.T) {
	g := plant(plan{hosts: 300, largest: 40, shared: .6, wrong: .11, popular: 2, popularOn: 60}, 3)
	seeds := []uint32{7, 30, 200}
	r := Rank(&rows{Graph: g.Graph}, seeds, Options{Epsilon: 1e-10})
	want := iterate(g.Graph, seeds)
	sum := 0.
	for h, w := range want {
		if got := mass(r, uint32(h)); math.Abs(got-w) > 1e-6 {
			t.Errorf("host %d: %v, want %v", h, got, w)
		}
	}
	for i, m := range r.Hosts {
		sum += m.Mass
		if i > 0 && (r.Hosts[i-1].Mass < m.Mass || r.Hosts[i-1].Mass == m.Mass && r.Hosts[i-1].Host >= m.Host) {
			t.Errorf("not in order at %d", i)
		}
	}
	if sum > 1 || sum < .9999 {
		t.Errorf("masses sum to %v", sum)
	}
}

// iterate is the personalised PageRank by definition.
func iterate(g *Graph, seeds []uint32) []float64 {
	ends := make([]float64, len(g.Start)-1)
	at := make([]float64, len(ends))
	for _, s := range seeds {
		at[s] = 1 / float64(len(seeds))
	}
	w := rows{Graph: g}
	for range 200 {
		next := make([]float64, len(at))
		for h, m := range at {
			links, total := slices.Clone(w.Links(uint32(h))), 0.
			for _, l := range links {
				total += l.Weight
			}
			if total == 0 {
				ends[h] += m
				continue
			}
			ends[h] += .3 * m
			for _, l := range links {
				holders := w.Holders(l.Value)
				for _, o := range holders {
					next[o] += .7 * m * l.Weight / total / float64(len(holders))
				}
			}
		}
		at = next
	}
	return ends
}

// TestRankSymmetric: hosts that look alike from the seeds get the same bits.
func TestRankSymmetric(t *testing.T) {
	ring := make([][]uint32, 30) // of values, with a value of all
	for h := range ring {
		ring[h] = []uint32{uint32(h), uint32((h + 1) % len(ring)), 40}
	}
	r := Rank(&rows{Graph: of(ring...)}, []uint32{10, 25}, Options{})
	for d := range uint32(8) {
		for _, o := range []uint32{10 - d, (25 + d) % 30, 25 - d} {
			if a, b := mass(r, 10+d), mass(r, o); a != b {
				t.Errorf("host %d has %v, host %d %v", 10+d, a, o, b)
			}
		}
	}
	if r.Hosts[0].Host != 10 || r.Hosts[1].Host != 25 {
		t.Errorf("best %v, want the seeds", r.Hosts[:2])
	}
}

// TestRankKnowsNoOrder: numbers of values, order of links and of seeds, and
// repeated seeds do not matter.
func TestRankKnowsNoOrder(t *testing.T) {
	g := plant(plan{hosts: 3000, largest: 200, shared: .6, wrong: .11, popular: 2, popularOn: 500}, 5)
	r := Rank(&rows{Graph: g.Graph}, []uint32{1, 2}, Options{})
	o := Rank(&rows{Graph: renumbered(g.Graph)}, []uint32{2, 1, 2}, Options{})
	if !slices.Equal(r.Hosts, o.Hosts) {
		t.Error("other masses")
	}
}

// renumbered is the same graph with other numbers of values, and so another
// order of links.
func renumbered(g *Graph) *Graph {
	to := rand.New(rand.NewPCG(9, 9)).Perm(len(g.From) - 1)
	lists := make([][]link, len(g.Start)-1)
	for h := range lists {
		for i := g.Start[h]; i < g.Start[h+1]; i++ {
			lists[h] = append(lists[h], link{uint32(to[g.Links[i]]), g.Weights[i]})
		}
	}
	return compress(lists, len(to))
}

// TestWay: the likeliest way is the one over rare values, not the shortest.
func TestWay(t *testing.T) {
	hosts := make([][]uint32, 100)
	for h := range hosts {
		hosts[h] = []uint32{0} // popular
	}
	hosts[0] = []uint32{0, 1}
	hosts[1] = []uint32{1, 2, 3}
	hosts[2] = []uint32{0, 2, 3}
	r := Rank(&rows{Graph: of(hosts...)}, []uint32{0}, Options{})
	if got := r.Way(2); !slices.Equal(got, []uint32{0, 1, 1, 2, 2}) {
		t.Errorf("way %v", got)
	}
	if got := r.Way(50); !slices.Equal(got, []uint32{0, 0, 50}) {
		t.Errorf("way over the popular value %v", got)
	}
	if got := r.Way(1000); got != nil {
		t.Errorf("way to nowhere %v", got)
	}
}

// TestWayCountsTheEnd: 1/4 * 1/4 is more than 1/2 * 1/9, but most walks end
// before the longer way does.
func TestWayCountsTheEnd(t *testing.T) {
	hosts := [][]uint32{{0, 1}, {1, 2}, {0, 2}}
	for range 7 {
		hosts = append(hosts, []uint32{0})
	}
	r := Rank(&rows{Graph: of(hosts...)}, []uint32{0}, Options{})
	if got := r.Way(2); !slices.Equal(got, []uint32{0, 0, 2}) {
		t.Errorf("way %v", got)
	}
}

// TestRankIsLocal: what is touched does not grow with the graph, and a popular
// value is left alone as long as little of the walk comes by.
func TestRankIsLocal(t *testing.T) {
	for _, hosts := range []int{10000, 40000} {
		lists := make([][]uint32, hosts)
		for h := range lists {
			lists[h] = []uint32{uint32(h / 10), uint32(h/10 + 1)}
		}
		g := of(lists...)
		w := &rows{Graph: g}
		Rank(w, []uint32{5000}, Options{})
		if w.asked > 3000 {
			t.Errorf("%d hosts: %d nodes asked for", hosts, w.asked)
		}
		if r := Rank(w, []uint32{5000}, Options{Most: 100}); len(r.Hosts) == 0 || len(r.Hosts) > 50 || r.Hosts[0].Host != 5000 {
			t.Errorf("with a cap of 100 links %d hosts", len(r.Hosts))
		}
	}
}

func TestRankOddWeights(t *testing.T) {
	for _, weights := range [][]float64{{0, 1}, {-1, 2}, {math.NaN(), 1}, {math.Inf(1), 1}} {
		w := odd{weights}
		r := Rank(w, []uint32{0}, Options{})
		if mass(r, 1) != 0 || mass(r, 2) == 0 {
			t.Errorf("%v: %v", weights, r.Hosts)
		}
	}
	for _, weights := range [][]float64{nil, {0}, {math.NaN(), math.Inf(1)}} {
		r := Rank(odd{weights}, []uint32{0}, Options{})
		if len(r.Hosts) != 1 || r.Hosts[0].Mass != 1 {
			t.Errorf("%v: %v, want all on the seed", weights, r.Hosts)
		}
	}
	if r := Rank(odd{}, nil, Options{}); len(r.Hosts) > 0 {
		t.Errorf("without seeds %v", r.Hosts)
	}
}

// odd ties host 0 to host v+1 by value v.
type odd struct{ weights []float64 }

func (o odd) Links(h uint32) (links []Link) {
	for v, w := range o.weights {
		if h == 0 || int(h) == v+1 {
			links = append(links, Link{uint32(v), w})
		}
	}
	return links
}

func (o odd) Holders(v uint32) []uint32 { return []uint32{0, v + 1} }

func BenchmarkRank(b *testing.B) {
	for _, hosts := range []int{1e5, 1e6} {
		g := plant(plan{hosts: hosts, largest: 2000, shared: .5, wrong: .11, popular: 5, popularOn: 20000}, 1)
		var members []uint32
		for h, c := range g.truth {
			if c < 100 {
				members = append(members, uint32(h))
			}
		}
		for _, ways := range []bool{false, true} {
			b.Run(fmt.Sprintf("hosts=%d/ways=%v", hosts, ways), func(b *testing.B) {
				b.ReportAllocs()
				asked, found := 0, 0
				for i := 0; b.Loop(); i++ {
					w := &rows{Graph: g.Graph}
					r := Rank(w, members[i*7919%len(members):][:1], Options{})
					if ways {
						for _, m := range r.Hosts[:min(50, len(r.Hosts))] {
							r.Way(m.Host)
						}
					}
					asked += w.asked
					found += len(r.Hosts)
				}
				b.ReportMetric(float64(asked)/float64(b.N), "asked/op")
				b.ReportMetric(float64(found)/float64(b.N), "hosts/op")
			})
		}
	}
}
