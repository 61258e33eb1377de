package cluster

import (
	"math"
	"slices"

	"github.com/hostkin/hostkin/internal/hugepage"
)

// How common a value is among strangers, before anything is judged. Three
// sources are joined: the table of kinds with its list of common values, a
// baseline of other hosts if there is one, and the scan itself. A small scan
// says little, because a provider may fill it; a large one says most.
const (
	tableHosts = 1000.0  // in a scan of more hosts the table's prevalence shrinks as if it had been seen in so many
	keyHosts   = 50000.0 // the same of identity kinds: two strangers with one key are an accident whatever the scan
	shareHosts = 20000.0 // holders are a share of at least so many hosts
	keyShare   = 2e-8    // what a holder adds to the prevalence of an identity value: one in fifty is a stranger, of a million hosts
	millionth  = 1e6
)

// rarity is what is known of a value before any verdict.
type rarity struct {
	start  float64 // P(a stranger holds it), to begin with
	floor  float64 // the least that it may be re-estimated to
	excess float64 // share of the holders that strangers do not explain, 0 to 1
	told   bool    // networks or a baseline tell that share,
	beyond bool    // and a baseline does
}

// worth is what sharing a value is worth in bits: log2(m/u), of the share of its
// holders that strangers do not explain.
func worth(m, u, excess float64) float64 {
	return max(0, math.Log2(1+excess*(m/u-1)))
}

// rarity of a value that the index holds.
func (x *Index) rarity(v valueID) rarity {
	f := x.feature(v)
	info := x.table.kinds[f.kind]
	if x.table.isStock(f) {
		return x.table.rarity(f)
	}
	n, hosts := float64(x.held(v)), float64(x.Hosts())
	var r rarity
	if info.Identity {
		r.floor = info.U * min(1, keyHosts/hosts)
		r.start = max(r.floor, keyShare*n*min(1, millionth/hosts))
		r.floor = r.start // operators clone keys: what kin hold is no measure
	} else {
		r.floor = info.U * min(1, tableHosts/hosts)
		r.start = max(r.floor, n/max(shareHosts, float64(x.answered[x.values[v].kind()])))
	}
	if known, ok := x.outside(f, info, n); ok {
		known.start, known.floor = max(r.floor, known.start), max(r.floor, known.floor)
		if excess, told := x.dispersion(v); told { // what no stranger elsewhere holds may still be a customer's, all over
			known.excess = min(known.excess, excess)
		}
		return known
	}
	r.excess, r.told = x.dispersion(v)
	return r
}

// outside is what a baseline tells of a value on n hosts of the scan: how many
// strangers are to be expected among them (E), and which share of the holders
// is more than chance (two standard deviations of both counts).
func (x *Index) outside(f feature, info *kindInfo, n float64) (rarity, bool) {
	b := x.table.baseline
	if b == nil || info.Near > 0 { // a baseline knows other leaders of near values
		return rarity{}, false
	}
	answered := b.Answered(f.kind)
	if answered < leastBaseline {
		return rarity{}, false
	}
	count, listed := b.Holders(f.kind, f.value)
	if !listed {
		// Not seen there says little of a value that few hosts of the scan hold.
		p := .5 * float64(b.Least()) / answered
		if expected := p * float64(x.answered[x.byKind[f.kind]]); expected > n/4 {
			return rarity{}, false
		}
		return rarity{p, p, 1, true, true}, true
	}
	p := (count + .5) / answered
	here := float64(x.answered[x.byKind[f.kind]])
	expected := p * here
	excess := max(0, n-expected-2*math.Sqrt(expected*(1+here/answered)+.01)) / n
	return rarity{p, p, max(leastExcess, excess), true, true}, true
}

// leastBaseline is how many hosts of a baseline must have answered a kind.
const leastBaseline = 1000

const (
	pairsLeast  = 4   // holders of known networks, from which on these tell something
	pairsMost   = 256 // holders that are looked at
	oneNetwork  = .25 // more pairs in one network than among random hosts, from which on nothing is discounted
	leastExcess = .001
)

// dispersion is the share of the holders of a value that networks do not
// explain as strangers, two standard deviations of chance taken off: those of
// a provider sit in a few networks, strangers are spread like all hosts. A
// shared network only keeps a value from being discounted.
func (x *Index) dispersion(v valueID) (excess float64, told bool) {
	in := x.systems(spread(x.holdersOf(v), pairsMost))
	if len(in) < pairsLeast {
		return 1, false
	}
	chance := 2 * math.Sqrt(x.randomPairs/float64(len(in)*(len(in)-1)/2))
	return max(leastExcess, min(1, (sameNetwork(in)-x.randomPairs-chance)/oneNetwork)), true
}

