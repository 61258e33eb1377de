package graph

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// planted is a graph whose communities are known. A community is an operator
// with one to four images; an image has values of its own, some values are of
// the whole operator. A share of the links goes to values of strangers, and a
// few popular values tie hosts of everywhere together.
type planted struct {
	*Graph
	truth []uint32 // community of each host; strangers have one each
}

type plan struct {
	hosts     int
	largest   int     // hosts of the largest community; the k-th has largest/k^.7
	shared    float64 // of the hosts are in a community
	wrong     float64 // of the links lead to a value of another community
	popular   int     // values on as many hosts as popularOn, whoever they are of
	popularOn int
}

func plant(p plan, seed uint64) planted {
	r := rand.New(rand.NewPCG(seed, 1))
	g := planted{truth: make([]uint32, p.hosts)}
	order := r.Perm(p.hosts)
	lists := make([][]link, p.hosts)
	values := uint32(0)
	add := func(h int, v uint32, w float64) { lists[h] = append(lists[h], link{v, float32(w)}) }
	fresh := func() (uint32, float64) { values++; return values - 1, 11 + 9*r.Float64() }
	var telling []link // the values of communities
	at, label := 0, uint32(0)
	for k := 1; at < int(float64(p.hosts)*p.shared); k++ {
		size := max(3, int(float64(p.largest)/math.Pow(float64(k), .7)))
		size = min(size, p.hosts-at)
		members := order[at : at+size]
		at += size
		for _, h := range members {
			g.truth[h] = label
		}
		label++
		images := 1 + r.IntN(4)
		for range 2 { // of the operator: a certificate's organisation, a private CA
			v, w := fresh()
			telling = append(telling, link{v, float32(w)})
			for _, h := range members {
				if r.Float64() < .6 {
					add(h, v, w)
				}
			}
		}
		for i := range images {
			for range 3 + r.IntN(2) {
				v, w := fresh()
				telling = append(telling, link{v, float32(w)})
				for j, h := range members {
					if j%images == i && r.Float64() < .8 {
						add(h, v, w)
					}
				}
			}
		}
	}
	for _, h := range order[at:] {
		g.truth[h] = label
		label++
	}
	for h := range lists { // wrong links: to a stranger's value, or to one that two strangers happen to hold
		for range len(lists[h]) {
			if r.Float64() < p.wrong/(1-p.wrong) {
				l := telling[r.IntN(len(telling))]
				lists[h] = append(lists[h], l)
			}
		}
		if r.Float64() < .3 {
			v, w := fresh()
			add(h, v, w)
			add(r.IntN(p.hosts), v, w)
		}
	}
	for range p.popular {
		v, w := fresh()
		for range p.popularOn {
			add(r.IntN(p.hosts), v, w*.6)
		}
	}
	g.Graph = compress(lists, int(values))
	return g
}

type link struct {
	value  uint32
	weight float32
}

// compress sorts the links of each host and drops doubles and the values of one host.
func compress(lists [][]link, values int) *Graph {
	g := &Graph{Start: make([]uint32, len(lists)+1), From: make([]uint32, values+1)}
	for h, list := range lists {
		slices.SortFunc(list, func(a, b link) int { return cmp.Compare(a.value, b.value) })
		list = slices.CompactFunc(list, func(a, b link) bool { return a.value == b.value })
		for _, l := range list {
			g.Links = append(g.Links, l.value)
			g.Weights = append(g.Weights, l.weight)
			g.From[l.value+1]++
		}
		g.Start[h+1] = uint32(len(g.Links))
	}
	for v := range values {
		g.From[v+1] += g.From[v]
	}
	g.Holders = make([]uint32, len(g.Links))
	next := slices.Clone(g.From)
	for h := range lists {
		for _, v := range g.Links[g.Start[h]:g.Start[h+1]] {
			g.Holders[next[v]] = uint32(h)
			next[v]++
		}
	}
	return g
}

// quality compares communities with the truth.
type quality struct {
	precision, recall float64 // of pairs
	f                 float64 // B-cubed
	largest           int
}

func compare(truth, found []uint32) quality {
	type cell struct{ truth, found uint32 }
	cells, t, f := map[cell]int{}, map[uint32]int{}, map[uint32]int{}
	for h := range truth {
		cells[cell{truth[h], found[h]}]++
		t[truth[h]]++
		f[found[h]]++
	}
	pairs := func(n int) float64 { return float64(n) * float64(n-1) / 2 }
	var q quality
	var both, p, r, inTruth, inFound float64
	for c, n := range cells {
		both += pairs(n)
		p += float64(n) * float64(n) / float64(f[c.found])
		r += float64(n) * float64(n) / float64(t[c.truth])
	}
	for _, n := range t {
		inTruth += pairs(n)
	}
	for _, n := range f {
		inFound += pairs(n)
		q.largest = max(q.largest, n)
	}
	p, r = p/float64(len(truth)), r/float64(len(truth))
	q.f = 2 * p * r / (p + r)
	q.precision, q.recall = both/max(1, inFound), both/max(1, inTruth)
	return q
}

// exact is the propagation that Communities approximates: every host takes the
// label with most of the weight of its values, each value's divided by its holders.
func exact(g *Graph, rounds int) []uint32 {
	label := make([]uint32, len(g.Start)-1)
	mass := make([]map[uint32]float64, len(g.From)-1)
	for v := range mass {
		mass[v] = map[uint32]float64{}
	}
	for h := range label {
		label[h] = uint32(h)
		for i := g.Start[h]; i < g.Start[h+1]; i++ {
			mass[g.Links[i]][uint32(h)] += float64(g.Weights[i])
		}
	}
	for range rounds {
		moved := false
		for h := range label {
			pull := map[uint32]float64{}
			for i := g.Start[h]; i < g.Start[h+1]; i++ {
				v, w := g.Links[i], float64(g.Weights[i])
				mass[v][label[h]] -= w
				if mass[v][label[h]] < 1e-9 {
					delete(mass[v], label[h])
				}
				for l, m := range mass[v] {
					pull[l] += w * m / float64(g.From[v+1]-g.From[v])
				}
			}
			best := label[h]
			for l, w := range pull {
				if d := math.Round(1e6*w) - math.Round(1e6*pull[best]); d > 0 || d == 0 && l < best {
					best = l
				}
			}
			for i := g.Start[h]; i < g.Start[h+1]; i++ {
				mass[g.Links[i]][best] += float64(g.Weights[i])
			}
			moved = moved || best != label[h]
			label[h] = best
		}
		if !moved {
			break
		}
	}
	return label
}

// components ties everybody together that shares a value on at most so many hosts.
func components(g *Graph, most uint32) []uint32 {
	root := make([]uint32, len(g.Start)-1)
	for h := range root {
		root[h] = uint32(h)
	}
	find := func(h uint32) uint32 {
		for root[h] != h {
			root[h] = root[root[h]]
			h = root[h]
		}
		return h
	}
	for v := range len(g.From) - 1 {
		holders := g.Holders[g.From[v]:g.From[v+1]]
		if len(holders) == 0 || uint32(len(holders)) > most {
			continue
		}
		for _, h := range holders[1:] {
			root[find(h)] = find(holders[0])
		}
	}
	for h := range root {
		root[h] = find(uint32(h))
	}
	return root
}
