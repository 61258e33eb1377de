package cluster

import (
	"cmp"
	"slices"
)

const (
	mergeRounds   = 6    // one image finds up to 63 others
	mergeConflict = -1.0 // bits for each event that two images answer differently: this is what makes them two, so it hardly speaks against one provider
)

// merge joins groups that one provider's images make. What most members of both
// hold must make them kin as if they were two hosts: one member that has
// wandered ties nobody. The strongest pair comes first, and a group is in one
// pair a round; then what the merged ones hold is counted anew, so that a chain
// of groups whose ends have nothing in common does not become one.
func (g *grouping) merge(found []*community) []*community {
	for range mergeRounds {
		done := map[*community]bool{nil: true}
		for _, p := range g.pairs(found) {
			a, b := found[p.a], found[p.b]
			if done[a] || done[b] {
				continue
			}
			if c := g.confirm(union(a.members, b.members)); c != nil {
				found[p.a], found[p.b], done[c] = c, nil, true
			}
		}
		if len(done) == 1 {
			break
		}
		found = slices.DeleteFunc(found, func(c *community) bool { return c == nil })
	}
	return found
}

// union is sorted, as both are.
func union(a, b []hostID) []hostID {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return all
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
		if len(groups) < 2 || len(groups) > bridgeGroups || float64(g.weights[v]) < FamilyBits {
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
// outside both. It has no bits when they cannot come to those of kin.
func (g *grouping) ally(a, b *community) *membership {
	members := union(a.members, b.members)
	c := &community{grouping: g, members: members, kind: make([]int, len(g.kinds)), prior: g.prior(float64(len(members)))}
	for k := range c.kind {
		c.kind[k] = a.kind[k] + b.kind[k]
	}
	for _, v := range a.majority() {
		if b.mostHold(v) {
			c.held = append(c.held, held{value: v, n: a.count(v) + b.count(v)})
		}
	}
	both := make([]*held, len(c.held)) // in the order of their text, as is c.held here: nothing is looked up in it
	for i := range c.held {
		both[i] = &c.held[i]
	}
	sum, most := -c.prior, make([]float64, len(g.familyNames))
	for _, h := range both {
		family := g.families[g.values[h.value].kind()]
		if more := c.of(h).bits - most[family]; more > 0 {
			sum, most[family] = sum+more, c.of(h).bits
		}
	}
	if sum < KinBits {
		return &membership{}
	}
	m := c.judge(both, func() bool { return a.public() || b.public() }, func(clean bool) map[string]float64 { return differences(a, b, clean) })
	m.kin = m.kin && c.sure(&m) >= g.minimum
	return &m
}

// differences are the questions to which most members of two groups have
// answers and none in common, by event.
func differences(a, b *community, clean bool) map[string]float64 {
	out := map[string]float64{}
	theirs := b.answer()
	for q, answer := range a.answer() {
		info, other := a.kinds[q.kind()], theirs[q]
		if info.Identity || info.Mute || len(other) == 0 || overlap(answer, other) {
			continue
		}
		bits := mergeConflict
		if info.Part != "" {
			bits *= partShare
		}
		e := event(info.Family, clean)
		out[e] = min(out[e], bits)
	}
	return out
}

// public reports whether most members' certificates come from a public CA.
func (c *community) public() bool {
	n := 0
	for _, h := range c.members {
		if c.publicCA(h) {
			n++
		}
	}
	return 2*n >= len(c.members)
}

func overlap(a, b []valueID) bool {
	return slices.ContainsFunc(a, func(v valueID) bool { return slices.Contains(b, v) })
}

// mostHold reports whether at least half of the members that answer its kind
// hold a value, and more than one.
func (c *community) mostHold(v valueID) bool {
	n := c.count(v)
	return n > 1 && 2*n >= c.kind[c.values[v].kind()]
}

// majority are the values that most members hold, in the order of their text.
func (c *community) majority() []valueID {
	if c.most == nil {
		c.most = []valueID{}
		for _, held := range c.held {
			if c.mostHold(held.value) {
				c.most = append(c.most, held.value)
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
					n[given{askedOf(p.kind, p.port), p.value}]++
				}
			}
		}
		c.typical = map[asked][]valueID{}
		for a, n := range n {
			if 2*n >= c.answersTo(a.asked).all {
				c.typical[a.asked] = append(c.typical[a.asked], a.value)
			}
		}
	}
	return c.typical
}