// systems are the autonomous systems of hosts, as far as they are known, sorted.
func (x *Index) systems(hosts []hostID) []uint32 {
	if x.networks == nil {
		return nil
	}
	in := make([]uint32, 0, len(hosts))
	for _, h := range hosts {
		if as := x.networks[h]; as != 0 {
			in = append(in, as)
		}
	}
	slices.Sort(in)
	return in
}

// sameNetwork is the share of pairs of a sorted list that are the same.
func sameNetwork(in []uint32) float64 {
	if len(in) < 2 {
		return 0
	}
	same, run := 0, 0
	for i := range in {
		if i > 0 && in[i] != in[i-1] {
			run = 0
		}
		same += run
		run++
	}
	return float64(same) / float64(len(in)*(len(in)-1)/2)
}

// spread takes at most n of a list, evenly.
func spread(list []hostID, n int) []hostID {
	if len(list) <= n {
		return list
	}
	out := make([]hostID, n)
	for i := range out {
		out[i] = list[i*len(list)/n]
	}
	return out
}

// sample is at most n hosts, evenly over all.
func (x *Index) sample(n int) []hostID {
	out := make([]hostID, min(n, x.Hosts()))
	for i := range out {
		out[i] = hostID(i * x.Hosts() / len(out))
	}
	return out
}

// weigh fills weights: what sharing each value is worth before any verdict.
// Values that one host holds tie nobody and weigh 0.
func (x *Index) weigh() {
	x.weights = hugepage.Make[float32](len(x.values), len(x.values))
	for v := range x.values {
		if x.held(valueID(v)) < 2 {
			continue
		}
		r := x.rarity(valueID(v))
		x.weights[v] = float32(worth(x.kinds[x.values[v].kind()].M, r.start, r.excess))
	}
}

// locate finds the autonomous system of each host, if the table knows them.
func (x *Index) locate() {
	if x.table.network == nil {
		return
	}
	x.networks = make([]uint32, len(x.addrs))
	for h, addr := range x.addrs {
		x.networks[h] = x.table.network(addr)
	}
	x.randomPairs = sameNetwork(x.systems(x.sample(16 * pairsMost)))
}

// inNetworks counts the autonomous systems of the holders of a value; 0: not known.
func (x *Index) inNetworks(v valueID) int {
	return len(slices.Compact(x.systems(x.holdersOf(v))))
}

// bothSample bounds the holders that are looked at to count those of two values.
const bothSample = 128

// both counts the hosts that hold two values, of those that count; of large
// numbers it is an estimate.
func (x *Index) both(v, w valueID, counts func(hostID) bool) float64 {
	few, other := x.holdersOf(v), w
	if x.held(w) < len(few) {
		few, other = x.holdersOf(w), v
	}
	looked := spread(few, bothSample)
	n := 0
	for _, h := range looked {
		if x.holds(h, other) && counts(h) {
			n++
		}
	}
	return float64(n) * float64(len(few)) / float64(max(1, len(looked)))
}

func (x *Index) holds(h hostID, v valueID) bool {
	return slices.ContainsFunc(x.printsOf(h), func(p print) bool { return p.value == v })
}

// publicBits is what an issuer is worth at most that so many hosts of a large
// scan have that it must be a public CA: one in a thousand.
const publicBits = 10

// publicCA reports whether all certificates of h come from issuers that are
// listed as common, or are so in a large scan, and none is self-signed: who
// shares one with it may be a common customer of two providers.
func (x *Index) publicCA(h hostID) bool {
	issuers, public := 0, 0
	for _, p := range x.printsOf(h) {
		if x.kinds[p.kind].Kind != "cert.issuer" {
			continue
		}
		issuers++
		large := float64(x.Hosts()) >= shareHosts && x.held(p.value) > 1 && x.weights[p.value] < publicBits
		if (large || x.table.isStock(x.feature(p.value))) && !x.selfSigned(h, p.port) {
			public++
		}
	}
	return issuers > 0 && public == issuers
}

func (x *Index) selfSigned(h hostID, port uint16) bool {
	return slices.ContainsFunc(x.printsOf(h), func(p print) bool {
		return p.port == port && x.kinds[p.kind].Kind == "cert.shape" && selfSignedShape(x.feature(p.value).value)
	})
}
