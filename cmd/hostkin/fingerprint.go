package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/report"
)

func (a *app) fingerprintCommand() *cobra.Command {
	var out outputFlags
	var in *input
	var saved caseFlag
	cmd := &cobra.Command{
		Use:   "fingerprint [FILE...]",
		Short: "derive fingerprints from observations",
		Long: `fingerprint reads observations (observation/1 as JSON Lines, .gz and .zst too, - or nothing is
stdin) and writes their fingerprints (fingerprint/1 as JSON Lines), sorted by host, port, kind and
value, each line once. The same observations in any order give the same output.`,
		Example: `  hostkin scan 192.0.2.0/24 | hostkin fingerprint
  hostkin fingerprint monday.jsonl.zst tuesday.jsonl.zst -o fingerprints.jsonl`,
	}
	out.add(cmd.Flags(), "accepted and without effect: the output is always JSON Lines")
	saved.add(cmd.Flags())
	a.gather(cmd.Flags())
	cmd.RunE = a.body(func(_ context.Context, args []string) []error {
		in = saved.input(a, args)
		return in.check()
	}, func(ctx context.Context) error {
		return a.results(out.path, false, func(w io.Writer) error {
			write := func(w io.Writer, f fingerprints.Fingerprint) error { return report.JSON(w, f) }
			return errors.Join(each(w, in.prints(ctx), write), in.result(ctx))
		})
	})
	return cmd
}

// prints reads everything and returns the fingerprints, sorted, each once.
func (in *input) prints(ctx context.Context) []fingerprints.Fingerprint {
	type key struct {
		addr netip.Addr
		fingerprints.Fingerprint
	}
	var all []key
	texts := map[string]string{} // the same few values come again and again: keep each once
	add := func(f fingerprints.Fingerprint) {
		text, known := texts[f.Value]
		if !known {
			text = f.Value
			texts[text] = text
		}
		f.Value, f.Schema = text, fingerprints.Schema
		addr, _ := netip.ParseAddr(f.Host) // both sources have checked it; an invalid one sorts first
		all = append(all, key{addr, f})
	}
	for l := range in.lines(ctx) {
		if l.fingerprint != nil {
			add(*l.fingerprint)
			continue
		}
		for _, f := range fingerprints.Of(*l.observation) {
			add(f)
		}
	}
	slices.SortFunc(all, func(a, b key) int {
		return cmp.Or(a.addr.Compare(b.addr), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Value, b.Value), cmp.Compare(partialRank(a.Partial), partialRank(b.Partial)))
	})
	all = slices.Compact(all)
	prints := make([]fingerprints.Fingerprint, len(all))
	for i, k := range all {
		prints[i] = k.Fingerprint
	}
	return prints
}

func partialRank(partial bool) int {
	if partial {
		return 1
	}
	return 0
}
