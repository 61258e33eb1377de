package expand

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
)

// Saved gathers what earlier scans saved, in any order, for a judgement that
// sends nothing. Of an observation it keeps the fingerprints, the connections
// and, if it is a seed's, the name.
type Saved struct {
	o       Options
	builder *cluster.Builder
	named   map[string][]netip.Addr // by the names of the seeds
	spent   map[netip.Addr]int
	total   int // connections
}

// NewSaved begins a judgement of o.Seeds; of o it also takes Within and Cluster.
func NewSaved(o Options) (*Saved, error) {
	if o.Cluster.Table == nil {
		var err error
		if o.Cluster.Table, err = cluster.Defaults(); err != nil {
			return nil, err
		}
	}
	s := &Saved{o: o, builder: cluster.NewBuilder(o.Cluster.Table), named: map[string][]netip.Addr{}, spent: map[netip.Addr]int{}}
	for _, t := range o.Seeds {
		if t.Host.Name != "" {
			s.named[t.Host.Name] = nil
		}
	}
	return s, nil
}

// Observe takes an observation.
func (s *Saved) Observe(o record.Observation) {
	for _, f := range fingerprints.Of(o) {
		s.builder.Add(f)
	}
	if o.Connections != 0 {
		s.spent[o.Host.IP] += o.Connections
		s.total += o.Connections
	}
	if known, ok := s.named[o.Host.Name]; ok && !slices.Contains(known, o.Host.IP) {
		s.named[o.Host.Name] = append(known, o.Host.IP)
	}
}

// Add takes a fingerprint.
func (s *Saved) Add(f fingerprints.Fingerprint) { s.builder.Add(f) }

// Judge judges everything against the seeds, which are looked up by address
// and by name. Hosts outside Within are no results, but they do tell
// what is common. It returns ErrSeedSilent if no seed is there. s must not be used afterwards.
func (s *Saved) Judge() (Result, error) {
	x := s.builder.Index()
	for addr, n := range s.spent {
		x.Spent(addr, n)
	}
	r := Result{Seeds: s.seeds(x), Connections: s.total}
	if len(r.Seeds) == 0 {
		return Result{}, fmt.Errorf("%w: among %d saved hosts with a fingerprint none is a seed", ErrSeedSilent, x.Hosts())
	}
	o := s.o.Cluster
	if within := s.o.Within; within != nil {
		o.Keep = func(a netip.Addr) bool { return within.Contains(a) && (s.o.Cluster.Keep == nil || s.o.Cluster.Keep(a)) }
	}
	r.Hosts = x.Candidates(r.Seeds, o)
	var err error
	r.Kin, err = x.Kinship(r.Seeds, o)
	return r, err
}

// seeds are the addresses of the seeds that have a fingerprint.
func (s *Saved) seeds(x *cluster.Index) []string {
	var out []string
	for _, t := range s.o.Seeds {
		addrs := append(slices.Clone(s.named[t.Host.Name]), t.Host.IP)
		slices.SortFunc(addrs, netip.Addr.Compare)
		for _, a := range addrs {
			if addr := a.String(); x.Has(addr) && !slices.Contains(out, addr) {
				out = append(out, addr)
			}
		}
	}
	return out
}

// Judge expands from saved observations and sends nothing.
func Judge(observations iter.Seq[record.Observation], o Options) (Result, error) {
	s, err := NewSaved(o)
	if err != nil {
		return Result{}, err
	}
	for obs := range observations {
		s.Observe(obs)
	}
	return s.Judge()
}
