// Command towns measures expand on simulated towns of real servers: precision
// and recall from every host of every provider as seed, next to rules of
// thumb, with every family of evidence removed in turn.
//
//	go run ./internal/bench/towns -from 1 -to 8
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hostkin/hostkin/cluster"
	expansion "github.com/hostkin/hostkin/expand"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/town"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

func main() {
	from := flag.Uint64("from", 1, "first town")
	to := flag.Uint64("to", 4, "last town")
	live := flag.Bool("live", false, "also run a pruned expansion over the network from every seed")
	kinds := flag.Bool("kinds", false, "instead, judge without each kind of fingerprint in turn, and with it alone")
	verbose := flag.Bool("v", false, "tell of every seed under .9 precision or .5 recall")
	flag.Parse()
	task := run
	if *kinds {
		task = ablate
	}
	if err := task(*from, *to, *live, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "towns:", err)
		os.Exit(1)
	}
}

// finder finds kin of a seed among the hosts of a scan.
type finder func(seed string, hosts []cluster.Host) (called, ranked []netip.Addr, err error)

type method struct {
	name string
	find finder
	f    town.Figures
}

func run(from, to uint64, live, verbose bool) error {
	table, err := cluster.Defaults()
	if err != nil {
		return err
	}
	methods := []*method{
		{name: "expand", find: expand(table, nil)},
		{name: "same JARM", find: sharing("jarm")},
		{name: "same host key or SPKI", find: sharing("ssh.host_key", "cert.spki")},
		{name: "any shared fingerprint", find: sharing()},
	}
	for _, kinds := range [][]string{{"ssh.host_key", "cert.sha256", "cert.spki", "cert.serial_issuer"}, {"cert."}, {"ssh."}, {"jarm"}, {"tls.server"}, {"jarm", "tls.server"}, {"http."}, {"tcp."}} {
		methods = append(methods, &method{name: "expand without " + strings.Join(kinds, " "), find: expand(table, prefixed(kinds...))})
	}
	if live {
		methods = append(methods, &method{name: "expand, live and pruned"})
	}
	for seed := from; seed <= to; seed++ {
		t, err := town.Start(context.Background(), town.Options{Seed: seed, Base: netip.MustParseAddr("127.38.0.0")})
		if err != nil {
			return err
		}
		hosts, err := scan(t)
		if err != nil {
			return errors.Join(err, t.Close())
		}
		if live {
			methods[len(methods)-1].find = liveExpand(t, table)
		}
		for a := range seeds(t) {
			for i, m := range methods {
				called, ranked, err := m.find(a.String(), hosts)
				if err != nil {
					continue // the seed has nothing left to compare
				}
				p, r := m.f.Add(t, a, called, ranked)
				if verbose && i == 0 && (p < .9 || r < .5) {
					tell(t, a, hosts, p, r)
				}
			}
		}
		if err := t.Close(); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "town %d: %d hosts, so far %s\n", seed, len(t.Truth), methods[0].f)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "simulated\tseeds\tprecision\tworst\trecall\tP@10\tAP\tfalse kin by kind of stranger")
	for _, m := range methods {
		f := m.f
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%.2f\t%.3f\t%.3f\t%.3f\t%v\n", m.name, f.Seeds, f.Precision, f.Worst, f.Recall, f.At10, f.AP, f.False)
	}
	return w.Flush()
}

// seeds is every host of every provider.
func seeds(t *town.Town) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, provider := range slices.Sorted(maps.Keys(t.Providers())) {
			for _, a := range t.Providers()[provider] {
				if !yield(a) {
					return
				}
			}
		}
	}
}

// look is what all scans of a town have in common.
type look struct {
	within *targets.Set
	ports  []scanner.Port
	net    *transport.Net
}

func lookAt(t *town.Town) (look, error) {
	within, err := targets.Parse(targets.Source{Args: []string{t.Within}}, targets.Source{}, targets.Options{})
	if err != nil {
		return look{}, err
	}
	ports, err := scanner.ParsePorts(t.PortSpec)
	return look{within, ports, transport.New(transport.Config{PerHost: 4, Timeout: 15 * time.Second, Guard: within.Allowed})}, err
}

func (l look) scan(ctx context.Context, hosts iter.Seq[targets.Target], next scanner.Next, emit func(record.Observation)) error {
	return scanner.Run(ctx, scanner.Config{Transport: l.net, Next: next, Workers: 64, Emit: emit}, hosts)
}

