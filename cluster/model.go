package cluster

import (
	"math"

	"github.com/hostkin/hostkin/fingerprints"
)

// What kin takes, in bits.
const (
	KinBits    = 4.25 // log-odds of .95
	FamilyBits = 2.0  // from here on a family counts towards the family rule
)

const (
	conflictCap = 4.0 // a family speaks against with at most this many bits
	priorKin    = 3.0 // kin expected in a scan before anything is known
	tableWeight = 4.0 // hosts that the table's m and u are worth against those of the scan
	maxRounds   = 24  // of re-estimation; it usually stands still after five
)

// model is what a scan is taken to look like: how common values are among
// strangers, how faithful kin are to a kind, how many kin to expect.
type model struct {
	table *Table
	m     map[fingerprints.Kind]float64 // P(a kin gives the same value)
	faith map[feature]float64           // what is learnt of a value, times m of its kind; 1 if it is not there
	u     map[feature]prevalence        // how common the seeds' values are among strangers
	joint map[[2]feature]float64        // strangers that hold two values of different software families
	prior float64                       // bits against, before any evidence
}

// prevalence is an estimate of P(a stranger holds a value).
type prevalence struct {
	rarity
	holders   float64 // among the strangers counted
	strangers float64 // 0: nothing is estimated yet
}

// value is the estimate, never below the floor. own is the part of one of the
// holders to leave out: a host is no evidence against itself.
func (p prevalence) value(own float64) float64 {
	if p.strangers == 0 {
		return p.start
	}
	u := (max(0, p.holders-own) + tableWeight*p.floor) / (max(0, p.strangers-own) + tableWeight)
	return max(p.floor, min(.99, u))
}

// bits is what sharing f is worth, never below 0.
func (m *model) bits(f feature, own float64) float64 {
	return worth(m.same(f), m.u[f].value(own), m.u[f].excess)
}

// same is P(a kin holds f too).
func (m *model) same(f feature) float64 {
	if faith, learnt := m.faith[f]; learnt {
		return min(.99, faith*m.m[f.kind])
	}
	return m.m[f.kind]
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
	return worth(m.same(f), u, m.u[f].excess)
}

func ordered(f, g feature) [2]feature {
	if compareFeatures(f, g) > 0 {
		f, g = g, f
	}
	return [2]feature{f, g}
}

// against is what answering d differently is worth: at most 0. A question in
// parts is worth its share.
func (m *model) against(d difference) float64 {
	u := 0.0
	for _, v := range d.seed {
		u = max(u, m.u[feature{d.kind, v}].value(0))
	}
	return d.share() * min(0, max(-conflictCap, math.Log2((1-m.m[d.kind])/(1-u))))
}
