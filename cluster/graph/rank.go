// Package graph ranks and groups the hosts of a bipartite graph: hosts on one
// side, the values that they hold on the other. Both are numbers; what a value
// is and what it weighs is the caller's. No result depends on how values are
// numbered, on the order of the processors' work or on that of a map.
package graph

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// Walk is a graph that is asked for as a walk gets there, so that a ranking
// costs the same however large the scan is. What is returned is valid until
// the next call.
type Walk interface {
	Links(host uint32) []Link      // the values that tie a host to others
	Holders(value uint32) []uint32 // the hosts that hold a value, ascending
}

// Link ties a host to a value. The walk takes it with a probability
// proportional to Weight; weights that are not positive and finite count for 0.
type Link struct {
	Value  uint32
	Weight float64
}

// Options of Rank; zero fields take the defaults.
type Options struct {
	Alpha   float64 // probability that the walk ends at a host; .3
	Epsilon float64 // residual a link below which a node is left alone; 1e-6
	Most    int     // links followed at most; 1 << 22
}

// Ranking is where a walk from the seeds ends.
type Ranking struct {
	Hosts []Mass // by falling mass, then by number; seeds included
	*walk
	ways *ways
}

// Mass is the probability that the walk ends at a host, from below.
type Mass struct {
	Host uint32
	Mass float64
}

// Rank computes the personalised PageRank of the hosts around the seeds, which
// restarts evenly at each of them, by the local push of Andersen, Chung and
// Lang, "Local Graph Partitioning using PageRank Vectors", FOCS 2006.
//
// A walk ends at a host with probability alpha, else goes to one of its values
// by weight and on to any holder of that value, the host itself included: so
// that what came to a value from many hosts is shared out once for all of
// them. Leaving out the host would take a turn for each, n^2 steps for a value
// on n hosts. A residual is pushed on while it is at least epsilon a link, so
// at most about 2/(alpha*epsilon) links are followed, and a value on very many
// hosts only when much of the walk comes by.
//
// Hosts and values push in turns, each turn whole, in fixed point: sums do not
// depend on the order in which links are given.
func Rank(w Walk, seeds []uint32, o Options) *Ranking {
	k := &walk{graph: w, alpha: cmp.Or(o.Alpha, .3), most: cmp.Or(o.Most, 1<<22)}
	k.epsilon = max(1, uint64(cmp.Or(o.Epsilon, 1e-6)*unit))
	k.stop = uint64(k.alpha * (1 << 32))
	k.hosts.index, k.values.index = map[uint32]uint32{}, map[uint32]uint32{}
	seeds = slices.Compact(slices.Sorted(slices.Values(seeds)))
	for _, s := range seeds {
		h := k.hosts.touch(s)
		k.seeds = append(k.seeds, h)
		k.hosts.add(h, unit/uint64(len(seeds)))
	}
	for k.pushHosts() && k.pushValues() {
	}
	r := &Ranking{walk: k}
	for h, id := range k.hosts.ids {
		// What still lies on a host will end there at least with alpha.
		settled := k.hosts.settled[h] + k.stopped(k.hosts.residual[h])
		if settled > 0 {
			r.Hosts = append(r.Hosts, Mass{id, float64(settled) / unit})
		}
	}
	slices.SortFunc(r.Hosts, func(a, b Mass) int {
		return cmp.Or(cmp.Compare(b.Mass, a.Mass), cmp.Compare(a.Host, b.Host))
	})
	return r
}

const (
	unit   = 1 << 62 // a probability of 1
	scale  = 1 << 31 // the greatest weight of a host
	unseen = math.MaxUint32
)

// walk is the part of the graph that was touched, under numbers of its own.
type walk struct {
	graph         Walk
	alpha         float64
	stop          uint64 // alpha * 2^32
	epsilon       uint64
	most          int // links that may still be followed
	seeds         []uint32
	hosts, values side
	out           []arc    // of hosts that were pushed
	back          []uint32 // hosts of values that were pushed
}

// side is the touched nodes of hosts, or of values.
type side struct {
	index    map[uint32]uint32
	ids      []uint32
	residual []uint64
	settled  []uint64
	degree   []uint32 // unseen until the residual asks for it
	arcs     []span   // in out or back; empty until pushed
	total    []uint64 // of the weights of arcs
	waiting  []bool
	queue    []uint32 // what received since the last turn
}

