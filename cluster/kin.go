// Package cluster weighs what hosts share: prevalence gives weights in bits,
// weights give links, links give kin and groups, each with the evidence for
// and against. It is deterministic and needs no network. The statistics are
// explained in docs/statistics.md.
package cluster

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// Options change how hosts are judged. The zero value is the default.
type Options struct {
	Hops          int     // how many links away from a seed kin may be; 0 is 1
	MinConfidence float64 // of a group; 0 is .9
	Table         *Table  // nil: Defaults, read anew at every call

	Not     []string                     // hosts known to be no kin of the seeds: what they hold speaks for nobody
	Network func(netip.Addr) (as uint32) // the autonomous system of an address, 0: not known; nil: no such data
	Top     int                          // how many hosts to judge and list, the best of the ranking; 0: all
	Related bool                         // groups list their neighbours
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
	pop := x.populate()
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
func (x *Index) Explain(a, b string, o Options) (Kin, error) {
	for _, addr := range []string{a, b} {
		if _, ok := x.find(addr); !ok {
			return Kin{}, fmt.Errorf("explain %s %s: %s has no fingerprint among %d hosts", a, b, addr, x.Hosts())
		}
	}
	o.Hops = 1
	all, err := x.Kinship([]string{a}, o)
	if err != nil {
		return Kin{}, err
	}
	i := slices.IndexFunc(all, func(k Kin) bool { return k.Host == b })
	if i < 0 {
		return Kin{}, fmt.Errorf("explain %s %s: nothing to compare, they are one host", a, b)
	}
	return all[i], nil
}
