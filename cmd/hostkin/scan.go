package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/report"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

func (a *app) scanCommand() *cobra.Command {
	var f scanFlags
	var out outputFlags
	var into caseScan
	cmd := &cobra.Command{
		Use:   "scan TARGET...",
		Short: "gather observations",
		Long: `scan looks at every TARGET on every port with every probe and writes observations (observation/1)
as JSON Lines, as they come. With --case they go into a folder instead: a scan that was interrupted, killed
even, goes on where it was when the same command is given again, or just scan --case DIR. Exclusions may be
added then, rates may change, targets and ports may not.

` + targetHelp + "\n\n" + portHelp(),
		Example: `  hostkin scan 192.0.2.0/24 --contact https://example.org/scan > observations.jsonl
  hostkin scan -l ranges.txt --exclude-file never.txt -o observations.jsonl.zst
  hostkin scan -l ranges.txt --case op-42 --why 'abuse reports' --contact https://example.org/scan
  hostkin scan 127.0.0.1 --ports 10022/ssh,10443/tls | hostkin fingerprint`,
	}
	f.add(cmd.Flags())
	out.add(cmd.Flags(), "accepted and without effect, but for --dry-run: the output is always JSON Lines")
	into.add(cmd.Flags())
	cmd.Flags().Float64Var(&f.minHitrate, "min-hitrate", 0, fmt.Sprintf("after %d hosts, stop with exit code 3 if less than the share `F` of them have an open port", hitrateAfter))
	a.gather(cmd.Flags())
	var set *targets.Set
	cmd.RunE = a.body(func(ctx context.Context, args []string) []error {
		faults := into.open(&f, &args, cmd.Flags().Changed, out.path)
		faults = append(faults, f.check()...)
		if len(args)+len(f.lists) == 0 {
			faults = append(faults, errors.New("scan needs a TARGET, a list of them (-l), or a case that has them"))
		}
		s := a.newScope(&f, f.dryRun, args...)
		s.keepExcluded = into.dir != "" && !f.dryRun
		set = s.parse(ctx, args, f.lists)
		if !f.dryRun {
			faults = append(faults, into.compare(&f, args, set)...)
		}
		return append(faults, s.faults...)
	}, func(ctx context.Context) error { return a.scan(ctx, set, &f, &out, &into) })
	return cmd
}

func (a *app) scan(ctx context.Context, set *targets.Set, f *scanFlags, out *outputFlags, into *caseScan) error {
	plan := scanner.Plan{Ports: f.ports, Probes: f.probes()}
	if plan.Ports == nil {
		plan.Ports = scanner.DefaultPorts()
	}
	if f.dryRun {
		e := estimate{flags: f, probes: plan.Probes}
		e.add(set.All(f.orderKey), set.Count(), plan.Ports)
		return a.results(out.path, false, func(w io.Writer) error { return e.write(w, out.json) })
	}
	if into.dir != "" {
		return a.scanCase(ctx, set, plan.Next, f, into)
	}
	return a.results(out.path, true, func(w io.Writer) error {
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		n := a.openNetwork(ctx, f, set, set.Count())
		defer n.close()
		err := n.scan(ctx, n.optOut.without(set.All(f.orderKey), n.progress.passedOver), plan.Next, func(o record.Observation) {
			if err := report.JSON(w, o); err != nil {
				stop(err) // nothing more can be kept: do not go on sending
			}
		})
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return cause
		}
		return err
	})
}