type (
	span struct{ from, to uint32 }
	arc  struct{ value, weight uint32 }
)

func (s *side) touch(id uint32) uint32 {
	n, ok := s.index[id]
	if !ok {
		n = uint32(len(s.ids))
		s.index[id] = n
		s.ids = append(s.ids, id)
		s.residual = append(s.residual, 0)
		s.settled = append(s.settled, 0)
		s.degree = append(s.degree, unseen)
		s.arcs = append(s.arcs, span{})
		s.total = append(s.total, 0)
		s.waiting = append(s.waiting, false)
	}
	return n
}

func (s *side) add(n uint32, mass uint64) {
	s.residual[n] += mass
	if !s.waiting[n] {
		s.waiting[n] = true
		s.queue = append(s.queue, n)
	}
}

// turn takes from the queue the nodes whose residual is worth pushing.
func (k *walk) turn(s *side, degree func(id uint32) int) []uint32 {
	var due []uint32
	cost := 0
	for _, n := range s.queue {
		s.waiting[n] = false
		if s.residual[n] < k.epsilon {
			continue
		}
		if s.degree[n] == unseen {
			s.degree[n] = uint32(degree(s.ids[n]))
		}
		if s.residual[n]/uint64(max(1, s.degree[n])) >= k.epsilon {
			due = append(due, n)
			cost += int(s.degree[n])
		}
	}
	s.queue = s.queue[:0]
	if k.most -= cost; k.most < 0 {
		return nil
	}
	return due
}

// stopped is the part of a residual that ends at its host.
func (k *walk) stopped(residual uint64) uint64 {
	hi, lo := bits.Mul64(residual, k.stop)
	return hi<<32 | lo>>32
}

func (k *walk) pushHosts() bool {
	due := k.turn(&k.hosts, func(id uint32) int { return len(k.graph.Links(id)) })
	for _, h := range due {
		k.follow(h)
		rest := k.hosts.residual[h]
		k.hosts.residual[h] = 0
		if k.hosts.total[h] == 0 {
			k.hosts.settled[h] += rest
			continue
		}
		stopped := k.stopped(rest)
		k.hosts.settled[h] += stopped
		rest -= stopped
		for _, a := range k.out[k.hosts.arcs[h].from:k.hosts.arcs[h].to] {
			hi, lo := bits.Mul64(rest, uint64(a.weight))
			share, _ := bits.Div64(hi, lo, k.hosts.total[h])
			k.values.add(a.value, share)
		}
	}
	return len(due) > 0
}

func (k *walk) pushValues() bool {
	due := k.turn(&k.values, func(id uint32) int { return len(k.graph.Holders(id)) })
	for _, v := range due {
		if k.values.arcs[v].to == 0 {
			from := uint32(len(k.back))
			for _, id := range k.graph.Holders(k.values.ids[v]) {
				k.back = append(k.back, k.hosts.touch(id))
			}
			k.values.arcs[v] = span{from, uint32(len(k.back))}
		}
		holders := k.back[k.values.arcs[v].from:k.values.arcs[v].to]
		if len(holders) == 0 {
			continue
		}
		share := k.values.residual[v] / uint64(len(holders))
		k.values.residual[v] %= uint64(len(holders))
		for _, h := range holders {
			k.hosts.add(h, share)
		}
	}
	return len(due) > 0
}

// follow notes the links of a host that is pushed for the first time, their
// weights in whole parts of the greatest.
func (k *walk) follow(h uint32) {
	if k.hosts.arcs[h].to > 0 {
		return
	}
	links := k.graph.Links(k.hosts.ids[h])
	greatest := 0.
	for _, l := range links {
		if l.Weight > greatest && !math.IsInf(l.Weight, 1) {
			greatest = l.Weight
		}
	}
	from := uint32(len(k.out))
	for _, l := range links {
		if l.Weight > 0 && l.Weight <= greatest {
			weight := uint32(math.Round(l.Weight / greatest * scale))
			k.out = append(k.out, arc{k.values.touch(l.Value), weight})
			k.hosts.total[h] += uint64(weight)
		}
	}
	k.hosts.arcs[h] = span{from, uint32(len(k.out))}
}
