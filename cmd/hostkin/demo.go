package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/expand"
	"github.com/hostkin/hostkin/internal/lab"
	"github.com/hostkin/hostkin/report"
)

func (a *app) demoCommand() *cobra.Command {
	var out outputFlags
	var seed uint64
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "a provider on loopback, expanded before your eyes",
		Long: `demo starts a simulated town of servers on loopback: a provider's hosts made from one golden image,
some drifted, some re-keyed, another provider, a CDN, near misses and strangers. Then it runs what
expand runs, from one host of the provider, and compares the result with the truth. It needs no
privileges and no network.`,
		Example: `  hostkin demo
  hostkin demo --seed 7 --json`,
		Args: cobra.NoArgs,
	}
	out.add(cmd.Flags(), "JSON Lines (kin/1) instead of a table; the score goes to stderr")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "another `N`, another town")
	a.gather(cmd.Flags())
	cmd.RunE = a.body(func(context.Context, []string) []error { return nil },
		func(ctx context.Context) error { return a.demo(ctx, seed, &out) })
	return cmd
}

func (a *app) demo(ctx context.Context, seed uint64, out *outputFlags) error {
	return a.results(out.path, false, func(w io.Writer) error {
		town, err := lab.Demo(seed)
		if err != nil {
			return fmt.Errorf("start the simulated town: %w", err)
		}
		defer town.Close()
		a.log.Info().Msgf("a simulated town of %d hosts; what follows is: hostkin expand %s --within %s --ports %s",
			len(town.Truth), town.Seed, town.Within, town.Ports)
		result, err := a.expandTown(ctx, town)
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		err = errors.Join(err, a.writeKin(w, result.Kin, report.ShowPossible, out))
		text := score(town, result)
		if out.json {
			for line := range strings.Lines(text) {
				a.log.Info().Msg(strings.TrimSuffix(line, "\n"))
			}
			return err
		}
		_, writing := io.WriteString(w, "\n"+text)
		return errors.Join(err, writing)
	})
}

// expandTown does what expand does, with its defaults.
func (a *app) expandTown(ctx context.Context, town *lab.Town) (expand.Result, error) {
	f := &expandFlags{}
	f.add(pflag.NewFlagSet("demo", pflag.ContinueOnError))
	f.within.Values, f.portList = []string{town.Within}, town.Ports
	job, faults := a.checkExpand(ctx, []string{town.Seed.String()}, f)
	if err := errors.Join(faults...); err != nil {
		return expand.Result{}, err
	}
	seeds, err := job.scope.addresses(ctx, job.seeds)
	if err != nil {
		return expand.Result{}, err
	}
	return a.runExpand(ctx, &f.scanFlags, f.options(seeds, job))
}

// tally counts the hosts of one kind by what was said of them.
type tally struct{ kin, possible, stranger, silent int }

// score compares a result with the truth, which only a simulation knows.
func score(town *lab.Town, result expand.Result) string {
	said := map[netip.Addr]cluster.Verdict{}
	for _, k := range result.Kin {
		if addr, err := netip.ParseAddr(k.Host); err == nil {
			said[addr] = k.Verdict
		}
	}
	provider := town.Truth[town.Seed].Provider
	kinds := map[string]*tally{}
	var names []string
	var truly, found, called int
	for addr, role := range town.Truth {
		if addr == town.Seed {
			continue
		}
		name, kin := kindName(role, provider)
		if kinds[name] == nil {
			kinds[name] = &tally{}
			names = append(names, name)
		}
		kinds[name].count(said[addr])
		if said[addr] == cluster.VerdictKin {
			called++
		}
		if kin {
			truly++
			if said[addr] == cluster.VerdictKin {
				found++
			}
		}
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, "The score against the truth (simulated hosts: real networks are harder)\n"+
		"  precision %s: of %d hosts called kin, %d are\n  recall    %s: of %d kin of the seed, %d were found\n",
		ratio(found, called), called, found, ratio(found, truly), truly, found)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\tkin\tpossible\tstranger\tsilent\t  what they are\n")
	for _, name := range names {
		k := kinds[name]
		fmt.Fprintf(w, "\t%d\t%d\t%d\t%d\t  %s\n", k.kin, k.possible, k.stranger, k.silent, name)
	}
	w.Flush()
	return b.String()
}

// kindName sorts hosts of the town for the score; kin says that it belongs
// to the provider of the seed.
func kindName(r lab.Role, provider string) (name string, kin bool) {
	switch r.Provider {
	case "":
		return "no kin: " + r.Kind, false
	case provider:
		return "kin: " + r.Kind, true
	}
	return "no kin: another provider", false
}

func (t *tally) count(v cluster.Verdict) {
	switch v {
	case cluster.VerdictKin:
		t.kin++
	case cluster.VerdictPossible:
		t.possible++
	case cluster.VerdictStranger:
		t.stranger++
	default:
		t.silent++
	}
}

// ratio is n/of, or a dash where that says nothing.
func ratio(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(n)/float64(of))
}
