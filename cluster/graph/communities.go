package graph

import (
	"cmp"
	"math"

	"github.com/hostkin/hostkin/internal/hugepage"
)

// Graph holds every link twice, in compressed rows: the values of host h are
// Links[Start[h]:Start[h+1]], with Weights beside them, and the hosts of value
// v are Holders[From[v]:From[v+1]], ascending. At most 2^31 hosts.
type Graph struct {
	Start   []uint32  // one more than hosts
	Links   []uint32  // values
	Weights []float32 // what is not positive and finite counts for 0
	From    []uint32  // one more than values
	Holders []uint32  // hosts
}

const (
	whole   = 1 << 6  // a share of 1: finer ones would have hosts choose anew for nothing
	full    = 1 << 16 // the greatest weight of a host
	alone   = 1 << 31 // the label of a host in no community
	support = whole * 7 / 10
	popular = 1000
)

// Communities proposes communities by label propagation (Raghavan, Albert and
// Kumara, 2007) for bipartite graphs: values take the labels of their holders
// and hosts those of their values, in turns. The result is a label a host: the
// smallest host of its community, a host of none its own.
//
// A value carries the two labels that most of its holders have, each at its
// share of them; one alone loses what an operator's own value says beside a
// stranger's, and more add nothing (measured on planted graphs). A value on more
// than a thousand hosts counts for less, by the root. A host takes the label to
// which most of the weight of its values goes by these shares, if the shares
// without weights come to .7: one value held by the community almost alone, or
// several held in part. So neither a single popular value makes a community,
// nor does a value shared with one or two of its members draw a host into it.
//
// At first a value has the label of its smallest holder: what has the same
// holders has then the same label, and a community agrees within a turn or two.
// Each turn depends on the turn before alone, never on an order of hosts or
// values. A host keeps its label at ties, else the smallest wins. It ends when
// no host moves, or after so many rounds. Then what no value holds together any
// more is split.
//
// Each round takes time linear in the links around hosts that moved; memory is
// 17 bytes a value and 9 a host beside the graph.
func Communities(g *Graph, rounds int) []uint32 {
	p := newPropagation(g)
	for range rounds {
		p.turnHosts()
		if !p.turnValues() {
			break
		}
	}
	return p.split()
}

// propagation is the state of Communities.
type propagation struct {
	*Graph
	label       []uint32 // of each host
	votes       []votes  // of each value
	host, value []bool   // those whose neighbours changed
	tally       tally
	heard       []votes
}

// votes are the labels that a value carries, at their shares of its holders.
type votes struct{ label, share [2]uint32 }

func newPropagation(g *Graph) *propagation {
	hosts, values := max(0, len(g.Start)-1), max(0, len(g.From)-1)
	p := &propagation{Graph: g, label: hugepage.Make[uint32](hosts, hosts), votes: hugepage.Make[votes](values, values),
		host: hugepage.Make[bool](hosts, hosts), value: hugepage.Make[bool](values, values)}
	for h := range p.label {
		p.label[h] = alone | uint32(h)
		p.host[h] = true
	}
	for v := range p.votes {
		if holders := p.holders(uint32(v)); len(holders) > 1 {
			p.votes[v] = votes{label: [2]uint32{holders[0], alone}, share: [2]uint32{share(len(holders), len(holders))}}
		}
	}
	return p
}

func (p *propagation) holders(v uint32) []uint32 { return p.Holders[p.From[v]:p.From[v+1]] }

// share is that of count in n holders, less for a popular value.
func share(count, n int) uint32 {
	return uint32(whole * float64(count) / float64(n) * math.Sqrt(min(1, popular/float64(n))))
}

// turnHosts lets the hosts whose values changed choose a label.
func (p *propagation) turnHosts() {
	for h, changed := range p.host {
		if !changed {
			continue
		}
		p.host[h] = false
		if best := p.choose(uint32(h)); best != p.label[h] {
			p.label[h] = best
			for _, v := range p.Links[p.Start[h]:p.Start[h+1]] {
				p.value[v] = true
			}
		}
	}
}

// choose is the label with the most weight behind it, among those with support.
func (p *propagation) choose(h uint32) uint32 {
	links, weights := p.Links[p.Start[h]:p.Start[h+1]], p.Weights[p.Start[h]:p.Start[h+1]]
	greatest := float32(0)
	for _, w := range weights {
		if w > greatest && w <= math.MaxFloat32 {
			greatest = w
		}
	}
	p.heard = p.heard[:0]
	for _, v := range links { // before all else: they lie far apart in memory, and so are fetched at once
		p.heard = append(p.heard, p.votes[v])
	}
	p.tally.clear()
	scale := full / float64(greatest)
	for i, votes := range p.heard {
		if !(weights[i] > 0 && weights[i] <= greatest) {
			continue
		}
		weight := uint64(scale * float64(weights[i]))
		for k, share := range votes.share {
			if share > 0 {
				p.tally.add(votes.label[k], share, weight*uint64(share))
			}
		}
	}
	best := entry{label: alone | h}
	for _, e := range p.tally.list {
		if e.count < support {
			continue
		}
		if c := cmp.Compare(e.weight, best.weight); c > 0 || c == 0 && best.label != p.label[h] && (e.label == p.label[h] || e.label < best.label) {
			best = e
		}
	}
	return best.label
}

// turnValues lets the values whose holders changed count their labels anew.
func (p *propagation) turnValues() (moved bool) {
	for v, changed := range p.value {
		if !changed {
			continue
		}
		p.value[v] = false
		moved = true
		holders := p.holders(uint32(v))
		if now := p.count(holders); now != p.votes[v] {
			p.votes[v] = now
			for _, h := range holders {
				p.host[h] = true
			}
		}
	}
	return moved
}

// count finds the two labels that most holders have, the smaller first at ties.
func (p *propagation) count(holders []uint32) votes {
	p.tally.clear()
	for _, h := range holders {
		if p.label[h] < alone {
			p.tally.add(p.label[h], 1, 0)
		}
	}
	first, second := entry{label: alone}, entry{label: alone}
	for _, e := range p.tally.list {
		switch {
		case e.beats(first):
			first, second = e, first
		case e.beats(second):
			second = e
		}
	}
	n := len(holders)
	return votes{[2]uint32{first.label, second.label}, [2]uint32{share(int(first.count), n), share(int(second.count), n)}}
}

func (e entry) beats(o entry) bool {
	return e.count > o.count || e.count == o.count && e.label < o.label
}

// split gives each part of a community that its values hold together the
// smallest of its hosts as label: propagation may take the middle out of one.
func (p *propagation) split() []uint32 {
	root := hugepage.Make[uint32](len(p.label), len(p.label))
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
	for v, votes := range p.votes {
		first := [2]uint32{alone, alone} // holder of each label, as far as is seen
		for _, h := range p.holders(uint32(v)) {
			for k, l := range votes.label {
				switch {
				case l >= alone || p.label[h] != l:
				case first[k] == alone:
					first[k] = h
				default:
					a, b := find(first[k]), find(h)
					root[max(a, b)] = min(a, b)
				}
			}
		}
	}
	for h := range root {
		root[h] = find(uint32(h))
	}
	return root
}
