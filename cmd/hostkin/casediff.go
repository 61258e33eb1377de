package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/casefile"
	"github.com/hostkin/hostkin/report"
)

func (a *app) caseDiffCommand() *cobra.Command {
	var out outputFlags
	var from, to int
	cmd := &cobra.Command{
		Use:   "diff DIR",
		Short: "what changed from one pass to another",
		Long: `diff tells which hosts appeared, vanished or moved (the same SSH host key or certificate key at another
address) from one pass (scan --rescan) to another, and which fingerprints came and went on the hosts that
are in both. A host is in a pass if it gave any fingerprint.`,
		Example: `  hostkin case diff op-42
  hostkin case diff op-42 --pass 1 --pass 3 --json`,
	}
	var passes []int
	out.add(cmd.Flags(), "JSON Lines (casediff/1) instead of a table")
	cmd.Flags().IntSliceVar(&passes, "pass", nil, "compare pass `N`; give it twice (default: the last two)")
	a.gather(cmd.Flags())
	cmd.RunE = a.oneCase(func() []error {
		switch {
		case len(passes) != 0 && len(passes) != 2:
			return []error{errors.New("--pass: give it twice, or not at all for the last two")}
		case slices.ContainsFunc(passes, func(p int) bool { return p < 1 }):
			return []error{errors.New("--pass: passes are numbered from 1")}
		case len(passes) == 2:
			from, to = passes[0], passes[1]
		}
		return nil
	}, func(ctx context.Context, c *casefile.Case) error {
		faults := caseFaults{app: a}
		info, err := c.Info(ctx, func(casefile.Fault) {}) // Diff tells them
		if err != nil {
			return err
		}
		was, is, err := info.PassesToCompare(from, to)
		if err != nil {
			return usage(err)
		}
		for _, p := range []casefile.PassInfo{was, is} {
			if !p.Finished {
				a.log.Warning().Msgf("pass %d is not finished: what it has not asked yet looks as if it were not there", p.Pass)
			}
		}
		err = a.results(out.path, false, func(w io.Writer) error {
			return a.diffCase(ctx, c, was.Pass, is.Pass, faults.tell, w, out.json)
		})
		return errors.Join(err, faults.result("what could not be read is not compared"))
	})
	return cmd
}

func (a *app) diffCase(ctx context.Context, c *casefile.Case, was, is int, fault func(casefile.Fault), w io.Writer, asJSON bool) error {
	if asJSON {
		return c.Diff(ctx, was, is, fault, func(x casefile.Change) error { return report.JSON(w, x) })
	}
	out := bufio.NewWriter(w)
	counts := map[string]int{}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "change\thost\tport\tkind\tvalue\n")
	err := c.Diff(ctx, was, is, fault, func(x casefile.Change) error {
		what, port, value := x.Change, "", x.Value
		if x.Kind == "" || x.Change == casefile.Moved {
			counts[x.Change]++
		} else {
			counts["fingerprints "+x.Change]++
		}
		if x.Change == casefile.Moved {
			what += " from " + strings.Join(x.From, " ")
		}
		if x.Port > 0 {
			port = fmt.Sprint(x.Port)
		}
		_, err := fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", report.Safe(what), report.Safe(x.Host), port, report.Safe(x.Kind), report.Safe(value))
		return err
	})
	if err = errors.Join(err, t.Flush()); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nPass %d to %d: %d hosts appeared, %d vanished, %d moved; on hosts in both %d fingerprints appeared, %d vanished\n", was, is,
		counts[casefile.Appeared], counts[casefile.Vanished], counts[casefile.Moved], counts["fingerprints "+casefile.Appeared], counts["fingerprints "+casefile.Vanished])
	return out.Flush()
}
