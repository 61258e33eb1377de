package main

import (
	"maps"
	"math"
	"slices"
)

// postings are the values of hosts and the hosts of values by number, for the
// methods that ours is compared with: nothing of package cluster is in them.
type postings struct {
	kinds   []slot // by value: the first slot that asks for its kind
	planted []bool // by value: a provider put it on its hosts
	values  [][]uint32
	holders [][]uint32
}

func newPostings(w *world) *postings {
	x := &postings{values: make([][]uint32, len(w.truth))}
	ids := map[uint64]uint32{}
	first, planted := firstOfKind(), w.planted()
	for h := range w.hosts() {
		for q, v := range h.values {
			if v == "" {
				continue
			}
			key := mix(v) + uint64(first[q])*0x9e3779b97f4a7c15
			id, known := ids[key]
			if !known {
				id = uint32(len(x.kinds))
				ids[key] = id
				x.kinds = append(x.kinds, first[q])
				x.holders = append(x.holders, nil)
				x.planted = append(x.planted, planted[q][v])
			}
			if !slices.Contains(x.values[h.n], id) {
				x.values[h.n] = append(x.values[h.n], id)
				x.holders[id] = append(x.holders[id], uint32(h.n))
			}
		}
	}
	return x
}

// firstOfKind maps each slot to the first one of its kind.
func firstOfKind() [slots]slot {
	ask := questions()
	var out [slots]slot
	for q := range ask {
		out[q] = slot(slices.IndexFunc(ask[:], func(o question) bool { return o.kind == ask[q].kind }))
	}
	return out
}

// rule says whether a value links its holders.
type rule func(x *postings, v uint32) bool

func sameJARM(x *postings, v uint32) bool     { return x.kinds[v] == jarm }
func anyShared(*postings, uint32) bool        { return true }
func identityKeys(x *postings, v uint32) bool { return x.kinds[v] == hostKey || x.kinds[v] == spki }

func rarityWindow(x *postings, v uint32) bool {
	n := len(x.holders[v])
	return n >= 2 && n <= 120
}

// oracle knows what was planted: nobody can find more.
func oracle(x *postings, v uint32) bool { return x.planted[v] }

// components are the clusters that values make which link all their holders.
func (x *postings) components(links rule) []int {
	parent := make([]int, len(x.values))
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for v, list := range x.holders {
		if links(x, uint32(v)) {
			for _, h := range list[1:] {
				parent[find(int(h))] = find(int(list[0]))
			}
		}
	}
	for i := range parent {
		parent[i] = find(i)
	}
	return parent
}

// rank lists the hosts that share linking values with seeds by the weight of
// what they share, ties in the order of their numbers, which are drawn.
func (x *postings) rank(seeds []int, links rule, weight func(n int) float64, top int) []int {
	score := map[int]float64{}
	done := map[uint32]bool{}
	for _, s := range seeds {
		for _, v := range x.values[s] {
			if list := x.holders[v]; !done[v] && links(x, v) {
				done[v] = true
				for _, h := range list {
					score[int(h)] += weight(len(list))
				}
			}
		}
	}
	for _, s := range seeds {
		delete(score, s)
	}
	hosts := slices.SortedFunc(maps.Keys(score), func(a, b int) int {
		if d := score[b] - score[a]; math.Abs(d) > 1e-9 {
			return int(math.Copysign(1, d))
		}
		return a - b
	})
	return hosts[:min(top, len(hosts))]
}

// counted and the inverse document frequency are the two usual weights.
func counted(int) float64 { return 1 }

func (x *postings) idf(n int) float64 { return math.Log2(float64(len(x.values)) / float64(n)) }

// together lists the other hosts of the seeds' components.
func together(component []int, seeds []int) []int {
	var out []int
	for h, c := range component {
		if !slices.Contains(seeds, h) && slices.ContainsFunc(seeds, func(s int) bool { return component[s] == c }) {
			out = append(out, h)
		}
	}
	return out
}
