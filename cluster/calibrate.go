package cluster

import (
	"math/bits"
	"slices"
	"strings"
)

// In a large scan m is learnt without labels, after Fellegi and Sunter: from
// pairs of hosts that share a rare key, which are kin by that whatever else they
// show. It depends on how many hosts hold a value: of a provider's hundred hosts
// two that share what nobody else has are an exception, and most share what a
// hundred hold. The table's m, one for each kind, misses that.
const (
	keyHolders     = 64      // a key on more hosts is not rare
	calibratedMost = 1 << 16 // hosts that are looked at, all over the scan
	agreementsIn   = 5       // a bin needs so many agreements, else the table's m stays
)

// faithful is how often kin hold a value too, by kind and by log2 of the hosts that hold it.
type faithful [][33]float64

// calibrate learns how faithful kin are; nil: the scan is too small to tell.
// Hosts with one key are mostly of one image and agree in more than kin at
// large, so it never says more than the table.
func (x *Index) calibrate() faithful {
	if float64(x.Hosts()) < shareHosts {
		return nil
	}
	learnt := make(faithful, len(x.kinds))
	for kind, bins := range x.agreements() {
		m := x.kinds[kind].M
		for i, b := range bins {
			if b.agree >= agreementsIn {
				learnt[kind][i] = min(m, (b.agree+tableWeight*m)/(b.asked+tableWeight))
			}
		}
	}
	return learnt
}

// bin counts pairs with a key in common of which one holds a value of a kind
// that so many hosts hold and the other answers the kind, and those that agree.
type bin struct{ asked, agree float64 }

// agreements counts by kind and bin, from hosts all over the scan, each value with one partner.
func (x *Index) agreements() [][33]bin {
	bins := make([][33]bin, len(x.kinds))
	type partner struct {
		key   kindID
		other hostID
	}
	var partners []partner
	for _, h := range x.sample(calibratedMost) {
		partners = partners[:0]
		for key, p := range x.valuesOf(h) {
			if other, ok := x.partner(h, key); ok {
				partners = append(partners, partner{p.kind, other})
			}
		}
		for v, q := range x.valuesOf(h) {
			if len(partners) == 0 || x.held(v) < 2 || x.table.isStock(x.feature(v)) {
				continue
			}
			i := slices.IndexFunc(partners, func(p partner) bool { return !x.tells(p.key, q.kind) && x.answers(p.other, q.kind) })
			if i < 0 {
				continue
			}
			b := &bins[q.kind][binOf(x.held(v))]
			b.asked++
			if x.holds(partners[i].other, v) {
				b.agree++
			}
		}
	}
	return bins
}

// binOf is log2 of the hosts that hold a value, rounded down.
func binOf(hosts int) int { return bits.Len(uint(hosts)) - 1 }

// tells whether two values of these kinds are of one family, or of one
// certificate: then one of them is no news beside the other.
func (x *Index) tells(key, kind kindID) bool {
	return x.families[key] == x.families[kind] || strings.HasPrefix(string(x.kinds[key].Kind), "cert.") && strings.HasPrefix(string(x.kinds[kind].Kind), "cert.")
}

func (x *Index) answers(h hostID, kind kindID) bool {
	return slices.ContainsFunc(x.printsOf(h), func(p print) bool { return p.kind == kind })
}

// partner is the next host with the same rare key.
func (x *Index) partner(h hostID, key valueID) (hostID, bool) {
	if info := x.kinds[x.values[key].kind()]; !info.Identity || x.held(key) < 2 || x.held(key) > keyHolders || x.table.isStock(x.feature(key)) {
		return 0, false
	}
	holders := x.holdersOf(key)
	i, _ := slices.BinarySearch(holders, h)
	return holders[(i+1)%len(holders)], true
}

// m is P(a kin holds the value too).
func (x *Index) m(v valueID) float64 {
	kind := x.values[v].kind()
	if x.faithful != nil {
		if m := x.faithful[kind][binOf(x.held(v))]; m > 0 {
			return m
		}
	}
	return x.kinds[kind].M
}
