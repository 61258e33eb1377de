package main

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/expand"
	"github.com/hostkin/hostkin/report"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/targets"
)

func (a *app) expandCommand() *cobra.Command {
	f := &expandFlags{}
	cmd := &cobra.Command{
		Use:   "expand SEED... --within TARGET...",
		Short: "from seeds to their kin, ranked, with reasons",
		Long: `expand looks at each SEED, a host known to belong to a provider, then at the hosts within TARGET, and
lists those that the same provider runs, with the evidence for and against. Without --within it looks
at the seed's own /24 (IPv6: /120). Candidates are asked on the ports where a seed answered, cheap and
telling questions first, and no further once they cannot be kin any more (--full asks everything, JARM too).

` + targetHelp + "\n\n" + portHelp(),
		Example: `  hostkin expand 192.0.2.7 --within 192.0.2.0/24 --contact https://example.org/scan
  hostkin expand seed.example.com -l ranges.txt --exclude-file never.txt --json -o kin.jsonl
  hostkin expand 192.0.2.7 --from observations.jsonl.zst --not 192.0.2.99 --show rejected`,
	}
	f.add(cmd.Flags())
	a.gather(cmd.Flags())
	var job expandJob
	cmd.RunE = a.body(func(ctx context.Context, args []string) []error {
		var faults []error
		job, faults = a.checkExpand(ctx, args, f)
		return faults
	}, func(ctx context.Context) error { return a.expand(ctx, job, f) })
	return cmd
}

func (a *app) expand(ctx context.Context, job expandJob, f *expandFlags) error {
	seeds, err := job.scope.addresses(ctx, job.seeds)
	if err != nil {
		return err
	}
	if err := both(seeds, job.cluster.Not); err != nil { // names are resolved by now
		return usage(err)
	}
	o := f.options(seeds, job)
	if job.in != nil {
		if len(f.exclude)+len(f.excludeFiles) > 0 {
			o.Cluster.Keep = func(addr netip.Addr) bool { return !job.seeds.Excluded(addr) }
		}
		return a.kin(f, func() (expand.Result, error) {
			result, err := job.in.judge(ctx, o)
			a.tellSilent(seeds, result)
			return result, errors.Join(job.in.result(ctx), err)
		})
	}
	if o.Within == nil {
		if ranges := job.scope.around(seeds); len(ranges) > 0 {
			o.Within = job.scope.parse(ctx, ranges, nil)
		}
	}
	if o.Within == nil && len(job.scope.faults) > 0 {
		return usage(append([]error{errors.New("without --within expand looks around the seed, which is not possible here")}, job.scope.faults...)...)
	}
	if f.dryRun {
		return a.dryExpand(f, o)
	}
	return a.kin(f, func() (expand.Result, error) {
		result, err := a.runExpand(ctx, &f.scanFlags, o)
		a.tellSilent(seeds, result)
		return result, err
	})
}

// tellSilent names the seeds that gave nothing to compare with, where others did.
func (a *app) tellSilent(seeds []targets.Target, result expand.Result) {
	if len(result.Seeds) == 0 {
		return
	}
	for _, t := range seeds {
		if t.Host.IP.IsValid() && !slices.Contains(result.Seeds, t.Host.String()) {
			a.log.Warning().Msgf("seed %s did not answer; the others did", t.Host)
		}
	}
}

// runExpand is the path from seeds to kin over the network, for expand and demo.
func (a *app) runExpand(ctx context.Context, f *scanFlags, o expand.Options) (expand.Result, error) {
	n := a.openNetwork(ctx, f, o.Within, o.Within.Count()+uint64(len(outside(o.Known(), o.Within))))
	defer n.close()
	o.Scan = n.scan
	return expand.Run(ctx, o)
}

// outside are the hosts looked at first that do not lie within set: those that
// do are not looked at again as candidates.
func outside(known []targets.Target, set *targets.Set) []targets.Target {
	return slices.DeleteFunc(slices.Clone(known), func(t targets.Target) bool { return set.Contains(t.Host.IP) })
}

// kin writes what find finds; what a stopped run found is written too.
func (a *app) kin(f *expandFlags, find func() (expand.Result, error)) error {
	return a.results(f.path, false, func(w io.Writer) error {
		result, err := find()
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		if more := result.Hosts - len(result.Kin); more > 0 {
			a.log.Info().Msgf("--top %d: %d more hosts are not listed", f.top, more)
		}
		return errors.Join(err, a.writeKin(w, result.Kin, report.Show(f.show), &f.outputFlags))
	})
}

func (a *app) writeKin(w io.Writer, kin []cluster.Kin, show report.Show, out *outputFlags) error {
	if out.json {
		return each(w, kin, report.KinJSON)
	}
	return report.Kin(w, kin, show, a.style(out.path))
}

// judge judges what was saved.
func (in *input) judge(ctx context.Context, o expand.Options) (expand.Result, error) {
	saved, err := expand.NewSaved(o)
	if err != nil {
		return expand.Result{}, err
	}
	for l := range in.lines(ctx) {
		if l.fingerprint != nil {
			saved.Add(*l.fingerprint)
		} else {
			saved.Observe(*l.observation)
		}
	}
	return saved.Judge()
}

// dryExpand estimates: nobody knows yet on which ports the seeds answer.
func (a *app) dryExpand(f *expandFlags, o expand.Options) error {
	e := estimate{flags: &f.scanFlags, probes: o.Asked()}
	ports := o.Ports
	if ports == nil {
		ports = scanner.DefaultPorts()
	}
	known := o.Known()
	e.add(slices.Values(known), uint64(len(known)), ports)
	if o.Within == nil {
		a.log.Warning().Msg("a seed is a name, which --dry-run does not resolve: its range is not counted")
	} else {
		e.hosts -= uint64(len(known) - len(outside(known, o.Within)))
		e.guess = o.Ports == nil
		e.add(o.Within.All(f.orderKey), o.Within.Count(), ports)
	}
	return a.results(f.path, false, func(w io.Writer) error { return e.write(w, f.json) })
}
