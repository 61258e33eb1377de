package main

import (
	"net/netip"
	"slices"

	"github.com/hostkin/hostkin/cluster"
)

// population is a world as the index knows it, and the way back from
// addresses to the numbers of the truth.
type population struct {
	*world
	index   *cluster.Index
	numbers map[netip.Addr]int
	addrs   []netip.Addr
	roles   []role
	of      provided
}

// load indexes a world, without the kinds of a family.
func load(w *world, table *cluster.Table, without string) *population {
	p := &population{world: w, numbers: make(map[netip.Addr]int, len(w.truth)), addrs: make([]netip.Addr, len(w.truth)), roles: make([]role, len(w.truth))}
	b := cluster.NewBuilder(table)
	for f := range w.prints(without) {
		b.Add(f)
	}
	p.index = b.Index()
	for h := range w.hosts() {
		p.addrs[h.n], p.roles[h.n] = h.addr, h.role
		p.numbers[h.addr] = h.n
	}
	p.of = countProvided(w)
	return p
}

// number is the host of an address. An address that was never given out is a
// fault of the method that names it.
func (p *population) number(addr string) int {
	a, err := netip.ParseAddr(addr)
	n, ok := p.numbers[a]
	if err != nil || !ok {
		panic("clustering: a result names " + addr + ", which is no host of this world")
	}
	return n
}

// drawSeeds draws sets of observable hosts: a provider with at least least of
// them, each with the same chance, then so many of its hosts.
func (p *population) drawSeeds(sets, each, least int) [][]int {
	byProvider := make([][]int, len(p.providers))
	for i, m := range p.truth {
		if m.observable() {
			byProvider[m.provider()] = append(byProvider[m.provider()], i)
		}
	}
	byProvider = slices.DeleteFunc(byProvider, func(hosts []int) bool { return len(hosts) < max(least, each+1) })
	r := source(p.seed, "seeds", each)
	var out [][]int
	for range sets {
		if len(byProvider) == 0 {
			break
		}
		hosts := byProvider[r.IntN(len(byProvider))]
		var set []int
		for _, k := range r.Perm(len(hosts))[:each] {
			set = append(set, hosts[k])
		}
		out = append(out, set)
	}
	return out
}

func countProvided(w *world) provided {
	of := provided{make([]int, len(w.providers)), make([]int, len(w.providers))}
	for _, m := range w.truth {
		if m == stranger {
			continue
		}
		of.all[m.provider()]++
		if m.observable() {
			of.observable[m.provider()]++
		}
	}
	return of
}
