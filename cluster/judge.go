package cluster

import (
	"math"
	"net/netip"
	"slices"

	"github.com/hostkin/hostkin/fingerprints"
)

// population is the hosts of a scan that are judged, and what is counted over
// all hosts of it.
type population struct {
	table    *Table
	index    *Index
	profiles map[hostID]*profile
	known    map[feature]rarity     // of the values looked up so far
	pairs    map[[2]feature]float64 // hosts that hold both, likewise
	answers  map[fingerprints.Kind]float64
	networks map[valueID]int // of the holders of a value
	enemies  *enemies        // nil: none are known
	keep     func(netip.Addr) bool
}

func (x *Index) population() *population {
	return &population{table: x.table, index: x, profiles: map[hostID]*profile{}, known: map[feature]rarity{}, pairs: map[[2]feature]float64{}, answers: map[fingerprints.Kind]float64{}, networks: map[valueID]int{}}
}

// profile is a host of the index as something to compare.
func (pop *population) profile(h hostID) *profile {
	p := pop.profiles[h]
	if p == nil {
		p = pop.index.profile(h)
		pop.profiles[h] = p
	}
	return p
}

// rarity is what is known of a value; one that no host holds has the table's.
func (pop *population) rarity(f feature) rarity {
	r, ok := pop.known[f]
	if !ok {
		r = pop.table.rarity(f)
		if v, held := pop.index.lookup(f); held {
			r = pop.index.rarity(v)
		}
		pop.known[f] = r
	}
	return r
}

