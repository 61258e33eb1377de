// Package expand is hostkin's main job: from seeds to their kin. It looks at
// the seeds with every probe, takes a first look at every candidate, asks on
// where the answers may still lead over the threshold, and judges.
package expand

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// ErrSeedSilent says that no seed gave a single fingerprint, so that there is
// nothing to compare with.
var ErrSeedSilent = errors.New("no seed answered")

// Options say what to expand, where, and how to reach hosts.
type Options struct {
	Seeds    []targets.Target
	Not      []targets.Target // hosts known to be no kin; looked at as the seeds are
	Within   *targets.Set
	Ports    []scanner.Port // nil: scanner.DefaultPorts for the seeds, then where a seed answered
	OrderKey uint64
	Full     bool // every probe to every candidate, no pruning
	Cluster  cluster.Options
	Probes   []probes.Entry

	// Scan runs the engine over hosts and returns when all are done, or with
	// ctx.Err() when it was stopped before.
	Scan func(ctx context.Context, hosts iter.Seq[targets.Target], next scanner.Next, emit func(record.Observation)) error
	// Observed, if set, is called with every observation as it comes.
	Observed func(record.Observation)
}

// Known are the hosts that are looked at before the candidates.
func (o Options) Known() []targets.Target { return slices.Concat(o.Seeds, o.Not) }

// Result is what came of an expansion.
type Result struct {
	Kin         []cluster.Kin // ranked, one for each candidate that answered; no seed among them
	Seeds       []string      // addresses of the seeds that answered
	Hosts       int           // candidates that answered
	Connections int           // made to seeds and candidates
}

// Run expands the seeds. When ctx is cancelled it judges what it has and
// returns that with ctx.Err(). It returns ErrSeedSilent if no seed answered.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Cluster.Table == nil {
		var err error
		if o.Cluster.Table, err = cluster.Defaults(); err != nil { // once for all rounds
			return Result{}, err
		}
	}
	b := newBook()
	emit := func(obs record.Observation) {
		b.add(obs)
		if o.Observed != nil {
			o.Observed(obs)
		}
	}
	look := scanner.Plan{Ports: o.Ports, Probes: o.Asked()}
	if look.Ports == nil {
		look.Ports = scanner.DefaultPorts()
	}
	if err := o.Scan(ctx, slices.Values(o.Seeds), look.Next, emit); err != nil {
		return Result{}, fmt.Errorf("look at the seeds: %w", err)
	}
	seeds := b.hosts()
	if !slices.ContainsFunc(seeds, speaks) {
		return Result{}, fmt.Errorf("%w on %d ports: check the address, or name its ports with --ports", ErrSeedSilent, len(look.Ports))
	}
	ports := b.ports(o.Ports)
	c, err := newCandidates(o, ports, seeds, b)
	if err != nil {
		return Result{}, err
	}
	if len(o.Not) > 0 {
		if err := o.Scan(ctx, slices.Values(o.Not), c.most.Next, emit); err != nil {
			return Result{}, fmt.Errorf("look at the hosts that are no kin: %w", err)
		}
	}
	scanErr := o.Scan(ctx, c.all(), c.next, emit)
	for hop := 2; scanErr == nil && hop <= o.Cluster.Hops; hop++ {
		var again []targets.Target
		if again, err = c.reopened(hop); err != nil {
			return Result{}, err
		}
		scanErr = o.Scan(ctx, slices.Values(again), c.most.Next, emit)
	}
	result, err := c.judge(o.Cluster)
	return result, errors.Join(scanErr, err)
}
