package cluster

import (
	"maps"
	"slices"
)

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
			g.seen = c.look(h, g.seen[:0])
			if m := c.weigh(h, g.seen); m.kin && m.bits > best[h].bits && c.sure(&m) >= g.minimum {
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
			if c := g.confirm(union(found[i].members, hosts)); c != nil {
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
	for i := range c.held {
		held := &c.held[i]
		v, holders := held.value, c.Index.held(held.value)
		if holders == held.n || holders > groupHolders || c.weights[v] == 0 || c.of(held).bits < gate {
			continue
		}
		bits := int(100 * c.of(held).bits)
		for _, h := range c.holdersOf(v) {
			if !in[h] {
				sum[h] += bits
			}
		}
	}
	least := int(100 * (c.prior + KinBits))
	var out []hostID
	for h, bits := range sum {
		if bits >= least {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out
}
