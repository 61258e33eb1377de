package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/casefile"
	"github.com/hostkin/hostkin/report"
)

func (a *app) caseVerifyCommand() *cobra.Command {
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "verify DIR",
		Short: "check every byte of a case",
		Long: `verify reads all segments, compares them with their checksums, decompresses and parses every line and
reads the tables. It tells every fault with its file and offset, and exits 1 if there is any. What is beside
a fault can still be read. The torn end of a scan that was killed is no fault.`,
		Example: `  hostkin case verify op-42`,
	}
	out.add(cmd.Flags(), "JSON Lines (casefault/1), one a fault, instead of text")
	a.gather(cmd.Flags())
	cmd.RunE = a.oneCase(noCheck, func(ctx context.Context, c *casefile.Case) error {
		return a.results(out.path, true, func(w io.Writer) error { return a.verifyCase(ctx, c, w, out.json) })
	})
	return cmd
}

// caseFault is one line of casefault/1.
type caseFault struct {
	Schema string `json:"schema"`
	File   string `json:"file"`
	Offset int64  `json:"offset"` // -1: the whole file
	Length int64  `json:"length,omitempty"`
	Torn   bool   `json:"torn,omitempty"` // no damage
	Fault  string `json:"fault"`
}

func (a *app) verifyCase(ctx context.Context, c *casefile.Case, w io.Writer, asJSON bool) error {
	faults := 0
	var lost error // of the output
	v, err := c.Verify(ctx, func(f casefile.Fault) {
		if !f.Torn {
			faults++
		}
		if lost != nil {
			return
		}
		if asJSON {
			lost = report.JSON(w, caseFault{"casefault/1", f.File, f.Offset, f.Length, f.Torn, f.Err.Error()})
		} else {
			_, lost = fmt.Fprintln(w, report.Safe(f.Error()))
		}
	})
	switch {
	case err != nil:
		return err
	case lost != nil:
		return lost
	case faults > 0:
		return fmt.Errorf("%d faults in %s", faults, c.Dir())
	}
	if !asJSON {
		_, lost = fmt.Fprintf(w, "%d segments, %d batches, %d observations, %d tables with %d rows: all good\n", v.Segments, v.Batches, v.Lines, v.Tables, v.Rows)
	}
	return lost
}
