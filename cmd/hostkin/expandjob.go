package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/expand"
	"github.com/hostkin/hostkin/report"
	"github.com/hostkin/hostkin/scanner/targets"
)

// expandFlags are those of expand beside the flags of all scans.
type expandFlags struct {
	scanFlags
	outputFlags
	knowledgeFlags
	saved        caseFlag
	marks        []mark
	within, from trailing
	not          []string
	show         string
	hops, top    int
}

func (f *expandFlags) add(flags *pflag.FlagSet) {
	f.within, f.from = trailing{flags: flags, marks: &f.marks}, trailing{flags: flags, marks: &f.marks}
	flags.Var(&f.within, "within", "look for kin among `TARGET...` (default: the seed's own /24, IPv6 /120)")
	flags.Var(&f.from, "from", "judge the saved observations or fingerprints in `FILE...` and send nothing")
	flags.StringVar(&f.saved.dir, "case", "", "judge the saved observations of the case in `DIR` and send nothing")
	flags.StringArrayVar(&f.not, "not", nil, "`HOST` is known to be no kin: what it holds speaks for nobody, and it is not listed")
	flags.IntVar(&f.hops, "hops", 1, "how many links away from a seed kin may be")
	flags.IntVar(&f.top, "top", 0, "list only the best `N` hosts; 0: all")
	flags.StringVar(&f.show, "show", string(report.ShowPossible),
		"`WHAT` the table lists: kin, possible (kin too), rejected (strangers that share something too), all")
	f.scanFlags.add(flags)
	f.knowledgeFlags.add(flags)
	f.outputFlags.add(flags, "JSON Lines (kin/1), strangers included, instead of a table")
}

// expandJob is what expand is asked to do.
type expandJob struct {
	in      *input // what was saved; nil: scan
	scope   *scope
	seeds   *targets.Set
	not     []targets.Target
	within  *targets.Set // nil: around the seeds
	cluster cluster.Options
}

// checkExpand reads the arguments and finds every fault in them.
func (a *app) checkExpand(ctx context.Context, args []string, f *expandFlags) (job expandJob, faults []error) {
	seeds := deal(args, f.marks)
	faults = f.check()
	if len(seeds) == 0 {
		faults = append(faults, errors.New("expand needs a SEED"))
	}
	if f.hops < 1 || f.hops > 16 {
		faults = append(faults, errors.New("--hops: must be between 1 and 16"))
	}
	if f.top < 0 {
		faults = append(faults, errors.New("--top: must not be negative"))
	}
	if !slices.Contains(report.Shows(), report.Show(f.show)) {
		faults = append(faults, fmt.Errorf("--show %q: must be one of %v", f.show, report.Shows()))
	}
	var bad []error
	job.cluster.Table, bad = a.table(ctx, &f.knowledgeFlags)
	faults = append(faults, bad...)
	job.cluster.Hops, job.cluster.Top = f.hops, f.top
	if len(f.from.Values) > 0 || f.saved.dir != "" {
		job.in = f.saved.input(a, f.from.Values)
		faults = append(faults, job.in.check()...)
	}
	job.scope = a.newScope(&f.scanFlags, job.in != nil || f.dryRun, slices.Concat(seeds, f.within.Values, f.from.Values)...)
	job.scope.saved = job.in != nil
	job.seeds = job.scope.seeds(ctx, seeds)
	if len(f.within.Values)+len(f.lists) > 0 {
		job.within = job.scope.parse(ctx, f.within.Values, f.lists)
	}
	job.cluster.Not, bad = hostsOf("--not", f.not)
	faults = append(faults, bad...)
	if len(job.cluster.Not) > 0 {
		if set := job.scope.parse(ctx, job.cluster.Not, nil); set != nil {
			job.not = slices.SortedFunc(set.All(0), func(a, b targets.Target) int { return a.Host.IP.Compare(b.Host.IP) })
		}
	}
	if job.seeds != nil {
		faults = append(faults, both(slices.Collect(job.seeds.All(0)), job.cluster.Not))
	}
	return job, append(faults, job.scope.faults...)
}

// hostsOf reads the addresses of a flag, in the spelling that records use.
func hostsOf(flag string, texts []string) (hosts []string, faults []error) {
	for _, text := range texts {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s %q: must be an address", flag, text))
			continue
		}
		hosts = append(hosts, addr.Unmap().String())
	}
	return hosts, faults
}

// both is the fault that a seed is said to be no kin of itself.
func both(seeds []targets.Target, not []string) error {
	for _, t := range seeds {
		if slices.Contains(not, t.Host.String()) {
			return fmt.Errorf("--not %s: is a seed too", t.Host)
		}
	}
	return nil
}

func (f *expandFlags) options(seeds []targets.Target, job expandJob) expand.Options {
	return expand.Options{Seeds: seeds, Not: job.not, Within: job.within, Ports: f.ports, OrderKey: f.orderKey, Full: f.full,
		Cluster: job.cluster, Probes: f.probes()}
}
