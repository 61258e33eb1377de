package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/town"
)

// worth is what one kind of fingerprint brings.
type worth struct {
	without outcome // everything else
	alone   outcome // nothing else
	held    int     // hosts that give a value
}

// outcome is how well kin were found, and how far they stood from strangers.
type outcome struct {
	town.Figures
	kin, strangers mean // bits
}

// mean of what was added.
type mean struct{ sum, n float64 }

func (m *mean) add(v float64) { m.sum, m.n = m.sum+v, m.n+1 }
func (m mean) value() float64 { return m.sum / max(1, m.n) }

// ablate judges every town without each kind in turn, and with it alone. The
// first row is everything.
func ablate(from, to uint64, _, _ bool) error {
	table, err := cluster.Defaults()
	if err != nil {
		return err
	}
	var all outcome
	kinds := map[fingerprints.Kind]*worth{}
	for seed := from; seed <= to; seed++ {
		t, hosts, err := visit(seed)
		if err != nil {
			return err
		}
		for _, h := range hosts {
			for k := range kindsOf(h) {
				if kinds[k] == nil {
					kinds[k] = &worth{}
				}
				kinds[k].held++
			}
		}
		measure(&all, t, hosts, table, nil)
		var wait sync.WaitGroup
		for k, w := range kinds {
			wait.Go(func() { measure(&w.without, t, hosts, table, func(f fingerprints.Kind) bool { return f == k }) })
			wait.Go(func() { measure(&w.alone, t, hosts, table, func(f fingerprints.Kind) bool { return f != k }) })
		}
		wait.Wait()
		fmt.Fprintf(os.Stderr, "town %d: %d hosts, so far %s\n", seed, len(t.Truth), all.Figures)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "simulated\thosts\twithout it: precision\trecall\tAP\tbits of kin\tof strangers\talone: AP")
	fmt.Fprintf(w, "everything\t\t%.3f\t%.3f\t%.4f\t%.2f\t%.2f\t\n", all.Precision, all.Recall, all.AP, all.kin.value(), all.strangers.value())
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		v := kinds[k].without
		fmt.Fprintf(w, "%s\t%d\t%+.3f\t%+.3f\t%+.4f\t%+.2f\t%+.2f\t%.3f\n", k, kinds[k].held, v.Precision-all.Precision, v.Recall-all.Recall, v.AP-all.AP,
			v.kin.value()-all.kin.value(), v.strangers.value()-all.strangers.value(), kinds[k].alone.AP)
	}
	return w.Flush()
}

// visit starts a town, asks its hosts everything, and ends it.
func visit(seed uint64) (*town.Town, []cluster.Host, error) {
	t, err := town.Start(context.Background(), town.Options{Seed: seed, Base: netip.MustParseAddr("127.38.0.0")})
	if err != nil {
		return nil, nil, err
	}
	hosts, err := scan(t)
	return t, hosts, errors.Join(err, t.Close())
}

func kindsOf(h cluster.Host) map[fingerprints.Kind]bool {
	out := map[fingerprints.Kind]bool{}
	for _, f := range h.Prints {
		if !f.Partial {
			out[f.Kind] = true
		}
	}
	return out
}

// measure expands every seed. One that has nothing left to compare finds nobody.
func measure(o *outcome, t *town.Town, hosts []cluster.Host, table *cluster.Table, without func(fingerprints.Kind) bool) {
	hosts = strip(hosts, without)
	for seed := range seeds(t) {
		kin, err := cluster.Kinship([]string{seed.String()}, hosts, cluster.Options{Table: table})
		if err != nil {
			kin = nil
		}
		called, ranked := split(kin)
		o.Add(t, seed, called, ranked)
		for _, k := range kin {
			if t.Truth[netip.MustParseAddr(k.Host)].Provider == t.Truth[seed].Provider {
				o.kin.add(k.Bits)
			} else {
				o.strangers.add(k.Bits)
			}
		}
	}
}

// prefixed reports kinds that begin with one of the prefixes.
func prefixed(prefixes ...string) func(fingerprints.Kind) bool {
	return func(k fingerprints.Kind) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(string(k), p) })
	}
}
