// Package cluster weighs what hosts share: prevalence gives weights in bits,
// weights give links, links give kin and groups, each with the evidence for
// and against. It is deterministic and needs no network. The statistics are
// explained in docs/statistics.md.
package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"

	"github.com/hostkin/hostkin/cluster/graph"
)

// Options change how hosts are judged. The zero value is the default.
type Options struct {
	Hops          int     // how many links away from a seed kin may be; 0 is 1
	MinConfidence float64 // of a group; 0 is .9
	Table         *Table  // nil: Defaults, read anew at every call

	Not     []string              // hosts known to be no kin of the seeds: what they hold speaks for nobody; they are not listed
	Keep    func(netip.Addr) bool // hosts that may be listed; the others are judged all the same and tell what is common. nil: all
	Top     int                   // how many hosts to judge and list, the best of the ranking; 0: all
	Related bool                  // groups list their neighbours
}

func (o Options) table() (*Table, error) {
	if o.Table != nil {
		return o.Table, nil
	}
	return Defaults()
}

// Kinship judges every host against the seeds, best first. Seeds are not
// listed; other kin count as seeds only up to o.Hops, each hop multiplying
// the confidence of the link by that of its kin.
func Kinship(seeds []string, hosts []Host, o Options) ([]Kin, error) {
	t, err := o.table()
	if err != nil {
		return nil, err
	}
	return NewIndex(t, hosts).Kinship(seeds, o)
}

// Kinship judges the hosts of an index that is already made; its table counts, not that of o.
func (x *Index) Kinship(seeds []string, o Options) ([]Kin, error) {
	x, enemies := x.without(o.Not)
	pop := x.population()
	pop.enemies, pop.keep = enemies, o.Keep
	via := map[hostID]Kin{}    // who may vouch, and how surely
	var known, from []*profile // all kin so far, and those of the last hop
	for _, addr := range seeds {
		if h, ok := x.find(addr); ok && via[h].Host == "" {
			from = append(from, pop.profile(h))
			via[h] = Kin{Host: addr, Confidence: 1}
		}
	}
	if len(from) == 0 {
		return nil, fmt.Errorf("no fingerprint of any seed (%v) among %d hosts", seeds, x.Hosts())
	}
	known = from
	walk := x.walk(hostsOf(from))
	var out, rest []Kin
	for hop := 1; ; hop++ {
		var left []*profile
		for _, h := range pop.candidates(from, o.Top) {
			if via[h].Host == "" {
				left = append(left, pop.profile(h))
			}
		}
		found, model := pop.judge(known, from, left)
		vouch := from
		from, rest = nil, nil
		for _, j := range found {
			k := pop.kin(j, model, hop, via[j.seed.host].Confidence)
			kin := k.Verdict == VerdictKin && !enemies.among(j.host)
			if kin {
				via[j.host] = k
				from = append(from, j.profile)
			}
			switch {
			case !pop.lists(j.host):
			case kin:
				out = append(out, k)
			default:
				rest = append(rest, k)
			}
		}
		known = append(known, from...)
		if hop >= max(1, o.Hops) || len(from) == 0 || len(from) == len(found) {
			if o.Top == 0 {
				rest = append(rest, pop.others(model, vouch, found, hop, via)...)
			}
			break
		}
	}
	out = append(out, rest...)
	pop.placed(out, walk)
	rank(out)
	if o.Top > 0 {
		out = out[:min(len(out), o.Top)]
	}
	return out, nil
}

// placed notes where each host comes in the walk from the seeds, less what it
// has in that from the hosts that are known to be no kin.
func (pop *population) placed(kin []Kin, walk *graph.Ranking) {
	mass := massOf(walk)
	less := pop.enemies.mass()
	for i, k := range kin {
		h, _ := pop.index.find(k.Host)
		kin[i].Rank = max(0, round(mass[h]-less[h]))
		if k.Verdict != VerdictStranger || k.Hop > 1 {
			kin[i].Why = pop.index.steps(walk.Way(h))
		}
	}
}

func hostsOf(list []*profile) []hostID {
	out := make([]hostID, len(list))
	for i, p := range list {
		out[i] = p.host
	}
	return out
}

const (
	judgeAll  = 8192 // hosts, up to which a scan is judged as a whole
	judgeMost = 4096 // candidates that are judged together in a larger one
)

// lists reports whether a host may be listed.
func (pop *population) lists(h hostID) bool {
	return (pop.keep == nil || pop.keep(pop.index.addrs[h])) && !pop.enemies.among(h)
}

// candidates are the hosts that a larger scan is judged by: those that share
// most with the seeds, top of them to be listed. Beside them all others are strangers.
func (pop *population) candidates(seeds []*profile, top int) []hostID {
	x := pop.index
	if x.Hosts() <= judgeAll {
		return x.sample(judgeAll)
	}
	sum := map[hostID]float32{}
	for _, s := range seeds {
		for h, w := range x.shared(s.host, true) {
			sum[h] = max(sum[h], w)
		}
	}
	hosts := slices.Collect(maps.Keys(sum))
	slices.SortFunc(hosts, func(a, b hostID) int { return cmp.Or(cmp.Compare(sum[b], sum[a]), cmp.Compare(a, b)) })
	rank, listed := 0, 0
	hosts = slices.DeleteFunc(hosts, func(h hostID) bool {
		rank++
		lists := listed < top && pop.lists(h)
		if lists {
			listed++
		}
		return rank > judgeMost && !lists
	})
	slices.Sort(hosts)
	return hosts
}

