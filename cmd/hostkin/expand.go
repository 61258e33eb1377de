package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/expand"
	"github.com/hostkin/hostkin/report"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/targets"
)

// expandFlags are those of expand beside the flags of all scans.
type expandFlags struct {
	scanFlags
	outputFlags
	knowledgeFlags
	marks        []mark
	within, from trailing
	not          []string
	show         string
	hops, top    int
}

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
  hostkin expand 192.0.2.7 --from observations.jsonl.zst`,
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

func (f *expandFlags) add(flags *pflag.FlagSet) {
	f.within, f.from = trailing{flags: flags, marks: &f.marks}, trailing{flags: flags, marks: &f.marks}
	flags.Var(&f.within, "within", "look for kin among `TARGET...` (default: the seed's own /24, IPv6 /120)")
	flags.Var(&f.from, "from", "judge the saved observations or fingerprints in `FILE...` and send nothing")
	flags.StringArrayVar(&f.not, "not", nil, "`HOST` is known to be no kin: what it holds speaks for nobody")
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
	if len(f.from.Values) > 0 {
		job.in = a.newInput(f.from.Values)
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
			o.Excluded = job.seeds.Excluded
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

func (f *expandFlags) options(seeds []targets.Target, job expandJob) expand.Options {
	return expand.Options{Seeds: seeds, Not: job.not, Within: job.within, Ports: f.ports, OrderKey: f.orderKey, Full: f.full,
		Cluster: job.cluster, Probes: f.probes()}
}

// runExpand is the path from seeds to kin over the network, for expand and demo.
func (a *app) runExpand(ctx context.Context, f *scanFlags, o expand.Options) (expand.Result, error) {
	n := a.openNetwork(f, o.Within.Allowed, o.Within.Count()+uint64(len(outside(o.Known(), o.Within))))
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
