// Package cluster weighs what hosts share: prevalence gives weights in bits,
// weights give links, links give kin and groups, each with the evidence for
// and against. It is deterministic and needs no network. The statistics are
// explained in docs/statistics.md.
package cluster

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/hostkin/hostkin/fingerprints"
)

const (
	kinBits     = 4.25 // log-odds of .95
	familyBits  = 2.0  // from here on a family counts towards the family rule
	conflictCap = 4.0  // a family speaks against with at most this many bits
	priorKin    = 3.0  // kin expected in a scan before anything is known
	tableWeight = 4.0  // hosts that the table's m and u are worth against those of the scan
	maxRounds   = 24   // of re-estimation; it usually stands still after five
)

// Options change how hosts are judged. The zero value is the default.
type Options struct {
	Hops          int     // how many links away from a seed kin may be; 0 is 1
	MinConfidence float64 // of a group; 0 is .9
}

// model is what a scan is taken to look like: how common values are among
// strangers, how faithful kin are to a kind, how many kin to expect.
type model struct {
	table *Table
	m     map[fingerprints.Kind]float64 // P(a kin gives the same value)
	u     map[feature]prevalence        // how common the seeds' values are among strangers
	joint map[[2]feature]float64        // strangers that hold two values of different software families
	prior float64                       // bits against, before any evidence
}

// prevalence is an estimate of P(a stranger holds a value).
type prevalence struct {
	floor     float64 // of the table
	holders   float64 // among the strangers counted
	strangers float64
}

// value is the estimate, never below the table. own is the part of one of the
// holders to leave out: a host is no evidence against itself.
func (p prevalence) value(own float64) float64 {
	u := (max(0, p.holders-own) + tableWeight*p.floor) / (max(0, p.strangers-own) + tableWeight)
	return max(p.floor, min(.99, u))
}

// bits is what sharing f is worth: log2(m/u), never below 0.
func (m *model) bits(f feature, own float64) float64 {
	return max(0, math.Log2(m.m[f.kind]/m.u[f].value(own)))
}

// given is what sharing f is worth to one who shares g already. Both speak of
// software, and who installs the one often gets the other with it: a product's
// headers tell little to one who knows its TLS settings. What counts is how
// many of the strangers that hold g hold f too.
func (m *model) given(f, g feature, own float64) float64 {
	u := m.u[f].value(own)
	both, holders := m.joint[ordered(f, g)]-own, m.u[g].holders-own
	if both <= 0 {
		return m.bits(f, own)
	}
	u = max(u, (both+tableWeight*u)/(max(both, holders)+tableWeight))
	return max(0, math.Log2(m.m[f.kind]/u))
}

func ordered(f, g feature) [2]feature {
	if compareFeatures(f, g) > 0 {
		f, g = g, f
	}
	return [2]feature{f, g}
}

// against is what answering d differently is worth: at most 0. Identity kinds
// do not speak against: operators re-key.
func (m *model) against(d difference) float64 {
	if m.table.kinds[d.kind].Identity {
		return 0
	}
	u := 0.0
	for _, v := range d.seed {
		u = max(u, m.u[feature{d.kind, v}].value(0))
	}
	return min(0, max(-conflictCap, math.Log2((1-m.m[d.kind])/(1-u))))
}

// score is a weighed pair: per family the largest agreement and the most
// negative conflict, so that three kinds that say one thing count once and an
// agreement cannot hide a conflict beside it.
type score struct {
	evidence []Evidence
	also     []Evidence
	against  []Conflict
	net      map[string]float64 // bits by family, for and against
	bits     float64            // log-odds
	kin      bool               // log-odds and the family rule are met
}

