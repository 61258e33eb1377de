package cluster

import (
	"math"
	"slices"

	"github.com/hostkin/hostkin/fingerprints"
)

// population is the hosts of a scan and what is counted over all of them.
type population struct {
	table    *Table
	all      []*profile
	byAddr   map[string]*profile
	held     map[feature]int               // hosts that hold a value
	holders  map[feature]float64           // the same, a sampled host counting for those it stands for
	answered map[fingerprints.Kind]float64 // hosts with any value of the kind, likewise
}

// populate drops hosts without a fingerprint: dead space does not count.
func populate(t *Table, hosts []Host) *population {
	pop := &population{table: t, byAddr: map[string]*profile{}, held: map[feature]int{},
		holders: map[feature]float64{}, answered: map[fingerprints.Kind]float64{}}
	for i := range hosts {
		p := t.profile(&hosts[i])
		if len(p.prints) == 0 || pop.byAddr[p.Addr] != nil {
			continue
		}
		pop.all = append(pop.all, p)
		pop.byAddr[p.Addr] = p
	}
	t.lead(pop.all)
	for _, p := range pop.all {
		for kind := range p.prints {
			pop.answered[kind] += p.weighs(t.kinds[kind])
			for _, f := range p.features(kind) {
				pop.held[f]++
				pop.holders[f] += p.weighs(t.kinds[kind])
			}
		}
	}
	slices.SortFunc(pop.all, func(a, b *profile) int { return CompareAddr(a.Addr, b.Addr) })
	return pop
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
	n := float64(len(pop.all))
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
				m.u[f] = prevalence{pop.table.prevalence(f), pop.holders[f] - t.holders[f], pop.answered[kind] - t.answered}
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
