package cluster

import (
	"cmp"
	"math"
	"slices"

	"github.com/hostkin/hostkin/cluster/graph"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/hugepage"
)

const (
	groupRounds  = 32    // of label propagation; it stops when no label moves
	groupHolders = 20000 // a value on more hosts than this links nobody
	gateBits     = 8.0   // a value that leaves more than this to find ties nobody: bits below the prior
	confirmTimes = 4     // how often members are dropped and the rest weighed anew
)

// Groups finds the providers of a scan without a seed. Label propagation on
// the bipartite graph of hosts and values proposes communities (connected
// components would chain everybody together); the members of each are then
// weighed against what the others hold, prevalence estimated outside the
// group, and those that are no kin by that are dropped.
func (x *Index) Groups(o Options) ([]Group, error) {
	g := &grouping{Index: x, minimum: o.MinConfidence, known: map[valueID]rarity{}, kinship: map[[2]*community]*membership{}}
	if g.minimum == 0 {
		g.minimum = .9
	}
	var found []*community
	for _, members := range x.communities() {
		if c := g.confirm(members); c != nil {
			found = append(found, c)
		}
	}
	found = g.join(g.merge(found))
	found = slices.DeleteFunc(found, func(c *community) bool { return c.confidence() < g.minimum })
	slices.SortFunc(found, func(a, b *community) int {
		return cmp.Or(cmp.Compare(len(b.members), len(a.members)), cmp.Compare(a.members[0], b.members[0]))
	})
	groups := make([]Group, len(found))
	for i, c := range found {
		groups[i] = c.group(i + 1)
	}
	x.bridge(groups, found, o.Related)
	return groups, nil
}

// grouping is an index while groups are found in it: what is looked up once
// serves all of them.
type grouping struct {
	*Index
	minimum float64 // confidence
	known   map[valueID]rarity
	kinship map[[2]*community]*membership // of groups

	// Room that is used again and again.
	all       []valueID // see counted
	seen      []seen
	rows      [][]seen
	common    []*held // see weigh
	left      []agreement
	questions []asked
}

func (g *grouping) rarity(v valueID) rarity {
	r, ok := g.known[v]
	if !ok {
		r = g.Index.rarity(v)
		g.known[v] = r
	}
	return r
}

// gate is the least that a value must be worth to tie hosts: 11 bits in a scan
// of a million, 2 in a small one.
func (x *Index) gate() float64 {
	return max(FamilyBits, x.prior(priorKin)-gateBits)
}

// prior is log2 of how many strangers there are for each expected kin.
func (x *Index) prior(kin float64) float64 {
	return round(max(0, math.Log2((float64(x.Hosts())-1)/(max(2, kin)-1))))
}

// ties lists the values by which a host may be tied to others, each with its
// bits and their share of the strongest of its family on that host.
func (x *Index) ties(h hostID, gate float64, out []graph.Link) []graph.Link {
	var strongest [256]float32 // by family
	out = out[:0]
	for v, p := range x.valuesOf(h) {
		if w := x.weights[v]; float64(w) >= gate && !x.weak[v] && x.held(v) <= groupHolders {
			out = append(out, graph.Link{Value: uint32(v), Weight: float64(w)})
			strongest[x.families[p.kind]] = max(strongest[x.families[p.kind]], w)
		}
	}
	for i, l := range out {
		out[i].Weight *= l.Weight / float64(strongest[x.families[x.values[l.Value].kind()]])
	}
	return out
}

// communities are the proposals of label propagation, each sorted.
func (x *Index) communities() [][]hostID {
	g := graph.Graph{Start: hugepage.Make[uint32](1, len(x.addrs)+1), From: x.from, Holders: x.holders}
	g.Links, g.Weights = hugepage.Make[uint32](0, len(x.prints)), hugepage.Make[float32](0, len(x.prints)) // as above: unused room is free
	gate := x.gate()
	var ties []graph.Link
	for h := range x.addrs {
		ties = x.ties(hostID(h), gate, ties)
		for _, l := range ties {
			g.Links, g.Weights = append(g.Links, l.Value), append(g.Weights, float32(l.Weight))
		}
		g.Start = append(g.Start, uint32(len(g.Links)))
	}
	labels := graph.Communities(&g, groupRounds)
	size := make([]uint32, len(x.addrs)+1)
	for _, l := range labels {
		size[l+1]++
	}
	sums(size)
	next, sorted := slices.Clone(size), make([]hostID, len(labels))
	for h, l := range labels {
		sorted[next[l]] = hostID(h)
		next[l]++
	}
	var out [][]hostID
	for l := range labels {
		if c := sorted[size[l]:size[l+1]]; len(c) > 1 {
			out = append(out, c)
		}
	}
	return out
}

// group describes a community: for each family the value that holds most of
// its members.
func (c *community) group(id int) Group {
	g := Group{Schema: "cluster/1", ID: id, Confidence: math.Round(1000*c.confidence()) / 1000, Evidence: []Evidence{}, Bridges: []Bridge{}}
	votes := map[valueID]int{}
	for i, m := range c.members {
		g.Hosts = append(g.Hosts, c.addrs[m].String())
		for _, a := range c.scores[i].agree {
			if a.bits >= FamilyBits {
				votes[a.value]++
			}
		}
	}
	type vote struct {
		feature
		value valueID
		n     int
	}
	var telling []vote
	for v, n := range votes {
		telling = append(telling, vote{c.feature(v), v, n})
	}
	slices.SortFunc(telling, func(a, b vote) int {
		return cmp.Or(cmp.Compare(b.n, a.n), compareFeatures(a.feature, b.feature))
	})
	telling = firstOfFamily(telling, func(v vote) string { return c.table.kinds[v.kind].Family })
	for _, v := range telling {
		g.Evidence = append(g.Evidence, c.evidence(v.value, round(c.of(c.find(v.value)).bits)))
	}
	if len(g.Evidence) == 1 && c.table.kinds[g.Evidence[0].Kind].Identity {
		g.Label = c.label(g.Evidence[0].Kind)
	}
	return g
}

// evidence describes a shared value.
func (x *Index) evidence(v valueID, bits float64) Evidence {
	f := x.feature(v)
	return Evidence{Kind: f.kind, Value: f.value, Bits: bits, HeldBy: x.held(v), Family: x.table.kinds[f.kind].Family, Networks: x.inNetworks(v)}
}

// label names what one identity value alone may mean: a front shows the same
// page with the same certificate everywhere, customers of one name do not.
func (c *community) label(kind fingerprints.Kind) string {
	if kind == "ssh.host_key" {
		return "image"
	}
	for _, m := range c.members {
		same := false
		for v, p := range c.valuesOf(m) {
			same = same || c.count(v) > len(c.members)/2 && isHTTP(c.kinds[p.kind].Kind)
		}
		if !same {
			return "tenant"
		}
	}
	return "cdn"
}
