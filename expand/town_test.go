package expand_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/expand"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/town"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

// options are those of `hostkin expand SEED --within TOWN`, over real sockets.
func options(t *testing.T, tn *town.Town, seed netip.Addr) expand.Options {
	t.Helper()
	within, err := targets.Parse(targets.Source{Args: []string{tn.Within}}, targets.Source{}, targets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := scanner.ParsePorts(tn.PortSpec)
	if err != nil {
		t.Fatal(err)
	}
	net := transport.New(transport.Config{PerHost: 4, Timeout: 10 * time.Second, Guard: within.Allowed})
	return expand.Options{
		Seeds: []targets.Target{{Host: record.Host{IP: seed}}}, Within: within, Ports: ports, Probes: probes.All(probes.Options{}),
		Scan: func(ctx context.Context, hosts iter.Seq[targets.Target], next scanner.Next, emit func(record.Observation)) error {
			return scanner.Run(ctx, scanner.Config{Transport: net, Next: next, Workers: 64, Emit: emit}, hosts)
		},
	}
}

// startTown starts a town, or skips where its servers are not installed.
func startTown(t *testing.T, seed uint64, base string) *town.Town {
	t.Helper()
	tn, err := town.Start(t.Context(), town.Options{Seed: seed, Base: netip.MustParseAddr(base)})
	if err != nil {
		if os.Getenv("HOSTKIN_REQUIRE_SERVERS") == "1" {
			t.Fatal(err)
		}
		t.Skip("no town of real servers:", err)
	}
	t.Cleanup(func() {
		if err := tn.Close(); err != nil {
			t.Error(err)
		}
	})
	return tn
}

// figures are means over the seeds of one provider.
type figures struct {
	seeds                    int
	precision, recall, worst float64
}

func (f *figures) add(found, truth map[netip.Addr]bool) (precision, recall float64) {
	right := 0.0
	for a := range found {
		if truth[a] {
			right++
		}
	}
	precision, recall = 1, right/float64(len(truth))
	if len(found) > 0 {
		precision = right / float64(len(found))
	}
	if f.seeds == 0 {
		f.worst = 1
	}
	n := float64(f.seeds)
	f.precision, f.recall, f.worst = (f.precision*n+precision)/(n+1), (f.recall*n+recall)/(n+1), min(f.worst, precision)
	f.seeds++
	return precision, recall
}

func (f figures) String() string {
	return fmt.Sprintf("%d seeds: precision %.3f (worst %.2f), recall %.3f", f.seeds, f.precision, f.worst, f.recall)
}

// TestTown expands from every host of every provider of a town of real
// servers, and compares with two rules of thumb on a full scan.
func TestTown(t *testing.T) {
	if testing.Short() {
		t.Skip("a town of real servers takes minutes")
	}
	tn := startTown(t, 1, "127.34.0.0")
	o := options(t, tn, netip.Addr{})
	holders := map[string]map[netip.Addr]bool{} // by kind and value, of a full scan
	full := scanner.Plan{Ports: o.Ports, Probes: o.Probes}
	err := o.Scan(t.Context(), o.Within.All(0), full.Next, func(obs record.Observation) {
		for _, f := range fingerprints.Of(obs) {
			v := string(f.Kind) + "=" + f.Value
			if holders[v] == nil {
				holders[v] = map[netip.Addr]bool{}
			}
			holders[v][obs.Host.IP] = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	sharing := func(seed netip.Addr, kinds ...fingerprints.Kind) map[netip.Addr]bool {
		found := map[netip.Addr]bool{}
		for v, hosts := range holders {
			if hosts[seed] && (kinds == nil || slices.ContainsFunc(kinds, func(k fingerprints.Kind) bool { return len(v) > len(k) && v[:len(k)+1] == string(k)+"=" })) {
				maps.Copy(found, hosts)
			}
		}
		delete(found, seed)
		return found
	}
	providers := map[string][]netip.Addr{}
	for _, a := range slices.SortedFunc(maps.Keys(tn.Truth), netip.Addr.Compare) {
		switch role := tn.Truth[a]; role.Kind {
		case town.Golden, town.Drifted, town.Rekeyed, town.Partial:
			providers[role.Provider] = append(providers[role.Provider], a)
		}
	}
	for _, provider := range slices.Sorted(maps.Keys(providers)) {
		var ours, jarm, any figures
		for _, seed := range providers[provider] {
			truth := map[netip.Addr]bool{}
			for _, a := range providers[provider] {
				if a != seed {
					truth[a] = true
				}
			}
			o := options(t, tn, seed)
			result, err := expand.Run(t.Context(), o)
			if err != nil {
				t.Errorf("expand from %s (%+v): %v", seed, tn.Truth[seed], err)
				continue
			}
			found := map[netip.Addr]bool{}
			for _, k := range result.Kin {
				if k.Verdict == cluster.VerdictKin {
					found[netip.MustParseAddr(k.Host)] = true
				}
			}
			p, r := ours.add(found, truth)
			if p < .9 || r < .5 {
				t.Logf("%s from %s (%s): precision %.2f, recall %.2f", provider, seed, tn.Truth[seed].Kind, p, r)
				for _, k := range result.Kin {
					if a := netip.MustParseAddr(k.Host); (k.Verdict == cluster.VerdictKin) != truth[a] {
						t.Logf("  %s %+v: %s %.1f for %v against %v", k.Host, tn.Truth[a], k.Verdict, k.Bits, k.Evidence, k.Against)
					}
				}
			}
			jarm.add(sharing(seed, "jarm"), truth)
			any.add(sharing(seed), truth)
		}
		t.Logf("simulated, provider %s: expand: %s; same JARM: %s; any shared fingerprint: %s", provider, ours, jarm, any)
		if ours.precision < .97 || ours.recall < .85 || ours.worst < .9 {
			t.Errorf("provider %s: %s, want mean precision >= .97, recall >= .85, no seed under .90 precision", provider, ours)
		}
		for name, rule := range map[string]figures{"same JARM": jarm, "any shared fingerprint": any} {
			if f1(ours) <= f1(rule) {
				t.Errorf("provider %s: expand (%s) does not beat %q (%s)", provider, ours, name, rule)
			}
		}
	}
}

func f1(f figures) float64 { return 2 * f.precision * f.recall / (f.precision + f.recall + 1e-9) }

// TestPruning: the same kin with and without pruning, for far fewer connections.
func TestPruning(t *testing.T) {
	if testing.Short() {
		t.Skip("a town of real servers takes minutes")
	}
	tn := startTown(t, 2, "127.36.0.0")
	seen := map[string]bool{}
	for _, seed := range slices.SortedFunc(maps.Keys(tn.Truth), netip.Addr.Compare) {
		role := tn.Truth[seed]
		if role.Provider == "" || role.Kind == town.CDN || seen[role.Provider+role.Kind] {
			continue
		}
		seen[role.Provider+role.Kind] = true // one seed of each kind of each provider
		o := options(t, tn, seed)
		pruned, err := expand.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		o.Full = true
		full, err := expand.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := kinOf(pruned), kinOf(full); !slices.Equal(got, want) {
			t.Errorf("seed %s (%+v): pruned %v\nfull %v", seed, role, got, want)
		}
		t.Logf("seed %s (%s %s): %d connections pruned, %d full", seed, role.Provider, role.Kind, pruned.Connections, full.Connections)
		if 2*pruned.Connections > full.Connections {
			t.Errorf("seed %s: %d connections pruned, %d full: want less than half", seed, pruned.Connections, full.Connections)
		}
	}
}

func kinOf(r expand.Result) []string {
	var out []string
	for _, k := range r.Kin {
		if k.Verdict == cluster.VerdictKin {
			out = append(out, k.Host)
		}
	}
	slices.SortFunc(out, cluster.CompareAddr)
	return out
}
