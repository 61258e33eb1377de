package cluster

import (
	"cmp"
	"slices"
)

const (
	bridgeBits    = 4.0 // a weaker tie between groups is not worth a line
	bridgeGroups  = 16  // a value in more groups than this ties none of them
	relatedMost   = 20  // neighbours of a group that are listed
	relatedValues = 8   // bridges to each
)

// bridge notes on each of two groups the strongest value that members of both
// hold and strangers hardly do: too weak a tie to merge them, too strong to
// hide. With related, all such values are listed by neighbour.
func (x *Index) bridge(groups []Group, found []*community, related bool) {
	in := make([]uint32, len(x.addrs)) // the group of each host; 0: none
	for i, c := range found {
		for _, h := range c.members {
			in[h] = uint32(i + 1)
		}
	}
	ties := make([][]Bridge, len(groups)+1) // of each group
	for v := range x.values {
		x.tie(valueID(v), in, groups, ties)
	}
	for i := range groups {
		g := &groups[i]
		for _, n := range neighbours(ties[g.ID], groups) {
			g.Bridges = append(g.Bridges, n.Bridges[0])
			if related {
				g.Related = append(g.Related, n)
			}
		}
		slices.SortFunc(g.Bridges, func(a, b Bridge) int { return cmp.Compare(a.To, b.To) })
		g.Related = g.Related[:min(len(g.Related), relatedMost)]
	}
}

// tie adds what v ties to the groups whose members hold it.
func (x *Index) tie(v valueID, in []uint32, groups []Group, ties [][]Bridge) {
	if n := x.held(v); n < 2 || n > groupHolders || x.weights[v] == 0 {
		return
	}
	if !several(x.holdersOf(v), in) {
		return
	}
	var list []uint32 // the group of each holder
	for _, h := range x.holdersOf(v) {
		if in[h] != 0 {
			list = append(list, in[h])
		}
	}
	slices.Sort(list)
	held := map[uint32]int{}
	for _, g := range list {
		held[g]++
	}
	ids := slices.Compact(list)
	if len(ids) < 2 || len(ids) > bridgeGroups {
		return
	}
	f, r := x.feature(v), x.rarity(v)
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			outside := prevalence{r, float64(x.held(v) - held[a] - held[b]),
				float64(int(x.answered[x.values[v].kind()]) - len(groups[a-1].Hosts) - len(groups[b-1].Hosts))}
			bits := round(worth(x.m(v), outside.value(0), r.excess))
			if bits >= max(bridgeBits, x.gate()) {
				ties[a] = append(ties[a], Bridge{To: int(b), Kind: f.kind, Value: f.value, Bits: bits})
				ties[b] = append(ties[b], Bridge{To: int(a), Kind: f.kind, Value: f.value, Bits: bits})
			}
		}
	}
}

// several tells whether hosts are in more than one group.
func several(hosts []hostID, in []uint32) bool {
	first := uint32(0)
	for _, h := range hosts {
		if g := in[h]; g != 0 && g != first {
			if first != 0 {
				return true
			}
			first = g
		}
	}
	return false
}

// neighbours sorts ties by the group that they lead to, the strongest first.
func neighbours(ties []Bridge, groups []Group) []Related {
	slices.SortFunc(ties, func(a, b Bridge) int {
		return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(b.Bits, a.Bits),
			compareFeatures(feature{a.Kind, a.Value}, feature{b.Kind, b.Value}))
	})
	var out []Related
	for len(ties) > 0 {
		n := slices.IndexFunc(ties, func(b Bridge) bool { return b.To != ties[0].To })
		if n < 0 {
			n = len(ties)
		}
		out = append(out, Related{To: ties[0].To, Hosts: len(groups[ties[0].To-1].Hosts), Bits: ties[0].Bits,
			Bridges: ties[:min(n, relatedValues)]})
		ties = ties[n:]
	}
	slices.SortFunc(out, func(a, b Related) int { return cmp.Or(cmp.Compare(b.Bits, a.Bits), cmp.Compare(a.To, b.To)) })
	return out
}
