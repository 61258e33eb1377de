package cluster

import (
	"math"

	"github.com/hostkin/hostkin/cluster/graph"
)

// around is an index as a random walk sees it: a host leads to a value with a
// probability that goes with the square of its bits, a value to any holder.
type around struct {
	*Index
	gate  float64
	links []graph.Link
}

// Links implements graph.Walk.
func (a *around) Links(h hostID) []graph.Link {
	a.links = a.ties(h, a.gate, a.links)
	for i := range a.links {
		a.links[i].Weight *= a.links[i].Weight
	}
	return a.links
}

// Holders implements graph.Walk.
func (a *around) Holders(v valueID) []hostID { return a.holdersOf(v) }

// walk ranks the hosts around the seeds.
func (x *Index) walk(seeds []hostID) *graph.Ranking {
	return graph.Rank(&around{Index: x, gate: x.gate()}, seeds, graph.Options{})
}

// massOf is what a ranking gives to each host, in parts of a million.
func massOf(r *graph.Ranking) map[hostID]float64 {
	mass := make(map[hostID]float64, len(r.Hosts))
	for _, m := range r.Hosts {
		mass[m.Host] = math.Round(1e9*m.Mass) / 1e3
	}
	return mass
}

// steps puts a way into words: the seed, then each host with the value that
// led to it.
func (x *Index) steps(way []uint32) []Step {
	var out []Step
	for i := 0; i < len(way); i += 2 {
		s := Step{Host: x.addrs[way[i]].String()}
		if i > 0 {
			f := x.feature(way[i-1])
			s.Kind, s.Value = f.kind, f.value
		}
		out = append(out, s)
	}
	return out
}