// scan asks every host of a town everything.
func scan(t *town.Town) ([]cluster.Host, error) {
	l, err := lookAt(t)
	if err != nil {
		return nil, err
	}
	var prints []fingerprints.Fingerprint
	plan := scanner.Plan{Ports: l.ports, Probes: probes.All(probes.Options{})}
	err = l.scan(context.Background(), l.within.All(0), plan.Next, func(o record.Observation) { prints = append(prints, fingerprints.Of(o)...) })
	return cluster.Gather(slices.Values(prints)), err
}

// liveExpand is `hostkin expand SEED --within TOWN`.
func liveExpand(t *town.Town, table *cluster.Table) finder {
	return func(seed string, _ []cluster.Host) (called, ranked []netip.Addr, err error) {
		l, err := lookAt(t)
		if err != nil {
			return nil, nil, err
		}
		result, err := expansion.Run(context.Background(), expansion.Options{
			Seeds:  []targets.Target{{Host: record.Host{IP: netip.MustParseAddr(seed)}}},
			Within: l.within, Ports: l.ports, Probes: probes.All(probes.Options{}), Cluster: cluster.Options{Table: table}, Scan: l.scan,
		})
		called, ranked = split(result.Kin)
		return called, ranked, err
	}
}

// split separates the kin from the whole ranking.
func split(kin []cluster.Kin) (called, ranked []netip.Addr) {
	for _, k := range kin {
		a := netip.MustParseAddr(k.Host)
		ranked = append(ranked, a)
		if k.Verdict == cluster.VerdictKin {
			called = append(called, a)
		}
	}
	return called, ranked
}

// expand judges as `hostkin expand` does, without some kinds (nil: with all).
func expand(table *cluster.Table, without func(fingerprints.Kind) bool) finder {
	return func(seed string, hosts []cluster.Host) (called, ranked []netip.Addr, err error) {
		kin, err := cluster.Kinship([]string{seed}, strip(hosts, without), cluster.Options{Table: table})
		called, ranked = split(kin)
		return called, ranked, err
	}
}

func strip(hosts []cluster.Host, without func(fingerprints.Kind) bool) []cluster.Host {
	if without == nil {
		return hosts
	}
	out := slices.Clone(hosts)
	for i := range out {
		out[i].Prints = slices.DeleteFunc(slices.Clone(out[i].Prints), func(f fingerprints.Fingerprint) bool { return without(f.Kind) })
	}
	return out
}

// sharing calls kin whoever shares a value of the kinds, or of any.
func sharing(kinds ...fingerprints.Kind) finder {
	type value struct {
		kind  fingerprints.Kind
		value string
	}
	return func(seed string, hosts []cluster.Host) (called, ranked []netip.Addr, err error) {
		ours := map[value]bool{}
		for _, h := range hosts {
			for _, f := range h.Prints {
				if h.Addr == seed && !f.Partial && (len(kinds) == 0 || slices.Contains(kinds, f.Kind)) {
					ours[value{f.Kind, f.Value}] = true
				}
			}
		}
		for _, h := range hosts {
			if h.Addr != seed && slices.ContainsFunc(h.Prints, func(f fingerprints.Fingerprint) bool { return ours[value{f.Kind, f.Value}] }) {
				called = append(called, netip.MustParseAddr(h.Addr))
			}
		}
		return called, called, nil
	}
}

// tell prints what went wrong from one seed.
func tell(t *town.Town, seed netip.Addr, hosts []cluster.Host, p, r float64) {
	fmt.Fprintf(os.Stderr, "seed %s %+v: precision %.2f, recall %.2f\n", seed, t.Truth[seed], p, r)
	kin, err := cluster.Kinship([]string{seed.String()}, hosts, cluster.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, " ", err)
	}
	shown := 0
	for _, k := range kin {
		role := t.Truth[netip.MustParseAddr(k.Host)]
		if (k.Verdict == cluster.VerdictKin) != (role.Provider == t.Truth[seed].Provider) && shown < 3 {
			shown++
			fmt.Fprintf(os.Stderr, "  %s %+v is called %s: %.1f bits, prior %.1f\n", k.Host, role, k.Verdict, k.Bits, k.Prior)
			for _, e := range k.Evidence {
				fmt.Fprintf(os.Stderr, "    %+.1f %s %s (on %d)\n", e.Bits, e.Kind, e.Value, e.HeldBy)
			}
			for _, c := range k.Against {
				fmt.Fprintf(os.Stderr, "    %+.1f %s %s, not %s\n", c.Bits, c.Kind, c.Host, c.Seed)
			}
		}
	}
}
