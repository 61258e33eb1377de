package cluster

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/fingerprints"
)

const (
	groupRounds  = 32    // of label propagation; it stops when no label moves
	groupHolders = 20000 // a value on more hosts than this links nobody
	bridgeBits   = 4.0   // a weaker tie between groups is not worth a line
)

// Groups finds the providers of a scan without a seed. Label propagation on
// the bipartite graph of hosts and values proposes communities (connected
// components would chain everybody together); each is then judged from its
// most typical member as Kinship judges from a seed, prevalence re-estimated
// outside the group, and keeps the members that pass.
func (x *Index) Groups(o Options) ([]Group, error) {
	minimum := o.MinConfidence
	if minimum == 0 {
		minimum = .9
	}
	pop := x.populate()
	var groups []Group
	members := map[*profile]int{}
	for _, community := range pop.communities() {
		community = slices.DeleteFunc(community, func(p *profile) bool { return members[p] > 0 })
		if len(community) < 2 {
			continue
		}
		seed := pop.medoid(community)
		free := slices.DeleteFunc(slices.Clone(pop.all), func(p *profile) bool { return p == seed || members[p] > 0 })
		found, model := pop.judge([]*profile{seed}, []*profile{seed}, free)
		found = slices.DeleteFunc(found, func(j judged) bool { return !j.score.kin })
		g := pop.group(len(groups)+1, seed, found, model)
		if len(found) == 0 || g.Confidence < minimum {
			continue
		}
		groups = append(groups, g)
		for _, j := range found {
			members[j.profile] = g.ID
		}
		members[seed] = g.ID
	}
	pop.bridge(groups, members)
	return groups, nil
}

// edge ties a host to a value that it shares with others.
type edge struct {
	value  int
	weight float64
}

// communities runs label propagation: a host takes the label that most of the
// weight of its values carries. Hosts are visited in the order of their
// addresses and ties go to the smaller label, so the result is one only.
// Communities of one are left out; the largest come first.
func (pop *population) communities() [][]*profile {
	edges, holders := pop.edges()
	label := make([]int, len(pop.all))
	mass := make([]map[int]float64, len(holders)) // per value, the edge weight of each label
	for v := range mass {
		mass[v] = map[int]float64{}
	}
	for h := range pop.all {
		label[h] = h
		for _, e := range edges[h] {
			mass[e.value][h] += e.weight
		}
	}
	for range groupRounds {
		moved := false
		for h := range pop.all {
			pull := map[int]float64{}
			for _, e := range edges[h] {
				mass[e.value][label[h]] -= e.weight
				for l, w := range mass[e.value] {
					pull[l] += e.weight * w / float64(holders[e.value])
				}
			}
			best := label[h]
			for l, w := range pull {
				// Whole millionths: so that equal pulls are equal in any order of summation.
				if d := math.Round(1e6*w) - math.Round(1e6*pull[best]); d > 0 || d == 0 && l < best {
					best = l
				}
			}
			for _, e := range edges[h] {
				mass[e.value][best] += e.weight
			}
			moved = moved || best != label[h]
			label[h] = best
		}
		if !moved {
			break
		}
	}
	byLabel := map[int][]*profile{}
	for h, l := range label {
		byLabel[l] = append(byLabel[l], pop.all[h])
	}
	var out [][]*profile
	for _, c := range byLabel {
		if len(c) > 1 {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b []*profile) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), CompareAddr(a[0].Addr, b[0].Addr))
	})
	return out
}

// edges lists for each host its telling values, each at the share that it has
// of its family's strongest, and for each value how many hosts hold it.
func (pop *population) edges() (edges [][]edge, holders []int) {
	ids := map[feature]int{}
	edges = make([][]edge, len(pop.all))
	for h, p := range pop.all {
		strongest := map[string]float64{}
		var telling []feature
		for kind := range p.prints {
			family := pop.table.kinds[kind].Family
			for _, f := range p.features(kind) {
				if n := pop.held(f); n < 2 || n > groupHolders || pop.table.weight(f) < familyBits {
					continue
				}
				telling = append(telling, f)
				strongest[family] = max(strongest[family], pop.table.weight(f))
			}
		}
		slices.SortFunc(telling, compareFeatures)
		for _, f := range telling {
			id, ok := ids[f]
			if !ok {
				id = len(holders)
				ids[f] = id
				holders = append(holders, pop.held(f))
			}
			w := pop.table.weight(f)
			edges[h] = append(edges[h], edge{id, w * w / strongest[pop.table.kinds[f.kind].Family]})
		}
	}
	return edges, holders
}