// last is what the host scored when the model was estimated.
func (m *model) score(p pair, held map[feature]int, last score) score {
	var s score
	for _, f := range p.shared {
		family := m.table.kinds[f.kind].Family
		bits := round(m.bits(f, 1-last.without(family)))
		s.also = append(s.also, Evidence{Kind: f.kind, Value: f.value, Bits: bits, HeldBy: held[f], Family: family})
	}
	m.pick(&s, last)
	for _, d := range p.differs {
		if bits := round(m.against(d)); bits < 0 {
			c := Conflict{Kind: d.kind, Port: d.port, Seed: d.seed[0], Host: d.other, Bits: bits, Family: m.table.kinds[d.kind].Family}
			s.against = append(s.against, c)
		}
	}
	slices.SortStableFunc(s.against, func(a, b Conflict) int { return cmp.Compare(a.Bits, b.Bits) })
	s.against, _ = firstOfFamily(s.against, func(c Conflict) string { return c.Family })

	s.net = map[string]float64{}
	clean := false
	for _, e := range s.evidence {
		s.net[e.Family] += e.Bits
		s.bits += e.Bits
		clean = clean || m.table.kinds[e.Kind].Identity && !m.table.stock[feature{e.Kind, e.Value}]
	}
	for _, c := range s.against {
		s.net[c.Family] += c.Bits
		s.bits += c.Bits
	}
	families := 0
	for _, bits := range s.net {
		if bits >= familyBits {
			families++
		}
	}
	s.bits = round(s.bits - m.prior)
	s.kin = s.bits >= kinBits && (families >= 2 || clean)
	return s
}

// pick moves the largest agreement of each family from also to evidence, the
// largest of all first, weighing software anew after each that is taken.
func (m *model) pick(s *score, last score) {
	var software []feature
	for {
		best := -1
		for i, e := range s.also {
			f := feature{e.Kind, e.Value}
			if m.table.software(f) {
				for _, g := range software {
					s.also[i].Bits = min(s.also[i].Bits, round(m.given(f, g, 1-last.without(e.Family))))
				}
			}
			taken := slices.ContainsFunc(s.evidence, func(t Evidence) bool { return t.Family == e.Family })
			if !taken && (best < 0 || s.also[i].Bits > s.also[best].Bits) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		e := s.also[best]
		s.evidence = append(s.evidence, e)
		s.also = slices.Delete(s.also, best, best+1)
		if f := (feature{e.Kind, e.Value}); m.table.software(f) {
			software = append(software, f)
		}
	}
	slices.SortStableFunc(s.evidence, func(a, b Evidence) int { return cmp.Compare(b.Bits, a.Bits) })
	slices.SortStableFunc(s.also, func(a, b Evidence) int { return cmp.Compare(b.Bits, a.Bits) })
	for i := range s.also {
		s.also[i].Bits = 0
	}
}

// firstOfFamily splits a sorted list into the first of each family and the rest.
func firstOfFamily[T any](list []T, family func(T) string) (first, rest []T) {
	seen := map[string]bool{}
	for _, x := range list {
		if f := family(x); !seen[f] {
			seen[f] = true
			first = append(first, x)
		} else {
			rest = append(rest, x)
		}
	}
	return first, rest
}

func (s score) verdict() Verdict {
	switch {
	case s.kin:
		return VerdictKin
	case s.bits >= 0:
		return VerdictPossible
	}
	return VerdictStranger
}

// without is what a host counts for as kin when a family is estimated: its
// confidence if all other families make it kin, else nothing. What is learnt of
// families must come from hosts that are kin, or strangers, for other reasons;
// otherwise a value that lets a few strangers in proves itself by their number.
func (s score) without(families ...string) float64 {
	bits := s.bits
	for _, f := range families {
		bits -= s.net[f]
	}
	if s.kin && bits >= kinBits {
		return confidence(bits)
	}
	return 0
}

// confidence is 1/(1+2^-bits), at most .999: the model is not better than that.
func confidence(bits float64) float64 {
	return min(.999, 1/(1+math.Exp2(-bits)))
}

// round keeps two digits, so that printed figures add up.
func round(bits float64) float64 { return math.Round(bits*100) / 100 }

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
			pairs[i] = append(pairs[i], compare(s, c))
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
		kin += j.score.without()
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
		agrees := slices.ContainsFunc(j.pair.shared, func(f feature) bool { return f.kind == info.Kind })
		differs := slices.ContainsFunc(j.pair.differs, func(d difference) bool { return d.kind == info.Kind })
		if agrees {
			t.same += weight
		}
		if agrees || differs {
			t.both += weight
		}
	}
	return t
}

