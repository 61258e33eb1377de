package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/cluster/baseline"
)

func (a *app) baselineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "baseline",
		Short: "how common values are elsewhere: build, merge, look into",
		Long: `baseline keeps how many hosts elsewhere hold a value, so that what is common on the Internet is not
taken for rare in a small scan. A baseline (.hkb) holds hashes of values and counts, no addresses. The hash
has no key: whoever has a file can test whether a value that he knows is in it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.baselineBuildCommand(), a.baselineMergeCommand(), a.baselineInfoCommand())
	return cmd
}

// binaryFlags say where a baseline goes and how long it may be.
type binaryFlags struct {
	path   string
	values int
}

func (f *binaryFlags) add(flags *pflag.FlagSet) {
	flags.StringVarP(&f.path, "output", "o", "", "write the baseline to `FILE` (.hkb; .hkb.gz and .hkb.zst are compressed); - is stdout")
	flags.IntVar(&f.values, "values", 100_000, "keep at most the top `N` values; 0: all")
}

func (f *binaryFlags) check(a *app) []error {
	var faults []error
	switch {
	case f.path == "":
		faults = append(faults, errors.New("-o FILE is missing: a baseline is binary and not for the terminal"))
	case f.path == "-" && isTerminal(a.stdout):
		faults = append(faults, errors.New("-o -: a baseline is binary and not for the terminal"))
	}
	if f.values < 0 {
		faults = append(faults, fmt.Errorf("--values %d: must not be negative", f.values))
	}
	return faults
}

func (a *app) baselineBuildCommand() *cobra.Command {
	var out binaryFlags
	var in *input
	var saved caseFlag
	var least int
	var date time.Time
	cmd := &cobra.Command{
		Use:   "build [FILE...] -o FILE",
		Short: "make a baseline out of observations",
		Long: `build reads observations (observation/1) or fingerprints (fingerprint/1) as JSON Lines, .gz and .zst
too, - or nothing being stdin, and counts the hosts of each value. Best are scans that belong to no
case: what a provider has on many of his hosts would count as common. The same input in any order
makes the same file, if --date is the same too.`,
		Example: `  hostkin baseline build monday.jsonl.zst tuesday.jsonl.zst -o ours.hkb
  hostkin scan -l random.txt | hostkin baseline build --date 2026-11-24 -o random.hkb`,
	}
	out.add(cmd.Flags())
	cmd.Flags().IntVar(&least, "least", 2, "leave out values on fewer than `N` hosts")
	cmd.Flags().TimeVar(&date, "date", time.Time{}, []string{time.DateOnly, time.RFC3339}, "`WHEN` the input was gathered (2026-11-24, or RFC 3339) instead of now")
	saved.add(cmd.Flags())
	a.gather(cmd.Flags())
	cmd.RunE = a.body(func(_ context.Context, args []string) []error {
		in = saved.input(a, args)
		faults := append(in.check(), out.check(a)...)
		if least < 1 {
			faults = append(faults, fmt.Errorf("--least %d: must be at least 1", least))
		}
		if date.IsZero() {
			date = time.Now()
		} else if date.Year() < 1970 {
			faults = append(faults, fmt.Errorf("--date %s: must not be before 1970", date.Format(time.DateOnly)))
		}
		return faults
	}, func(ctx context.Context) error {
		return a.results(out.path, false, func(w io.Writer) error {
			table, err := cluster.Defaults()
			if err != nil {
				return err
			}
			x := in.index(ctx, table)
			if x.Hosts() == 0 {
				return errors.Join(errors.New("no host with a fingerprint in the input: there is nothing to count"), in.result(ctx))
			}
			b, err := baseline.Build(x.Hosts(), date, x.Answered(), x.Counts(least), least)
			if err != nil {
				return err
			}
			return errors.Join(a.writeBaseline(w, b.Top(out.values)), in.result(ctx))
		})
	})
	return cmd
}

func (a *app) baselineMergeCommand() *cobra.Command {
	var out binaryFlags
	var in *input
	cmd := &cobra.Command{
		Use:   "merge FILE.hkb... -o FILE",
		Short: "add baselines",
		Long: `merge adds the counts of baselines of different hosts; a host in two of them counts twice. Merge all parts
at once, since each merge rounds. Of a kind whose definition changed, only the newest version is kept.`,
		Example: `  hostkin baseline merge monday.hkb tuesday.hkb -o ours.hkb`,
	}
	out.add(cmd.Flags())
	a.gather(cmd.Flags())
	cmd.RunE = a.body(func(_ context.Context, args []string) []error {
		in = a.newInput(args)
		faults := append(in.check(), out.check(a)...)
		if len(args) == 0 {
			faults = append(faults, errors.New("merge needs FILE.hkb, better two"))
		}
		return faults
	}, func(ctx context.Context) error {
		list, err := in.baselines(ctx)
		if err != nil {
			return err
		}
		b, dropped, err := baseline.Merge(list...)
		if err != nil {
			return err
		}
		for _, k := range dropped {
			a.log.Warning().Msgf("%s: what %d hosts answered to version %d of it is dropped, since another file has a newer one", k.Kind, k.Answered, k.Version)
		}
		return a.results(out.path, false, func(w io.Writer) error { return a.writeBaseline(w, b.Top(out.values)) })
	})
	return cmd
}

func (a *app) writeBaseline(w io.Writer, b *baseline.Baseline) error {
	if err := b.Write(w); err != nil {
		return err
	}
	a.log.Info().Msgf("%d hosts, %d values of %d kinds; what is not listed is on fewer than %d hosts", b.Hosts(), b.Values(), len(b.Kinds()), b.Least())
	return nil
}

// baselines reads all files of in and tells every fault of them.
func (in *input) baselines(ctx context.Context) ([]*baseline.Baseline, error) {
	var list []*baseline.Baseline
	var faults []error
	for _, path := range in.paths {
		b, err := in.baseline(ctx, path)
		list, faults = append(list, b), append(faults, err)
	}
	return list, errors.Join(faults...)
}

func (in *input) baseline(ctx context.Context, path string) (*baseline.Baseline, error) {
	name, raw, err := in.open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer raw.Close()
	packed, done, err := decompress(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer done()
	b, err := baseline.Read(packed)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, baseline.ErrNoBaseline):
		return nil, usage(fmt.Errorf("%s: %w; hostkin baseline build makes one out of observations", name, err))
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}
