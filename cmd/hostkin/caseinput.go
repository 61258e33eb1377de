package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/casefile"
)

// caseFlag is --case of the commands that read.
type caseFlag struct{ dir string }

func (f *caseFlag) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.dir, "case", "", "read the observations of the case in `DIR` instead of files")
}

// input is the case, or the FILE arguments without one.
func (f *caseFlag) input(a *app, paths []string) *input {
	if f.dir == "" {
		return a.newInput(paths)
	}
	return &input{app: a, paths: paths, dir: f.dir}
}

// openCase finds what is wrong before any work is done.
func (in *input) openCase() (faults []error) {
	if len(in.paths) > 0 {
		faults = append(faults, errors.New("--case and FILE: give one of them; hostkin case export makes a file of a case"))
	}
	c, err := casefile.Open(in.dir)
	if err != nil {
		return append(faults, err)
	}
	in.opened = c
	return faults
}

// caseLines yields the lines of the case; what cannot be read counts as bad.
func (in *input) caseLines(ctx context.Context, yield func(line) bool) {
	tell := func(err error) {
		if in.bad++; in.bad <= toldFaults {
			in.app.log.Warning().Msg(err.Error())
		}
	}
	err := in.opened.Parts(ctx, func(f casefile.Fault) { tell(f) }, func(p casefile.Part) bool { return in.scan(ctx, p.Name, p, yield) })
	if err != nil && ctx.Err() == nil {
		tell(err)
	}
}
