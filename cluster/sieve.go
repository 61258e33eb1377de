package cluster

import "math"

const (
	// sievePrior is the prior of a range of which a provider fills one part
	// in sixteen: more than most do, so that the sieve errs on the open side.
	sievePrior = 4.0
	// sieveFloor is the log-odds after a first look below which a host is not
	// asked further: one in 64.
	sieveFloor = -6.0
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
func NewSieve(seeds []Host) (*Sieve, error) {
	t, err := Defaults()
	if err != nil {
		return nil, err
	}
	s := &Sieve{later: map[string]float64{}}
	for i := range seeds {
		s.seeds = append(s.seeds, t.profile(&seeds[i]))
	}
	s.model = populate(t, nil).start(s.seeds)
	s.model.prior = sievePrior
	for f := range s.model.u {
		if info := t.kinds[f.kind]; info.Later {
			s.later[info.Family] = max(s.later[info.Family], s.most(f))
		}
	}
	return s, nil
}

// most is what f can be worth at best: every kin holds it.
func (s *Sieve) most(f feature) float64 { return -math.Log2(s.model.table.prevalence(f)) }

// Open reports whether h may still be kin of a seed: it can reach the
// threshold if every later question is answered as the seed does, and the
// first look leaves it more than a remote chance.
func (s *Sieve) Open(h Host) bool {
	p := s.model.table.profile(&h)
	for _, seed := range s.seeds {
		pair := compare(seed, p)
		if s.model.score(pair, nil, score{}).bits >= sieveFloor && s.reachable(pair) {
			return true
		}
	}
	return false
}

// reachable is the bound: agreements at their most, no conflict counted.
func (s *Sieve) reachable(p pair) bool {
	best := map[string]float64{}
	for _, f := range p.shared {
		info := s.model.table.kinds[f.kind]
		if info.Identity {
			return true
		}
		best[info.Family] = max(best[info.Family], s.most(f))
	}
	bits, families := 0.0, 0
	for family, more := range s.later {
		best[family] = max(best[family], more)
	}
	for _, b := range best {
		bits += b
		if b >= familyBits {
			families++
		}
	}
	return families >= 2 && bits-sievePrior >= kinBits
}