// medoid is the member that shares the most bits with the rest, by the table.
func (pop *population) medoid(community []*profile) *profile {
	model := pop.start(community)
	sharing := map[feature]float64{}
	for _, p := range community {
		for kind := range p.prints {
			for _, f := range p.features(kind) {
				sharing[f]++
			}
		}
	}
	typical := func(p *profile) float64 {
		perFamily := map[string]float64{}
		for kind := range p.prints {
			family := pop.table.kinds[kind].Family
			for _, f := range p.features(kind) {
				perFamily[family] = max(perFamily[family], model.bits(f, 0)*(sharing[f]-1))
			}
		}
		values := make([]float64, 0, len(perFamily))
		for _, v := range perFamily {
			values = append(values, v)
		}
		slices.Sort(values) // floating-point sums depend on the order
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		return sum
	}
	best, most := community[0], math.Inf(-1)
	for _, p := range community {
		if s := typical(p); s > most {
			best, most = p, s
		}
	}
	return best
}

// group describes the kin of seed: the mean confidence of its members and,
// for each family, the evidence that holds most of them.
func (pop *population) group(id int, seed *profile, found []judged, m *model) Group {
	g := Group{Schema: "cluster/1", ID: id, Hosts: []string{seed.Addr}, Evidence: []Evidence{}, Bridges: []Bridge{}}
	sum := 0.0
	votes := map[feature]int{}
	for _, j := range found {
		g.Hosts = append(g.Hosts, j.Addr)
		sum += confidence(j.score.bits)
		for _, e := range j.score.evidence {
			if e.Bits >= familyBits {
				votes[feature{e.Kind, e.Value}]++
			}
		}
	}
	slices.SortFunc(g.Hosts, CompareAddr)
	g.Confidence = math.Round(1000*sum/float64(max(1, len(found)))) / 1000
	var telling []feature
	for f := range votes {
		telling = append(telling, f)
	}
	slices.SortFunc(telling, func(a, b feature) int { return cmp.Or(cmp.Compare(votes[b], votes[a]), compareFeatures(a, b)) })
	telling, _ = firstOfFamily(telling, func(f feature) string { return pop.table.kinds[f.kind].Family })
	for _, f := range telling {
		info := pop.table.kinds[f.kind]
		g.Evidence = append(g.Evidence, Evidence{Kind: f.kind, Value: f.value, Bits: round(m.bits(f, 0)), HeldBy: pop.held(f), Family: info.Family})
	}
	if len(g.Evidence) == 1 && pop.table.kinds[g.Evidence[0].Kind].Identity {
		g.Label = label(g.Evidence[0].Kind, found)
	}
	return g
}

// label names what one identity value alone may mean: a front shows the same
// page with the same certificate everywhere, customers of one name do not.
func label(kind fingerprints.Kind, found []judged) string {
	if kind == "ssh.host_key" {
		return "image"
	}
	content := func(f feature) bool { return strings.HasPrefix(string(f.kind), "http.") }
	for _, j := range found {
		if !slices.ContainsFunc(j.pair.shared, content) {
			return "tenant"
		}
	}
	return "cdn"
}

// bridge notes on each of two groups the strongest value that members of both
// hold and strangers hardly do: too weak a tie to merge them, too strong to hide.
func (pop *population) bridge(groups []Group, members map[*profile]int) {
	in := map[feature]map[int]int{} // holders in each group
	for p, id := range members {
		for kind := range p.prints {
			for _, f := range p.features(kind) {
				if in[f] == nil {
					in[f] = map[int]int{}
				}
				in[f][id]++
			}
		}
	}
	tie := func(f feature, from, to int) float64 {
		outside := prevalence{floor: pop.table.prevalence(f), holders: pop.holders(f) - float64(in[f][from]+in[f][to]),
			strangers: pop.answered(f.kind) - float64(len(groups[from-1].Hosts)+len(groups[to-1].Hosts))}
		return round(math.Log2(pop.table.kinds[f.kind].M / outside.value(0)))
	}
	type ends struct{ from, to int }
	best := map[ends]Bridge{}
	for f, ids := range in {
		for from := range ids {
			for to := range ids {
				if from == to {
					continue
				}
				b := Bridge{To: to, Kind: f.kind, Value: f.value, Bits: tie(f, from, to)}
				old, ok := best[ends{from, to}]
				if b.Bits >= bridgeBits && (!ok || b.Bits > old.Bits || b.Bits == old.Bits && compareFeatures(f, feature{old.Kind, old.Value}) < 0) {
					best[ends{from, to}] = b
				}
			}
		}
	}
	for pair, b := range best {
		groups[pair.from-1].Bridges = append(groups[pair.from-1].Bridges, b)
	}
	for i := range groups {
		slices.SortFunc(groups[i].Bridges, func(a, b Bridge) int { return cmp.Compare(a.To, b.To) })
	}
}
