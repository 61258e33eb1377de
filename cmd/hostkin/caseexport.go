package main

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/casefile"
)

func (a *app) caseExportCommand() *cobra.Command {
	var out outputFlags
	var pass int
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "all observations of a case as JSON Lines",
		Long:  `export writes the observations (observation/1) as they were scanned, in the order of the log.`,
		Example: `  hostkin case export op-42 -o op-42.jsonl.zst
  hostkin case export op-42 --pass 2 | hostkin fingerprint`,
	}
	out.add(cmd.Flags(), "accepted and without effect: the output is always JSON Lines")
	cmd.Flags().IntVar(&pass, "pass", 0, "only pass `N`; 0: all")
	a.gather(cmd.Flags())
	cmd.RunE = a.oneCase(func() []error { return checkPass("pass", pass) }, func(ctx context.Context, c *casefile.Case) error {
		faults := caseFaults{app: a}
		err := a.results(out.path, false, func(w io.Writer) error { return exportCase(ctx, c, pass, faults.tell, w) })
		return errors.Join(err, faults.result("what could not be read is not in the output")) // the rest is
	})
	return cmd
}

func checkPass(flag string, pass int) []error {
	if pass < 0 {
		return []error{errors.New("--" + flag + ": must not be negative")}
	}
	return nil
}

func exportCase(ctx context.Context, c *casefile.Case, pass int, fault func(casefile.Fault), w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var lost error
	err := c.Parts(ctx, fault, func(p casefile.Part) bool {
		if pass == 0 || p.Pass == pass {
			_, lost = io.Copy(out, p)
		}
		return lost == nil
	})
	return errors.Join(err, lost, out.Flush())
}
