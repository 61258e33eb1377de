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
	"sync"
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
	Alpha   float64 // probability that the walk ends at a host, at most 1; .3
	Epsilon float64 // residual a link below which a node is left alone; 1e-6
	Most    int     // links followed at most; 1 << 22
}

// Ranking is where a walk from the seeds ends.
type Ranking struct {
	Hosts []Mass // by falling mass, then by number; seeds included
	walk  *walk
	ways  func() *ways
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
// fewer than 2/(alpha*epsilon) links are followed, and a value on very many
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
	r := &Ranking{walk: k, ways: sync.OnceValue(k.strongest)}
	for _, h := range k.hosts.nodes {
		// What still lies on a host will end there at least with alpha.
		if settled := h.settled + k.stopped(h.residual); settled > 0 {
			r.Hosts = append(r.Hosts, Mass{h.id, float64(settled) / unit})
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
	index map[uint32]uint32
	nodes []node
	queue []uint32 // what received since the last turn
}

type node struct {
	id       uint32
	degree   uint32 // unseen until the residual asks for it
	arcs     span   // in out or back; empty until pushed
	residual uint64
	settled  uint64 // of hosts
	total    uint64 // of the weights of arcs
	waiting  bool
}

type (
	span struct{ from, to uint32 }
	arc  struct{ value, weight uint32 }
)

func (s *side) touch(id uint32) uint32 {
	n, ok := s.index[id]
	if !ok {
		n = uint32(len(s.nodes))
		s.index[id] = n
		s.nodes = append(s.nodes, node{id: id, degree: unseen})
	}
	return n
}

func (s *side) add(n uint32, mass uint64) {
	at := &s.nodes[n]
	at.residual += mass
	if !at.waiting {
		at.waiting = true
		s.queue = append(s.queue, n)
	}
}

// turn takes from the queue the nodes whose residual is worth pushing.
func (k *walk) turn(s *side, degree func(id uint32) int) []uint32 {
	var due []uint32
	cost := 0
	for _, n := range s.queue {
		at := &s.nodes[n]
		at.waiting = false
		if at.residual < k.epsilon {
			continue
		}
		if at.degree == unseen {
			at.degree = uint32(degree(at.id))
		}
		if at.residual/uint64(max(1, at.degree)) >= k.epsilon {
			due = append(due, n)
			cost += int(at.degree)
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
		at := &k.hosts.nodes[h]
		rest := at.residual
		at.residual = 0
		if at.total == 0 {
			at.settled += rest
			continue
		}
		stopped := k.stopped(rest)
		at.settled += stopped
		rest -= stopped
		for _, a := range k.out[at.arcs.from:at.arcs.to] {
			hi, lo := bits.Mul64(rest, uint64(a.weight))
			share, _ := bits.Div64(hi, lo, at.total)
			k.values.add(a.value, share)
		}
	}
	return len(due) > 0
}

func (k *walk) pushValues() bool {
	due := k.turn(&k.values, func(id uint32) int { return len(k.graph.Holders(id)) })
	for _, v := range due {
		at := &k.values.nodes[v]
		if at.arcs.to == 0 {
			at.arcs.from = uint32(len(k.back))
			for _, id := range k.graph.Holders(at.id) {
				k.back = append(k.back, k.hosts.touch(id))
			}
			at.arcs.to = uint32(len(k.back))
		}
		holders := k.back[at.arcs.from:at.arcs.to]
		if len(holders) == 0 {
			continue
		}
		share := at.residual / uint64(len(holders))
		at.residual = 0
		for _, h := range holders {
			k.hosts.add(h, share)
		}
	}
	return len(due) > 0
}

// follow notes the links of a host that is pushed for the first time, their
// weights in whole parts of the greatest.
func (k *walk) follow(h uint32) {
	at := &k.hosts.nodes[h]
	if at.arcs.to > 0 {
		return
	}
	links := k.graph.Links(at.id)
	greatest := 0.
	for _, l := range links {
		if l.Weight > greatest && !math.IsInf(l.Weight, 1) {
			greatest = l.Weight
		}
	}
	at.arcs.from = uint32(len(k.out))
	for _, l := range links {
		if l.Weight > 0 && l.Weight <= greatest {
			weight := uint32(math.Round(l.Weight / greatest * scale))
			k.out = append(k.out, arc{k.values.touch(l.Value), weight})
			at.total += uint64(weight)
		}
	}
	at.arcs.to = uint32(len(k.out))
}
