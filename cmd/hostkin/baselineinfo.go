package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/cluster/baseline"
	"github.com/hostkin/hostkin/report"
)

// embeddedNote says what the embedded baseline is good for.
const embeddedNote = "Made by hostkin's authors from stock installations of the real servers in its tests, each product counted as one host. " +
	"It knows what is stock, not how common it is on the Internet: hostkin baseline build makes one that does."

func (a *app) baselineInfoCommand() *cobra.Command {
	var out outputFlags
	var in *input
	cmd := &cobra.Command{
		Use:   "info [FILE.hkb]",
		Short: "what a baseline knows",
		Long: `info tells how many hosts a baseline is made from, when, and which kinds it knows; without a file, that
of the baseline that hostkin brings along.`,
		Example: `  hostkin baseline info
  hostkin baseline info ours.hkb --json`,
		Args: cobra.MaximumNArgs(1),
	}
	out.add(cmd.Flags(), "one line of JSON (baseline/1) instead of text")
	a.gather(cmd.Flags())
	cmd.RunE = a.body(func(_ context.Context, args []string) []error {
		if len(args) == 0 {
			return nil
		}
		in = a.newInput(args)
		return in.check()
	}, func(ctx context.Context) error {
		info, err := in.baselineInfo(ctx)
		if err != nil {
			return err
		}
		a.warnIgnored(info.Kinds)
		return a.results(out.path, false, func(w io.Writer) error {
			if out.json {
				return report.JSON(w, info)
			}
			return info.text(w)
		})
	})
	return cmd
}

// baselineInfo is one line of baseline/1.
type baselineInfo struct {
	Schema string          `json:"schema"`
	Source string          `json:"source"` // file, or "embedded"
	Note   string          `json:"note,omitempty"`
	Hosts  uint64          `json:"hosts"`
	Date   time.Time       `json:"date"`
	Least  uint64          `json:"least"`
	Values int             `json:"values"`
	Kinds  []baseline.Kind `json:"kinds"`
}

// baselineInfo looks into the one file of in; nil stands for the embedded one.
func (in *input) baselineInfo(ctx context.Context) (baselineInfo, error) {
	source, note := "embedded", embeddedNote
	b, err := cluster.Embedded()
	if in != nil {
		source, note = in.paths[0], ""
		b, err = in.baseline(ctx, source)
	}
	if err != nil {
		return baselineInfo{}, err
	}
	return baselineInfo{"baseline/1", source, note, b.Hosts(), b.Date(), b.Least(), b.Values(), b.Kinds()}, nil
}

// warnIgnored names the kinds of a baseline that are looked up in vain.
func (a *app) warnIgnored(kinds []baseline.Kind) {
	for _, k := range kinds {
		if !k.Current {
			a.log.Warning().Msgf("%s: the baseline counts version %d of it, this hostkin makes another; the kind is ignored", k.Kind, k.Version)
		}
	}
}

func (i baselineInfo) text(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "baseline %s of %s: %d hosts, %d values\n", report.Safe(i.Source), i.Date.Format(time.DateOnly), i.Hosts, i.Values)
	if i.Note != "" {
		fmt.Fprintln(out, i.Note)
	}
	fmt.Fprintf(out, "Least count: %d (values on fewer hosts are not listed)\n\n", i.Least)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "answered\tvalues\tversion\t  kind\n")
	for _, k := range i.Kinds {
		fmt.Fprintf(t, "%d\t%d\t%d\t  %s\n", k.Answered, k.Values, k.Version, k.Kind)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return out.Flush()
}