// shared is what every host shares with h in telling values, in bits before
// any verdict: of each family the most; without identity kinds if keys is false.
func (x *Index) shared(h hostID, keys bool) map[hostID]float32 {
	byFamily := make([]map[hostID]float32, len(x.familyNames))
	for v, p := range x.valuesOf(h) {
		w := x.weights[v]
		if float64(w) < x.gate() || x.weak[v] || x.held(v) > groupHolders || x.kinds[p.kind].Identity && !keys {
			continue
		}
		in := &byFamily[x.families[p.kind]]
		if *in == nil {
			*in = map[hostID]float32{}
		}
		for _, other := range x.holdersOf(v) {
			(*in)[other] = max((*in)[other], w)
		}
	}
	sum := map[hostID]float32{}
	for _, in := range byFamily { // a fixed order: sums of floats depend on it
		for other, w := range in {
			sum[other] += w
		}
	}
	return sum
}

// others are the hosts of a large scan that were not judged and may be listed,
// by the model that the judged ones made.
func (pop *population) others(m *model, seeds []*profile, found []judged, hop int, via map[hostID]Kin) []Kin {
	done := map[hostID]bool{}
	for _, j := range found {
		done[j.host] = true
	}
	var out []Kin
	for h := range pop.index.addrs {
		if h := hostID(h); !done[h] && via[h].Host == "" && pop.lists(h) {
			j := pop.best(m, seeds, pop.index.profile(h))
			out = append(out, pop.kin(j, m, hop, via[j.seed.host].Confidence))
		}
	}
	return out
}

func (pop *population) kin(j judged, m *model, hop int, trust float64) Kin {
	pop.enemies.push(&j)
	pop.doubt(&j)
	k := Kin{Schema: "kin/1", Host: j.Addr, Verdict: j.score.verdict(), Bits: j.score.bits, Prior: m.prior,
		Hop: hop, Via: j.seed.Addr, Evidence: j.score.evidence, Also: j.score.also, Against: j.score.against, Probes: j.Asked}
	k.Confidence = math.Round(1000*confidence(k.Bits)*trust) / 1000
	if hop > 1 && k.Verdict == VerdictKin && k.Confidence < .95 {
		k.Verdict = VerdictPossible
	}
	if k.Verdict != VerdictStranger {
		k.Link = pop.table.linkOf(j.seed, j)
	}
	for _, list := range [][]Evidence{k.Evidence, k.Also} {
		for i := range list {
			pop.describe(m, j.seed, &list[i])
		}
	}
	if k.Evidence == nil {
		k.Evidence = []Evidence{}
	}
	if k.Against == nil {
		k.Against = []Conflict{}
	}
	return k
}

// doubt counts against a host that a product may explain what it shares.
func (pop *population) doubt(j *judged) {
	shared := func(yield func(float64, rarity) bool) {
		for _, e := range j.score.evidence {
			if v, ok := pop.index.lookup(feature{e.Kind, e.Value}); ok && !yield(e.Bits, pop.index.rarity(v)) {
				return
			}
		}
	}
	less := round(doubted(j.score.bits, pop.index.doubt(shared, pop.table.clean(j.pair), 0)) - j.score.bits)
	if less > -leastDoubt || j.score.bits < 0 {
		return
	}
	j.score.against = append(slices.Clip(j.score.against), Conflict{Kind: Product, Family: Product, Bits: less})
	j.score.bits = round(j.score.bits + less)
	j.score.kin = j.score.kin && j.score.bits >= KinBits
}

// leastDoubt is what is worth a line, in bits.
const leastDoubt = .05

// describe adds what is known of how common a value is.
func (pop *population) describe(m *model, seed *profile, e *Evidence) {
	f := feature{e.Kind, e.Value}
	e.Common = pop.table.stock[f]
	if e.Common == "" && e.Kind == "cert.issuer" && seed.public {
		e.Common = fmt.Sprintf("issuer of %d hosts: taken for a public CA", e.HeldBy)
	}
	e.Prevalence = digits(m.u[f].value(0))
	if b := pop.table.baseline; b != nil && b.Answered(f.kind) > 0 {
		n, _ := b.Holders(f.kind, f.value)
		e.Baseline = digits(n / b.Answered(f.kind))
	}
	if v, ok := pop.index.lookup(f); ok && pop.index.networks != nil {
		n, known := pop.networks[v]
		if !known {
			n = pop.index.inNetworks(v)
			pop.networks[v] = n
		}
		e.Networks = n
	}
}

// digits keeps three of them, so that small shares can be read.
func digits(p float64) float64 {
	if p == 0 {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(p)))
	return math.Round(p*scale) / scale
}

// rank orders by verdict, hop, place in the walk, bits and address: evidence
// says what a host is, the walk which of its equals comes first.
func rank(kin []Kin) {
	slices.SortFunc(kin, func(a, b Kin) int {
		return cmp.Or(cmp.Compare(a.Verdict.rank(), b.Verdict.rank()), cmp.Compare(a.Hop, b.Hop),
			cmp.Compare(b.Rank, a.Rank), cmp.Compare(b.Bits, a.Bits), CompareAddr(a.Host, b.Host))
	})
}

// Explain judges b against a with everything the scan tells of commonness.
func (x *Index) Explain(a, b string, o Options) (Kin, error) {
	for _, addr := range []string{a, b} {
		if _, ok := x.find(addr); !ok {
			return Kin{}, fmt.Errorf("explain %s %s: %s has no fingerprint among %d hosts", a, b, addr, x.Hosts())
		}
	}
	h, _ := x.find(b)
	o.Hops, o.Top, o.Keep = 1, 0, func(addr netip.Addr) bool { return addr == x.addrs[h] }
	one, err := x.Kinship([]string{a}, o)
	if err != nil {
		return Kin{}, err
	}
	if len(one) == 0 {
		return Kin{}, fmt.Errorf("explain %s %s: nothing to compare, they are one host", a, b)
	}
	return one[0], nil
}
