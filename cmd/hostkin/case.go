package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/casefile"
)

func (a *app) caseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "case",
		Short: "look into a case folder and look after it",
		Long: `case works on a folder that hostkin scan --case DIR has made: case.yaml (what is scanned and why),
observations (append-only, the truth) and tables of fingerprints (derived, for DuckDB and the like).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.caseInfoCommand(), a.caseVerifyCommand(), a.caseRebuildCommand(), a.caseCompactCommand(),
		a.caseExportCommand(), a.caseDiffCommand())
	return cmd
}

// oneCase makes a command's RunE out of work on the case of its only argument.
// A folder without a case is bad usage; a case.yaml that is broken, a failure.
func (a *app) oneCase(check func() []error, work func(ctx context.Context, c *casefile.Case) error) func(*cobra.Command, []string) error {
	var c *casefile.Case
	var broken error
	return a.body(func(_ context.Context, args []string) []error {
		faults := check()
		if len(args) != 1 {
			return append(faults, errors.New("exactly one case folder is wanted"))
		}
		if c, broken = casefile.Open(args[0]); errors.Is(broken, casefile.ErrNoCase) {
			faults = append(faults, broken)
		}
		return faults
	}, func(ctx context.Context) error {
		if broken != nil {
			return broken
		}
		return work(ctx, c)
	})
}

func noCheck() []error { return nil }

// caseFaults tells and counts what of a case cannot be used.
type caseFaults struct {
	app   *app
	count int
}

func (f *caseFaults) tell(fault casefile.Fault) {
	if fault.Torn {
		f.app.log.Info().Msg(fault.Error())
		return
	}
	f.count++
	if f.count <= toldFaults {
		f.app.log.Warning().Msg(fault.Error())
	}
}

// result is an error if anything could not be read, whose effect is told.
func (f *caseFaults) result(effect string) error {
	if f.count == 0 {
		return nil
	}
	return fmt.Errorf("%d faults in the case: %s; hostkin case verify tells them all", f.count, effect)
}

func (a *app) caseRebuildCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rebuild DIR",
		Short: "derive the fingerprint tables anew",
		Long: `rebuild derives the tables in DIR/fingerprints from the observations, for example because a later hostkin
knows more kinds. A segment that is still being written has no table.`,
		Example: `  hostkin case rebuild op-42`,
	}
	a.gather(cmd.Flags())
	cmd.RunE = a.oneCase(noCheck, func(ctx context.Context, c *casefile.Case) error {
		faults := caseFaults{app: a}
		made, err := c.Rebuild(ctx, true, faults.tell)
		a.log.Info().Msgf("%d tables made", made)
		return errors.Join(err, faults.result("the tables lack what could not be read"))
	})
	return cmd
}

func (a *app) caseCompactCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compact DIR",
		Short: "merge the small segments of finished passes",
		Long: `compact merges neighbouring small segments of observations, which many short runs leave behind, and
compresses them better. No line is changed or lost, whenever it is interrupted.`,
		Example: `  hostkin case compact op-42`,
	}
	a.gather(cmd.Flags())
	cmd.RunE = a.oneCase(noCheck, func(ctx context.Context, c *casefile.Case) error {
		done, err := c.Compact(ctx)
		a.log.Info().Msgf("%d segments merged into %d: %s, now %s", done.Segments, done.Into, byteCount(done.Before), byteCount(done.After))
		return err
	})
	return cmd
}

// byteCount is a number of bytes for people.
func byteCount(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
