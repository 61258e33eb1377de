package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/report"
)

func (a *app) explainCommand() *cobra.Command {
	var out outputFlags
	var know knowledgeFlags
	var in *input
	var saved caseFlag
	var o cluster.Options
	var pair []string
	cmd := &cobra.Command{
		Use:   "explain HOST HOST [FILE...]",
		Short: "the evidence for and against one link",
		Long: `explain judges the second HOST against the first and tells every reason for and against, out of
observations (observation/1) or fingerprints (fingerprint/1) as JSON Lines, .gz and .zst too, - or
nothing being stdin. Give the whole scan: how rare a value is among its hosts is part of the evidence.`,
		Example: `  hostkin explain 192.0.2.7 192.0.2.9 observations.jsonl.zst`,
	}
	out.add(cmd.Flags(), "one line of JSON (kin/1) instead of text")
	know.add(cmd.Flags())
	saved.add(cmd.Flags())
	a.gather(cmd.Flags())
	cmd.RunE = a.body(func(ctx context.Context, args []string) []error {
		var faults, more []error
		pair, faults = twoHosts(args)
		in = saved.input(a, args[min(2, len(args)):])
		o.Table, more = a.table(ctx, &know)
		return slices.Concat(faults, more, in.check())
	}, func(ctx context.Context) error {
		return a.results(out.path, false, func(w io.Writer) error {
			x := in.index(ctx, o.Table)
			if err := in.result(ctx); err != nil {
				return err
			}
			kin, err := x.Explain(pair[0], pair[1], o)
			if err != nil {
				return err
			}
			if out.json {
				return report.KinJSON(w, kin)
			}
			return report.Explain(w, kin, report.Scan{Hosts: x.Hosts(), Baseline: know.baseline != ""}, a.style(out.path))
		})
	})
	return cmd
}

// twoHosts reads the addresses to compare, in the spelling that records use.
func twoHosts(args []string) (pair []string, faults []error) {
	if len(args) < 2 {
		return nil, []error{errors.New("explain needs two hosts, then files")}
	}
	for _, arg := range args[:2] {
		addr, err := netip.ParseAddr(arg)
		if err != nil {
			faults = append(faults, fmt.Errorf("%q is not an address", arg))
		}
		pair = append(pair, addr.String())
	}
	if len(faults) == 0 && pair[0] == pair[1] {
		faults = append(faults, errors.New("the two hosts are the same"))
	}
	return pair, faults
}