// profile is a host of the index as something to compare.
func (x *Index) profile(h hostID) *profile {
	p := &profile{host: h, Addr: x.addrs[h].String(), public: x.publicCA(h), prints: map[fingerprints.Kind][]fingerprints.Fingerprint{}}
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
	if n, ok := pop.answers[kind]; ok {
		return n
	}
	id := pop.index.byKind[kind]
	n := float64(pop.index.answered[id])
	if pop.table.kinds[kind].Later {
		for h, stands := range pop.index.stands {
			if stands != 0 && slices.ContainsFunc(pop.index.printsOf(hostID(h)), func(p print) bool { return p.kind == id }) {
				n += stands
			}
		}
	}
	pop.answers[kind] = n
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
			out[i] = pop.bestOf(model, seeds, pairs[i], c, out[i].score)
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

// bestOf weighs a candidate against each seed and takes the best.
func (pop *population) bestOf(m *model, seeds []*profile, pairs []pair, c *profile, last score) judged {
	best := judged{profile: c, score: score{bits: math.Inf(-1)}}
	for i, s := range seeds {
		if sc := m.score(pairs[i], pop.held, last); sc.better(best.score) {
			best.seed, best.pair, best.score = s, pairs[i], sc
		}
	}
	return best
}

// best does the same with a host that has not been compared yet.
func (pop *population) best(m *model, seeds []*profile, c *profile) judged {
	pairs := make([]pair, len(seeds))
	for i, s := range seeds {
		pairs[i] = pop.table.compare(s, c)
	}
	return pop.bestOf(m, seeds, pairs, c, score{})
}

func (s score) better(t score) bool {
	if s.kin != t.kin {
		return s.kin
	}
	return s.bits > t.bits
}

func (pop *population) start(seeds []*profile) *model {
	m := &model{table: pop.table, m: map[fingerprints.Kind]float64{}, faith: map[feature]float64{}, u: map[feature]prevalence{}, joint: map[[2]feature]float64{}, prior: pop.index.prior(priorKin)}
	for kind, info := range pop.table.kinds {
		m.m[kind] = info.M
		for _, s := range seeds {
			for _, f := range s.features(kind) {
				m.u[f] = prevalence{rarity: pop.rarity(f)}
				if v, held := pop.index.lookup(f); held && pop.index.faithful != nil {
					m.faith[f] = pop.index.m(v) / info.M
				}
			}
		}
	}
	return m
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
	m.prior = pop.index.prior(kin)
	pop.pairUp(m, seeds, out)
	weights := map[string][]float64{} // of out, by family
	for kind, info := range pop.table.kinds {
		if info.Identity || !slices.ContainsFunc(seeds, func(s *profile) bool { return len(s.prints[kind]) > 0 }) {
			continue // no conflict to weigh, and the table's u is kept
		}
		if weights[info.Family] == nil {
			weights[info.Family] = weightsOf(out, info.Family)
		}
		t := pop.tally(info, known, seeds, out, weights[info.Family])
		m.m[kind] = (t.same + tableWeight*info.M) / (t.both + tableWeight)
		for v, held := range t.holders {
			f := feature{kind, v}
			m.u[f] = prevalence{pop.rarity(f), pop.holders(f) - held, pop.answered(kind) - t.answered}
		}
	}
	return m
}

// weightsOf are the probabilities of kinship by other families.
func weightsOf(out []judged, family string) []float64 {
	weights := make([]float64, len(out))
	for i, j := range out {
		weights[i] = j.score.without(family)
	}
	return weights
}

// pairUp counts strangers that hold two software values of a seed. Who is not
// judged is one.
func (pop *population) pairUp(m *model, seeds []*profile, out []judged) {
	if len(out) < pop.index.Hosts()/2 {
		pop.pairOthers(m, seeds, out)
	}
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

// pairOthers counts the hosts with two software values of a seed that are not judged.
func (pop *population) pairOthers(m *model, seeds []*profile, out []judged) {
	judgedToo := map[[2]feature]float64{}
	for _, j := range out {
		for i, f := range j.pair.shared {
			for _, g := range j.pair.shared[i+1:] {
				judgedToo[ordered(f, g)]++
			}
		}
	}
	for _, s := range seeds {
		var held []feature
		for kind := range s.prints {
			for _, f := range s.features(kind) {
				if pop.table.software(f) {
					held = append(held, f)
				}
			}
		}
		for i, f := range held {
			for _, g := range held[:i] {
				pair := ordered(f, g)
				if _, done := m.joint[pair]; done || pop.table.kinds[f.kind].Family == pop.table.kinds[g.kind].Family {
					continue
				}
				m.joint[pair] = max(0, pop.both(f, g)-judgedToo[pair]-float64(len(seeds)))
			}
		}
	}
}

// both counts the hosts with two values. It does not change between rounds.
func (pop *population) both(f, g feature) float64 {
	pair := ordered(f, g)
	n, ok := pop.pairs[pair]
	if !ok {
		v, _ := pop.index.lookup(f)
		w, _ := pop.index.lookup(g)
		n = pop.index.both(v, w, func(hostID) bool { return true })
		pop.pairs[pair] = n
	}
	return n
}

// tally counts how kin answer questions of one kind. Every host counts with
// its probability of kinship by other families.
type tally struct {
	both, same float64            // pairs that both answer, and that agree
	answered   float64            // kin with any value
	holders    map[string]float64 // kin with this value of a seed
}

func (pop *population) tally(info *kindInfo, known, seeds []*profile, out []judged, weights []float64) tally {
	t := tally{holders: map[string]float64{}}
	for _, s := range seeds {
		for _, f := range s.prints[info.Kind] {
			t.holders[f.Value] = 0
		}
	}
	for _, k := range known {
		t.count(k, info, 1)
	}
	for i, j := range out {
		t.count(j.profile, info, weights[i])
		if !j.score.kin {
			continue // m is what those judged kin do, however many nearly are
		}
		ofKind := func(f feature) bool { return f.kind == info.Kind }
		agrees := slices.ContainsFunc(j.pair.shared, ofKind) || slices.ContainsFunc(j.pair.restated, ofKind)
		differs := slices.ContainsFunc(j.pair.differs, func(d difference) bool { return d.about(info.Kind) })
		if agrees {
			t.same += weights[i]
		}
		if agrees || differs {
			t.both += weights[i]
		}
	}
	return t
}

func (t *tally) count(p *profile, info *kindInfo, weight float64) {
	list := p.prints[info.Kind]
	if weight == 0 || len(list) == 0 {
		return
	}
	weight *= p.weighs(info)
	t.answered += weight
	for i, f := range list {
		again := slices.ContainsFunc(list[:i], func(g fingerprints.Fingerprint) bool { return g.Value == f.Value })
		if held, ofSeed := t.holders[f.Value]; ofSeed && !again {
			t.holders[f.Value] = held + weight
		}
	}
}
