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
		return a.results(out.path, false, func(w io.Writer) error { return a.exportCase(ctx, c, pass, w) })
	})
	return cmd
}

func checkPass(flag string, pass int) []error {
	if pass < 0 {
		return []error{errors.New("--" + flag + ": must not be negative")}
	}
	return nil
}

func (a *app) exportCase(ctx context.Context, c *casefile.Case, pass int, w io.Writer) error {
	faults := caseFaults{app: a}
	out := bufio.NewWriterSize(w, 64<<10)
	var lost error
	err := c.Parts(ctx, faults.tell, func(p casefile.Part) bool {
		if pass == 0 || p.Pass == pass {
			_, lost = io.Copy(out, p)
		}
		return lost == nil
	})
	if err == nil && lost == nil { // what Parts could read is kept in spite of faults
		if told := faults.result("what could not be read is not in the output"); told != nil {
			a.log.Error().Msg(told.Error())
		}
	}
	return errors.Join(err, lost, out.Flush())
}
