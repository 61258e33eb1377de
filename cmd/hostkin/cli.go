package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/projectdiscovery/gologger"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/report"
)

// The exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitStopped = 3
)

// app is one run of the command line: its streams and what every command has.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	screen *screen // stderr
	log    *gologger.Logger

	silent, verbose, noColor bool
	interrupt                *interrupt // nil: only the context ends a run

	faults  []error // of flag values, gathered so that all are told at once
	started bool    // the flags were understood and a command's own work began
}

// Main runs hostkin with the arguments after its name and returns the exit
// code: 0 done, 1 failed, 2 bad usage, 3 stopped by ctx before the end.
// Results go to stdout, everything else to stderr.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return run(ctx, nil, args, stdin, stdout, stderr)
}

func run(ctx context.Context, i *interrupt, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, screen: newScreen(stderr), interrupt: i}
	a.log = newLogger(a.screen)
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ran, err := root.ExecuteContextC(ctx)
	return a.exit(ran, err)
}

// exit tells of err, one log line a fault, and chooses the exit code.
func (a *app) exit(ran *cobra.Command, err error) int {
	if err == nil {
		return exitDone
	}
	faults := slices.DeleteFunc(flatten(err), func(fault error) bool { return errors.Is(fault, context.Canceled) })
	if why := (stopped{}); len(faults) == 0 && errors.As(err, &why) {
		a.log.Warning().Msg(why.why)
		return exitStopped
	}
	if len(faults) == 0 {
		a.log.Warning().Msg("stopped before the end; what was found by then is in the output")
		return exitStopped
	}
	for _, fault := range faults {
		a.log.Error().Msg(fault.Error())
	}
	if usage := (usageError{}); !a.started || errors.As(err, &usage) {
		a.log.Info().Msgf("%s --help tells how it is used", ran.CommandPath())
		return exitUsage
	}
	return exitFailed
}

// usageError marks faults in what the user typed, or in the lists he named.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func usage(faults ...error) error {
	if err := errors.Join(faults...); err != nil {
		return usageError{err}
	}
	return nil
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if u, ok := err.(usageError); ok {
		err = u.error
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "hostkin",
		Short: "find the kin of a host: machines that the same provider runs",
		Long: `hostkin starts from a seed, a host known to belong to a provider, and finds its kin:
other hosts of the same provider, each with the evidence for and against.`,
		Example: `  hostkin demo
  hostkin expand 192.0.2.7 --within 192.0.2.0/24
  hostkin scan -l ranges.txt -o observations.jsonl.zst
  hostkin cluster observations.jsonl.zst`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	flags := root.PersistentFlags()
	flags.BoolVar(&a.silent, "silent", false, "only errors on stderr; results are not affected")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "tell more on stderr")
	flags.BoolVar(&a.noColor, "no-color", false, "no colours (also: the environment variable NO_COLOR)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(append(a.faults, err)...) })
	root.AddCommand(a.expandCommand(), a.scanCommand(), a.fingerprintCommand(), a.clusterCommand(),
		a.explainCommand(), a.baselineCommand(), a.pcapCommand(), a.demoCommand(), a.caseCommand(),
		a.probingTxtCommand())
	return root
}

// body makes a command's RunE: the settings that every command has, then the
// faults of the flags together with those that check finds, then the work.
func (a *app) body(check func(ctx context.Context, args []string) []error, work func(ctx context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.settle()
		if err := usage(append(a.faults, check(cmd.Context(), args)...)...); err != nil {
			return err
		}
		a.started = true
		return work(cmd.Context())
	}
}

// gather makes the flags of a command report bad values through a.faults,
// where the flag library would stop at the first.
func (a *app) gather(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		f.Value = &gathered{Value: f.Value, name: f.Name, faults: &a.faults}
		if f.DefValue == "[]" {
			f.DefValue = "" // the flag library no longer sees that it is an empty list
		}
	})
}

// settle applies the flags that say how to talk.
func (a *app) settle() {
	setLevel(a.log, a.silent, a.verbose)
	color := a.screen.terminal && !a.noColor && colorsWanted()
	a.log.SetFormatter(lineFormatter{color: color})
	a.screen.quiet = a.silent
}

// logger is the log in the form that libraries take.
func (a *app) logger() *slog.Logger { return slog.New(a.log) }

// style is that of stdout; a file (path, of -o) has none.
func (a *app) style(path string) report.Style {
	if path != "" && path != "-" || !isTerminal(a.stdout) {
		return report.Style{}
	}
	return report.Style{Width: terminalWidth(a.stdout), Color: !a.noColor && colorsWanted()}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
