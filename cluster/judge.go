package cluster

import (
	"math"
	"slices"

	"github.com/hostkin/hostkin/fingerprints"
)

// population is the hosts of a scan that are judged, and what is counted over
// all hosts of it.
type population struct {
	table  *Table
	index  *Index
	all    []*profile // by address
	byAddr map[string]*profile
}

// populate takes all hosts of an index.
func (x *Index) populate() *population {
	pop := &population{table: x.table, index: x, byAddr: map[string]*profile{}}
	for h := range x.addrs {
		p := x.profile(hostID(h))
		pop.all = append(pop.all, p)
		pop.byAddr[p.Addr] = p
	}
	return pop
}

// profile is a host of the index as something to compare.
func (x *Index) profile(h hostID) *profile {
	p := &profile{Addr: x.addrs[h].String(), prints: map[fingerprints.Kind][]fingerprints.Fingerprint{}}
	if x.asked != nil {
		p.Asked, p.stands = x.asked[h], x.stands[h]
	}
	for _, f := range x.printsOf(h) {
		v := x.feature(f.value)
		p.prints[v.kind] = append(p.prints[v.kind], fingerprints.Fingerprint{Host: p.Addr, Port: f.port, Kind: v.kind, Value: v.value})
	}
	return p
}

// held counts the hosts with a value.
func (pop *population) held(f feature) int {
	v, ok := pop.index.lookup(f)
	if !ok {
		return 0
	}
	return pop.index.held(v)
}

// holders is the same, a sampled host counting for those it stands for.
func (pop *population) holders(f feature) float64 {
	v, ok := pop.index.lookup(f)
	if !ok {
		return 0
	}
	n := float64(pop.index.held(v))
	if pop.table.kinds[f.kind].Later && pop.index.stands != nil {
		for _, h := range pop.index.holdersOf(v) {
			n += pop.index.stands[h]
		}
	}
	return n
}

// answered counts the hosts with any value of a kind, likewise.
func (pop *population) answered(kind fingerprints.Kind) float64 {
	id := pop.index.byKind[kind]
	n := float64(pop.index.answered[id])
	if pop.table.kinds[kind].Later {
		for h, stands := range pop.index.stands {
			if stands != 0 && slices.ContainsFunc(pop.index.printsOf(hostID(h)), func(p print) bool { return p.kind == id }) {
				n += stands
			}
		}
	}
	return n
}

// features lists the distinct values of a kind.
func (p *profile) features(kind fingerprints.Kind) []feature {
	var out []feature
	for _, f := range p.prints[kind] {
		if v := (feature{kind, f.Value}); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// judged is one candidate against its best seed.
type judged struct {
	*profile
	seed  *profile
	pair  pair
	score score
}

// judge compares candidates with seeds and re-estimates the model from the
// verdicts until both stand still: u from those judged strangers, never below
// the table; m from those judged kin; both smoothed by the table, which alone
// speaks for identity kinds. It starts
// from the table alone, never from shares of the scan, because a provider may
// fill the range.
//
// known are the kin so far, the seeds among them.
func (pop *population) judge(known, seeds, candidates []*profile) ([]judged, *model) {
	pairs := make([][]pair, len(candidates))
	for i, c := range candidates {
		for _, s := range seeds {
			pairs[i] = append(pairs[i], pop.table.compare(s, c))
		}
	}
	out := make([]judged, len(candidates))
	last := make([]float64, len(candidates))
	model := pop.start(seeds)
	for range maxRounds {
		moved := 0.0
		for i, c := range candidates {
			before := out[i].score
			out[i] = judged{profile: c, score: score{bits: math.Inf(-1)}}
			for j, s := range seeds {
				if sc := model.score(pairs[i][j], pop.held, before); sc.better(out[i].score) {
					out[i].seed, out[i].pair, out[i].score = s, pairs[i][j], sc
				}
			}
			moved = max(moved, math.Abs(out[i].score.bits-last[i]))
			last[i] = out[i].score.bits
		}
		if moved < .01 {
			break
		}
		model = pop.estimate(known, seeds, out)
	}
	return out, model
}

func (s score) better(t score) bool {
	if s.kin != t.kin {
		return s.kin
	}
	return s.bits > t.bits
}

func (pop *population) start(seeds []*profile) *model {
	m := &model{table: pop.table, m: map[fingerprints.Kind]float64{}, u: map[feature]prevalence{}, joint: map[[2]feature]float64{}, prior: pop.priorBits(priorKin)}
	for kind, info := range pop.table.kinds {
		m.m[kind] = info.M
		for _, s := range seeds {
			for _, f := range s.features(kind) {
				m.u[f] = prevalence{floor: pop.table.prevalence(f)}
			}
		}
	}
	return m
}

func (pop *population) priorBits(kin float64) float64 {
	n := float64(pop.index.Hosts())
	return round(max(0, math.Log2((n-1)/(max(2, kin)-1))))
}

// estimate is one round of learning from the verdicts.
func (pop *population) estimate(known, seeds []*profile, out []judged) *model {
	m := pop.start(seeds)
	kin := float64(len(known))
	for _, j := range out {
		if j.score.kin { // the small chances of many strangers are no kin
			kin += j.score.without()
		}
	}
	m.prior = pop.priorBits(kin)
	pop.pairUp(m, out)
	for kind, info := range pop.table.kinds {
		if info.Identity {
			continue // no conflict to weigh, and the table's u is kept
		}
		t := pop.tally(info, known, out)
		m.m[kind] = (t.same + tableWeight*info.M) / (t.both + tableWeight)
		for _, s := range seeds {
			for _, f := range s.features(kind) {
				m.u[f] = prevalence{pop.table.prevalence(f), pop.holders(f) - t.holders[f], pop.answered(kind) - t.answered}
			}
		}
	}
	return m
}

// pairUp counts strangers that hold two software values of a seed.
func (pop *population) pairUp(m *model, out []judged) {
	for _, j := range out {
		for i, f := range j.pair.shared {
			a := pop.table.kinds[f.kind]
			for _, g := range j.pair.shared[i+1:] {
				b := pop.table.kinds[g.kind]
				if a.Family != b.Family && pop.table.software(f) && pop.table.software(g) {
					m.joint[ordered(f, g)] += 1 - j.score.without(a.Family, b.Family)
				}
			}
		}
	}
}

// tally counts how kin answer questions of one kind. Every host counts with
// its probability of kinship by other families.
type tally struct {
	both, same float64             // pairs that both answer, and that agree
	answered   float64             // kin with any value
	holders    map[feature]float64 // kin with this value
}

func (pop *population) tally(info *kindInfo, known []*profile, out []judged) tally {
	t := tally{holders: map[feature]float64{}}
	count := func(p *profile, weight float64) {
		if weight == 0 || len(p.prints[info.Kind]) == 0 {
			return
		}
		weight *= p.weighs(info)
		t.answered += weight
		for _, f := range p.features(info.Kind) {
			t.holders[f] += weight
		}
	}
	for _, k := range known {
		count(k, 1)
	}
	for _, j := range out {
		weight := j.score.without(info.Family)
		count(j.profile, weight)
		ofKind := func(f feature) bool { return f.kind == info.Kind }
		agrees := slices.ContainsFunc(j.pair.shared, ofKind) || slices.ContainsFunc(j.pair.restated, ofKind)
		differs := slices.ContainsFunc(j.pair.differs, func(d difference) bool { return d.about(info.Kind) })
		if !j.score.kin {
			continue // m is what those judged kin do, however many nearly are
		}
		if agrees {
			t.same += weight
		}
		if agrees || differs {
			t.both += weight
		}
	}
	return t
}
