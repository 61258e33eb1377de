package cluster

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

const (
	mergeRounds   = 6    // of pairs: one image finds up to 63 others
	mergeConflict = -1.0 // bits of a question that two images answer differently: it is why they are two
)

// merge joins groups that one provider's images make. What most members of both
// hold must make them kin as if they were two hosts, so one member that has
// wandered ties nobody; and what a merged group holds is counted anew, so that
// a chain of groups does not become one if its ends have nothing in common.
// The strongest pairs come first, each group once a round.
func (g *grouping) merge(found []*community) []*community {
	for range mergeRounds {
		merged := false
		for _, p := range g.pairs(found) {
			a, b := found[p.a], found[p.b]
			if a == nil || b == nil || a.merged || b.merged {
				continue
			}
			members := slices.Concat(a.members, b.members)
			slices.Sort(members)
			if c := g.confirm(members); c != nil {
				c.merged, merged = true, true
				found[p.a], found[p.b] = c, nil
			}
		}
		found = slices.DeleteFunc(found, func(c *community) bool { return c == nil })
		for _, c := range found {
			c.merged = false
		}
		if !merged {
			break
		}
	}
	return found
}

// alliance is two groups, positions in a list, that are kin.
type alliance struct {
	a, b int
	bits float64
}

// pairs finds the groups that are kin, the strongest first.
func (g *grouping) pairs(found []*community) []alliance {
	in := map[valueID][]int{} // groups of which most members hold a value
	for i, c := range found {
		for _, v := range c.majority() {
			in[v] = append(in[v], i)
		}
	}
	tied := map[[2]int]bool{}
	for v, groups := range in {
		if len(groups) < 2 || len(groups) > bridgeGroups || float64(g.weights[v]) < familyBits {
			continue
		}
		for i, a := range groups {
			for _, b := range groups[i+1:] {
				tied[[2]int{a, b}] = true
			}
		}
	}
	var out []alliance
	for p := range tied {
		both := [2]*community{found[p[0]], found[p[1]]}
		m := g.kinship[both]
		if m == nil {
			m = g.ally(both[0], both[1])
			g.kinship[both] = m
		}
		if m.kin {
			out = append(out, alliance{p[0], p[1], m.bits})
		}
	}
	slices.SortFunc(out, func(a, b alliance) int {
		return cmp.Or(cmp.Compare(b.bits, a.bits), cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b))
	})
	return out
}

// ally weighs what most members of two groups hold, prevalence estimated
// outside both.
func (g *grouping) ally(a, b *community) *membership {
	members := slices.Concat(a.members, b.members)
	slices.Sort(members)
	c := &community{grouping: g, members: members, count: map[valueID]int{}, kind: make([]int, len(g.kinds)),
		looked: map[valueID]*shared{}, joint: map[[2]valueID]float64{}, prior: g.prior(float64(len(members)))}
	for k := range c.kind {
		c.kind[k] = a.kind[k] + b.kind[k]
	}
	var both []valueID
	most := map[uint8]float64{} // of each family
	for _, v := range a.majority() {
		if b.mostHold(v) {
			c.count[v] = a.count[v] + b.count[v]
			both = append(both, v)
			family := g.families[g.values[v].kind]
			most[family] = max(most[family], c.of(v).bits)
		}
	}
	sum := -c.prior
	for _, bits := range most {
		sum += bits
	}
	if sum < kinBits-1 { // whatever speaks against it
		return &membership{}
	}
	against := map[string]float64{}
	for q, answer := range a.answer() {
		if info := g.kinds[q.kind]; !info.Identity && !info.Mute {
			if other, ok := b.answer()[q]; ok && !overlap(answer, other) {
				e := event(info.Family, false)
				bits := max(mergeConflict, math.Log2(1-min(info.M, .99)))
				if info.Part != "" {
					bits *= partShare
				}
				against[e] = min(against[e], bits)
			}
		}
	}
	m := c.judge(both, c.publicCA(a.members[0]) || c.publicCA(b.members[0]), func(bool) map[string]float64 { return against })
	return m
}

func overlap(a, b []valueID) bool {
	return slices.ContainsFunc(a, func(v valueID) bool { return slices.Contains(b, v) })
}

// mostHold reports whether at least half of the members that answer its kind
// hold a value, and more than one.
func (c *community) mostHold(v valueID) bool {
	n := c.count[v]
	return n > 1 && 2*n >= c.kind[c.values[v].kind]
}

// majority are the values that most members hold, in the order of their text.
func (c *community) majority() []valueID {
	if c.most == nil {
		c.most = []valueID{}
		for v := range c.count {
			if c.mostHold(v) {
				c.most = append(c.most, v)
			}
		}
		slices.SortFunc(c.most, func(a, b valueID) int { return compareFeatures(c.feature(a), c.feature(b)) })
	}
	return c.most
}

// answer is the values that at least half of those who answer a question give.
func (c *community) answer() map[asked][]valueID {
	if c.typical == nil {
		type given struct {
			asked
			value valueID
		}
		n := map[given]int{}
		for _, h := range c.members {
			for _, p := range c.printsOf(h) {
				if c.mostHold(p.value) {
					n[given{asked{p.kind, p.port}, p.value}]++
				}
			}
		}
		c.typical = map[asked][]valueID{}
		for a, n := range n {
			if 2*n >= c.asked[a.asked].all {
				c.typical[a.asked] = append(c.typical[a.asked], a.value)
			}
		}
	}
	return c.typical
}

// join takes hosts of no group into the group of which they are kin, of
// several the one to which most speaks, else the first.
func (g *grouping) join(found []*community) []*community {
	in := make([]bool, len(g.addrs))
	for _, c := range found {
		for _, h := range c.members {
			in[h] = true
		}
	}
	type place struct {
		group int
		bits  float64
	}
	best := map[hostID]place{}
	for i, c := range found {
		for _, h := range c.outsiders(in) {
			if m := c.weigh(h); m.kin && m.bits > best[h].bits {
				best[h] = place{i, m.bits}
			}
		}
	}
	more := make([][]hostID, len(found))
	for _, h := range slices.Sorted(maps.Keys(best)) {
		more[best[h].group] = append(more[best[h].group], h)
	}
	for i, hosts := range more {
		if len(hosts) > 0 {
			members := slices.Concat(found[i].members, hosts)
			slices.Sort(members)
			if c := g.confirm(members); c != nil {
				found[i] = c
			}
		}
	}
	return found
}

// outsiders are the hosts of no group that share enough with c to be weighed,
// ascending.
func (c *community) outsiders(in []bool) []hostID {
	sum := map[hostID]int{} // hundredths of bits: whole numbers add up the same in any order
	gate := c.gate()
	for v, n := range c.count {
		if n < 2 || c.held(v) == n || c.held(v) > groupHolders || c.weights[v] == 0 || c.of(v).bits < gate {
			continue
		}
		bits := int(100 * c.of(v).bits)
		for _, h := range c.holdersOf(v) {
			if !in[h] {
				sum[h] += bits
			}
		}
	}
	least := int(100 * (c.prior + kinBits))
	var out []hostID
	for h, bits := range sum {
		if bits >= least {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out
}
