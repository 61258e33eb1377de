package cluster

import (
	"iter"
	"math"
	"slices"
)

// A doubt that no value can remove: that everything two hosts share comes with
// a product which both run and which nobody has listed. Its families agree all
// together, so their bits must not be trusted as a sum. In a small range
// products repeat seldom; among a million hosts there are thousands of them.
// Networks and a baseline can tell: a product is found all over, and elsewhere.
const (
	doubtSoftware = .5   // of agreements without a key, in a large scan of which nothing else is known
	doubtKey      = .05  // of those with a clean identity value: default keys
	doubtLeast    = .05  // of it stays, however well networks or a baseline speak against a product
	doubtGroup    = .02  // of a group stays, but for a baseline: an image or a product of one hoster is as coherent as a provider
	doubtWorth    = .001 // below, it does not show: no confidence is said to be above .999
	keyedPairs    = .4   // of kin with everything else in common share a key
)

// doubt is the probability of a product, for hosts that share values,
// each with its bits and what is known of it; clean: one of them is a clean identity value. It is floor at
// least, but for what a baseline tells of the values.
func (x *Index) doubt(shared iter.Seq2[float64, rarity], clean bool, floor float64) float64 {
	base := x.products
	if clean {
		base = doubtKey
	}
	sum, told, beyond := 0.0, 0.0, 0.0
	for bits, r := range shared {
		sum += bits
		if r.told {
			told += bits * r.excess
			if r.beyond {
				beyond += bits
			}
		}
	}
	if sum > 0 {
		base *= 1 - (1-doubtLeast)*told/sum
		floor *= 1 - beyond/sum
	}
	size := min(1, float64(x.Hosts())/shareHosts)
	if doubt := max(base, floor) * size * size; doubt > doubtWorth {
		return doubt
	}
	return 0
}

// doubted is log-odds when the evidence may be void with that probability.
func doubted(bits, doubt float64) float64 {
	return -math.Log2(math.Exp2(-bits) + doubt)
}

const (
	sampledSeeds = 400 // hosts of which a scan's products are learnt
	sampledMost  = 64  // hosts that agree with one of them
	sampledLeast = 20  // hosts that must agree with others, or nothing is learnt
)

// learn estimates how often hosts that agree in everything but keys are two of
// a product: kin would often share a key as well. It looks at hosts all over
// the scan.
func (x *Index) learn() {
	x.products = doubtSoftware
	if float64(x.Hosts()) < shareHosts {
		return
	}
	keyed, seen := 0.0, 0.0
	for _, h := range x.sample(16 * sampledSeeds) {
		if share, ok := x.keyed(h); ok {
			keyed += share
			if seen++; seen == sampledSeeds {
				break
			}
		}
	}
	if seen >= sampledLeast {
		x.products = max(doubtKey, min(1, 1-(keyed+keyedPairs/2)/(seen+1)/keyedPairs))
	}
}

// keyed is the share of the hosts that agree with h in everything else, enough
// to be called kin, which share a clean key too; false: there is no such host,
// or no key to compare.
func (x *Index) keyed(h hostID) (float64, bool) {
	keys := map[kindID]bool{}
	for _, p := range x.printsOf(h) {
		if x.kinds[p.kind].Identity {
			keys[p.kind] = true
		}
	}
	if len(keys) == 0 {
		return 0, false
	}
	threshold := float32(x.prior(priorKin) + KinBits)
	var alike []hostID
	for other, w := range x.shared(h, false) {
		if other != h && w >= threshold {
			alike = append(alike, other)
		}
	}
	slices.Sort(alike)
	same, compared := 0.0, 0.0
	for _, other := range spread(alike, sampledMost) {
		shares, can := x.sameKey(h, other, keys)
		if can {
			compared++
		}
		if shares {
			same++
		}
	}
	if compared == 0 {
		return 0, false
	}
	return same / compared, true
}

// sameKey tells whether two hosts share a clean identity value, and whether
// they can be compared.
func (x *Index) sameKey(a, b hostID, keys map[kindID]bool) (same, can bool) {
	theirs := x.printsOf(b)
	for _, p := range theirs {
		can = can || keys[p.kind]
	}
	for v, p := range x.valuesOf(a) {
		if x.kinds[p.kind].Identity && x.weights[v] > 0 && !x.table.isStock(x.feature(v)) &&
			x.holds(b, v) {
			return true, true
		}
	}
	return false, can
}
