package cluster

import (
	"math"
	"slices"
)

const (
	// sievePrior is the prior of a range of which a provider fills one part
	// in sixteen: more than most do, so that the sieve errs on the open side.
	sievePrior = 4.0
	// sieveFloor is the log-odds after a first look below which a host is not
	// asked further: one in 64.
	sieveFloor = -6.0
	// sureMargin is what the estimates of a scan may take from the table's.
	sureMargin = 4.0
	// sieveTelling is the least that something in a first look must be worth.
	sieveTelling = 3.0
)

// Sieve tells from the first look at a host whether asking it further may
// still make it kin. It knows the table only, nothing of the scan, so its
// answer does not depend on which hosts were looked at before.
type Sieve struct {
	model *model
	seeds []*profile
	later map[string]float64 // per family, the most that the later questions may bring
}

// NewSieve makes the sieve for candidates of the given seeds.
func NewSieve(seeds []Host, o Options) (*Sieve, error) {
	t, err := o.table()
	if err != nil {
		return nil, err
	}
	s := &Sieve{later: map[string]float64{}}
	for i := range seeds {
		s.seeds = append(s.seeds, t.profile(&seeds[i]))
	}
	s.model = NewIndex(t, nil).population().start(s.seeds)
	s.model.prior = sievePrior
	for f := range s.model.u {
		if info := t.kinds[f.kind]; info.Later {
			s.later[info.Family] = max(s.later[info.Family], s.most(f))
		}
	}
	return s, nil
}

// most is what f can be worth at best: every kin holds it.
func (s *Sieve) most(f feature) float64 { return -math.Log2(s.model.table.rarity(f).floor) }

// Outlook is what a first look leaves to find out.
type Outlook uint8

// The outlooks.
const (
	Shut Outlook = iota // cannot become kin, or only by a remote chance
	Near                // neither, but it shares something telling: it shows how common the rest of that is
	Open                // may be kin
	Sure                // is kin whatever the later answers are
)

// Outlook judges a first look at h, in a range of that many hosts at most. A
// host can become kin if it reaches the threshold when every later question is
// answered as the seed does; it is sure if a clean identity value and the rest
// outweigh every later question answered differently.
func (s *Sieve) Outlook(h Host, hosts uint64) Outlook {
	best := Shut
	p := s.model.table.profile(&h)
	for _, seed := range s.seeds {
		pair := s.model.table.compare(seed, p)
		score := s.model.score(pair, func(feature) int { return 0 }, score{})
		worst := score.bits + sievePrior - math.Log2(float64(hosts)+1) - conflictCap*float64(len(s.later))
		switch {
		case worst >= KinBits+sureMargin && s.model.table.clean(pair):
			return Sure
		case score.bits >= sieveFloor && s.reachable(pair):
			best = Open
		case s.telling(pair):
			best = max(best, Near)
		}
	}
	return best
}

// telling reports whether anything is shared that is worth a question.
func (s *Sieve) telling(p pair) bool {
	return slices.ContainsFunc(p.shared, func(f feature) bool {
		return s.model.table.kinds[f.kind].Family != "tcp" && s.most(f) >= sieveTelling
	})
}

// reachable is the bound: agreements at their most, no conflict counted.
func (s *Sieve) reachable(p pair) bool {
	best := map[string]float64{}
	if s.model.table.clean(p) {
		return true
	}
	for _, f := range p.shared {
		info := s.model.table.kinds[f.kind]
		best[info.Family] = max(best[info.Family], s.most(f))
	}
	if !s.telling(p) {
		return false // what has nothing in common in the first look will not have it later
	}
	bits, families := 0.0, 0
	for family, more := range s.later {
		best[family] = max(best[family], more)
	}
	for _, b := range best {
		bits += b
		if b >= FamilyBits {
			families++
		}
	}
	return families >= 2 && bits-sievePrior >= KinBits
}
