package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/report"
)

func (a *app) clusterCommand() *cobra.Command {
	var out outputFlags
	var know knowledgeFlags
	var in *input
	var saved caseFlag
	var o cluster.Options
	var minimum float64
	var related bool
	cmd := &cobra.Command{
		Use:   "cluster [FILE...]",
		Short: "group all hosts of a scan",
		Long: `cluster reads observations (observation/1) or fingerprints (fingerprint/1) as JSON Lines, .gz and
.zst too, - or nothing being stdin, and groups the hosts that the same provider seems to run. Hosts in
no cluster are not listed. A cluster that one key alone holds together has a label: tenant, cdn or
image, since customers, fronts and images of others share keys too.`,
		Example: `  hostkin cluster observations.jsonl.zst
  hostkin scan -l ranges.txt | hostkin cluster --json --min-confidence 0.99`,
	}
	out.add(cmd.Flags(), "JSON Lines (cluster/1) instead of text")
	cmd.Flags().Float64Var(&minimum, "min-confidence", 0.9, "leave out clusters below this probability")
	cmd.Flags().BoolVar(&related, "related", false, "name each cluster's neighbours and everything that ties them")
	know.add(cmd.Flags())
	saved.add(cmd.Flags())
	a.gather(cmd.Flags())
	cmd.RunE = a.body(func(ctx context.Context, args []string) []error {
		var faults []error
		in = saved.input(a, args)
		o.Table, faults = a.table(ctx, &know)
		o.Related = related
		o.MinConfidence = max(minimum, math.SmallestNonzeroFloat64) // to cluster, 0 is the default
		return slices.Concat(faults, in.check(), []error{checkProbability(minimum)})
	}, func(ctx context.Context) error {
		return a.results(out.path, false, func(w io.Writer) error {
			groups, err := in.index(ctx, o.Table).Groups(o)
			if err != nil {
				return err
			}
			if out.json {
				err = each(w, groups, report.GroupJSON)
			} else {
				err = report.Groups(w, groups, a.style(out.path))
			}
			return errors.Join(err, in.result(ctx))
		})
	})
	return cmd
}

func checkProbability(p float64) error {
	if p >= 0 && p <= 1 {
		return nil
	}
	return fmt.Errorf("--min-confidence %v: must be between 0 and 1", p)
}

// each writes items one by one.
func each[T any](w io.Writer, items []T, write func(io.Writer, T) error) error {
	for _, item := range items {
		if err := write(w, item); err != nil {
			return err
		}
	}
	return nil
}
