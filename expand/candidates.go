package expand

import (
	"encoding/binary"
	"hash/fnv"
	"iter"
	"slices"
	"sync"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

const (
	// sampleHosts is how many hosts of a range are asked everything although
	// the first look rules them out: the answers to later questions are common
	// or rare only against some strangers that were asked them too.
	sampleHosts = 32
	// sampleLeast keeps the sample from vanishing in large, thin ranges.
	sampleLeast = 1.0 / 64
	// dear is from how many connections on a probe is not worth asking of a
	// host that is kin whatever it answers.
	dear = 5
)

// candidates is the part of the expansion that looks at hosts within range
// and decides what to ask each of them next.
type candidates struct {
	o     Options
	book  *book
	seeds []string
	known []string     // hosts that were looked at before the candidates: seeds, and those that are no kin
	first scanner.Plan // the first look
	full  scanner.Plan // everything
	most  scanner.Plan // everything that tells
	sure  scanner.Plan // that without what is dear: for hosts that are kin anyway
	sieve *cluster.Sieve
	share float64 // of the hosts that are sampled

	mu sync.Mutex
	on map[record.Host]*scanner.Plan // how hosts are asked on after their first look
}

func newCandidates(o Options, ports []scanner.Port, seeds []cluster.Host, b *book) (*candidates, error) {
	sieve, err := cluster.NewSieve(seeds, o.Cluster)
	if err != nil {
		return nil, err
	}
	c := &candidates{o: o, book: b, sieve: sieve, on: map[record.Host]*scanner.Plan{},
		first: scanner.Plan{Ports: ports, Probes: o.Probes, Brief: true},
		full:  scanner.Plan{Ports: ports, Probes: o.Probes},
		share: max(sampleLeast, min(1, sampleHosts/float64(max(1, o.Within.Count()))))}
	c.most, c.sure = c.full, c.full
	c.most.Probes = o.Asked()
	c.sure.Probes = slices.DeleteFunc(slices.Clone(c.most.Probes), func(e probes.Entry) bool { return e.Cost >= dear })
	for _, s := range seeds {
		c.seeds = append(c.seeds, s.Addr)
	}
	c.known = slices.Clone(c.seeds)
	for _, t := range o.Not {
		c.known = append(c.known, t.Host.String())
	}
	return c, nil
}

// Asked are the probes that an expansion asks: without Full, not the spare ones.
func (o Options) Asked() []probes.Entry {
	return slices.DeleteFunc(slices.Clone(o.Probes), func(e probes.Entry) bool { return e.Spare && !o.Full })
}

// all is every host within range but those known before.
func (c *candidates) all() iter.Seq[targets.Target] {
	return func(yield func(targets.Target) bool) {
		for t := range c.o.Within.All(c.o.OrderKey) {
			if !slices.Contains(c.known, t.Host.String()) && !yield(t) {
				return
			}
		}
	}
}

// next decides what to ask a candidate: the first look, then everything else
// if the sieve leaves it open or the sample takes it.
func (c *candidates) next(t targets.Target, seen []record.Observation) []scanner.Ask {
	c.book.spentOn(t.Host, seen)
	c.mu.Lock()
	plan := c.on[t.Host]
	c.mu.Unlock()
	switch {
	case c.o.Full:
		return c.full.Next(t, seen)
	case plan != nil:
		return plan.Next(t, seen)
	}
	if asks := c.first.Next(t, seen); len(asks) > 0 {
		return asks
	}
	rest := c.full.Next(t, seen)
	if len(rest) == 0 {
		return nil
	}
	if plan = c.decide(t); plan == nil {
		c.book.note(t, 0, names(rest))
		return nil
	}
	c.mu.Lock()
	c.on[t.Host] = plan
	c.mu.Unlock()
	asks := plan.Next(t, seen)
	c.book.note(t, c.book.host(t.Host).Stands, names(slices.DeleteFunc(rest, func(a scanner.Ask) bool {
		return slices.ContainsFunc(asks, func(b scanner.Ask) bool { return a.Port == b.Port && a.Probe.Name() == b.Probe.Name() })
	})))
	return asks
}

func names(asks []scanner.Ask) []string {
	var out []string
	for _, a := range asks {
		out = append(out, a.Probe.Name())
	}
	return out
}

// decide says how t is to be asked the rest; nil: not at all.
func (c *candidates) decide(t targets.Target) *scanner.Plan {
	switch c.sieve.Outlook(c.book.host(t.Host), c.o.Within.Count()) {
	case cluster.Sure:
		return &c.sure
	case cluster.Open, cluster.Near:
		// Near ones hold a seed's later values more often than the sample can
		// tell: what they hold must not pass for rare.
		return &c.most
	}
	if c.sampled(t.Host) {
		c.book.note(t, 1/c.share-1, nil)
		return &c.most
	}
	return nil
}

// sampled draws by a hash of the address and the order key: the same hosts
// whatever the order in which answers come.
func (c *candidates) sampled(h record.Host) bool {
	sum := fnv.New64a()
	a := h.IP.As16()
	sum.Write(a[:])
	sum.Write(binary.BigEndian.AppendUint64(nil, c.o.OrderKey))
	x := sum.Sum64()
	x ^= x >> 33 // FNV's high bits alone are poor for neighbouring addresses
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x)/(1<<64) < c.share
}

// reopened lists the hosts that the sieve of the kin found so far leaves open
// and that have not been asked everything.
func (c *candidates) reopened(hop int) ([]targets.Target, error) {
	o := c.o.Cluster
	o.Hops, o.Top = hop-1, 0
	hosts := c.book.hosts()
	found, err := cluster.Kinship(c.seeds, hosts, o)
	if err != nil {
		return nil, err
	}
	kin := map[string]bool{}
	for _, k := range found {
		kin[k.Host] = k.Verdict == cluster.VerdictKin
	}
	var vouchers []cluster.Host
	for _, h := range hosts {
		if kin[h.Addr] {
			vouchers = append(vouchers, h)
		}
	}
	sieve, err := cluster.NewSieve(vouchers, o)
	if err != nil {
		return nil, err
	}
	var again []targets.Target
	for _, h := range hosts {
		if len(h.Asked.Skipped) > 0 && sieve.Outlook(h, c.o.Within.Count()) == cluster.Open {
			t := c.book.target(h.Addr)
			c.book.note(t, 0, nil)
			again = append(again, t)
		}
	}
	return again, nil
}

// judge weighs everything that is in the book.
func (c *candidates) judge(o cluster.Options) (Result, error) {
	top := o.Top
	o.Top = 0 // the few hosts of a live scan are all judged, and counted
	kin, err := cluster.Kinship(c.seeds, c.book.hosts(), o)
	return Result{Kin: best(kin, top), Seeds: c.seeds, Hosts: len(kin), Connections: c.book.connections()}, err
}

// best cuts a ranked list; 0 is all of it.
func best(kin []cluster.Kin, top int) []cluster.Kin {
	if top > 0 && len(kin) > top {
		return kin[:top:top]
	}
	return kin
}