// Kinship judges every host against the seeds, best first. Seeds are not
// listed; other kin count as seeds only up to o.Hops, each hop multiplying
// the confidence of the link by that of its kin.
func Kinship(seeds []string, hosts []Host, o Options) ([]Kin, error) {
	t, err := Defaults()
	if err != nil {
		return nil, err
	}
	pop := populate(t, hosts)
	via := map[string]Kin{}    // who may vouch, and how surely
	var known, from []*profile // all kin so far, and those of the last hop
	for _, addr := range seeds {
		if s := pop.byAddr[addr]; s != nil && via[addr].Host == "" {
			from = append(from, s)
			via[addr] = Kin{Host: addr, Confidence: 1}
		}
	}
	if len(from) == 0 {
		return nil, fmt.Errorf("no fingerprint of any seed (%v) among %d hosts", seeds, len(pop.all))
	}
	known = from
	var left []*profile
	for _, p := range pop.all {
		if via[p.Addr].Host == "" {
			left = append(left, p)
		}
	}
	var out []Kin
	for hop := 1; ; hop++ {
		found, model := pop.judge(known, from, left)
		left, from = nil, nil
		var strangers []Kin
		for _, j := range found {
			k := j.kin(model, hop, via[j.seed.Addr].Confidence)
			if k.Verdict == VerdictKin {
				out = append(out, k)
				via[k.Host] = k
				from = append(from, j.profile)
			} else {
				left = append(left, j.profile)
				strangers = append(strangers, k)
			}
		}
		known = append(known, from...)
		if hop >= max(1, o.Hops) || len(from) == 0 || len(left) == 0 {
			out = append(out, strangers...)
			break
		}
	}
	rank(out)
	return out, nil
}

func (j judged) kin(m *model, hop int, trust float64) Kin {
	k := Kin{Schema: "kin/1", Host: j.Addr, Verdict: j.score.verdict(), Bits: j.score.bits, Prior: m.prior,
		Hop: hop, Via: j.seed.Addr, Evidence: j.score.evidence, Also: j.score.also, Against: j.score.against, Probes: j.Asked}
	k.Confidence = math.Round(1000*confidence(k.Bits)*trust) / 1000
	if hop > 1 && k.Verdict == VerdictKin && k.Confidence < .95 {
		k.Verdict = VerdictPossible
	}
	if k.Evidence == nil {
		k.Evidence = []Evidence{}
	}
	if k.Against == nil {
		k.Against = []Conflict{}
	}
	return k
}

// rank orders by verdict, confidence over the hops, bits and address.
func rank(kin []Kin) {
	slices.SortFunc(kin, func(a, b Kin) int {
		return cmp.Or(cmp.Compare(a.Verdict.rank(), b.Verdict.rank()), cmp.Compare(a.Hop, b.Hop),
			cmp.Compare(b.Bits, a.Bits), CompareAddr(a.Host, b.Host))
	})
}

// Explain judges b against a with everything the scan tells of commonness.
func Explain(a, b string, hosts []Host, o Options) (Kin, error) {
	known := func(addr string) bool { return slices.ContainsFunc(hosts, func(h Host) bool { return h.Addr == addr }) }
	for _, addr := range []string{a, b} {
		if !known(addr) {
			return Kin{}, fmt.Errorf("explain %s %s: %s has no fingerprint among %d hosts", a, b, addr, len(hosts))
		}
	}
	o.Hops = 1
	all, err := Kinship([]string{a}, hosts, o)
	if err != nil {
		return Kin{}, err
	}
	i := slices.IndexFunc(all, func(k Kin) bool { return k.Host == b })
	if i < 0 {
		return Kin{}, fmt.Errorf("explain %s %s: nothing to compare; they are one host, or %s gave no whole value", a, b, b)
	}
	return all[i], nil
}
