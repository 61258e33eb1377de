package expand_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/expand"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/internal/town"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

// options are those of `hostkin expand SEED --within TOWN`, over real sockets.
func options(t *testing.T, cidr, portSpec string, seed netip.Addr) expand.Options {
	t.Helper()
	within, err := targets.Parse(targets.Source{Args: []string{cidr}}, targets.Source{}, targets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := scanner.ParsePorts(portSpec)
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
		livetest.Missing(t, fmt.Errorf("no town of real servers: %w", err))
	}
	t.Cleanup(func() {
		if err := tn.Close(); err != nil {
			t.Error(err)
		}
	})
	return tn
}

// TestTown scans a town of real servers once, in full. The observations are
// judged from every host of every provider, and compared with live expansions.
func TestTown(t *testing.T) {
	if testing.Short() {
		t.Skip("a town of real servers takes a minute")
	}
	tn := startTown(t, 1, "127.34.0.0")
	o := options(t, tn.Within, tn.PortSpec, netip.Addr{})
	var err error
	if o.Cluster.Table, err = cluster.Defaults(); err != nil {
		t.Fatal(err)
	}
	var observations []record.Observation
	full := scanner.Plan{Ports: o.Ports, Probes: o.Probes}
	err = o.Scan(t.Context(), o.Within.All(0), full.Next, func(obs record.Observation) { observations = append(observations, obs) })
	if err != nil {
		t.Fatal(err)
	}
	t.Run("figures", func(t *testing.T) { testFigures(t, tn, o, observations) })
	t.Run("pruning", func(t *testing.T) { testPruning(t, tn, o, observations) })
}

// testFigures judges from every host of every provider, on one index, and
// compares with two rules of thumb. (internal/bench/towns -live runs a live
// expansion for each.)
func testFigures(t *testing.T, tn *town.Town, o expand.Options, observations []record.Observation) {
	holders := map[feature]map[netip.Addr]bool{}
	builder := cluster.NewBuilder(o.Cluster.Table)
	for _, obs := range observations {
		for _, f := range fingerprints.Of(obs) {
			builder.Add(f)
			v := feature{f.Kind, f.Value}
			if holders[v] == nil {
				holders[v] = map[netip.Addr]bool{}
			}
			holders[v][obs.Host.IP] = true
		}
	}
	index := builder.Index()
	sharing := func(seed netip.Addr, kind fingerprints.Kind) []netip.Addr {
		found := map[netip.Addr]bool{}
		for v, hosts := range holders {
			if hosts[seed] && (kind == "" || v.kind == kind) {
				maps.Copy(found, hosts)
			}
		}
		delete(found, seed)
		return slices.Collect(maps.Keys(found))
	}
	for provider, seeds := range tn.Providers() {
		var ours, jarm, any town.Figures
		for _, seed := range seeds {
			kin, err := index.Kinship([]string{seed.String()}, o.Cluster)
			if err != nil {
				t.Errorf("kin of %s (%+v): %v", seed, tn.Truth[seed], err)
				continue
			}
			var found []netip.Addr
			for _, addr := range kinOf(expand.Result{Kin: kin}) {
				found = append(found, netip.MustParseAddr(addr))
			}
			ours.Add(tn, seed, found, nil)
			jarm.Add(tn, seed, sharing(seed, "jarm"), nil)
			any.Add(tn, seed, sharing(seed, ""), nil)
		}
		t.Logf("simulated, provider %s: expand: %s; same JARM: %s; any shared fingerprint: %s", provider, ours, jarm, any)
		if ours.Precision < .97 || ours.Recall < .85 || ours.Worst < .9 {
			t.Errorf("provider %s: %s, want mean precision >= .97, recall >= .85, no seed under .90 precision", provider, ours)
		}
		for name, rule := range map[string]town.Figures{"same JARM": jarm, "any shared fingerprint": any} {
			if ours.F1() <= rule.F1() {
				t.Errorf("provider %s: expand (%s) does not beat %q (%s)", provider, ours, name, rule)
			}
		}
	}
}

// feature is a value of a kind.
type feature struct {
	kind  fingerprints.Kind
	value string
}

// testPruning: live expansions find the same kin with pruning as everything
// that there is to ask does without, for far fewer connections.
func testPruning(t *testing.T, tn *town.Town, o expand.Options, observations []record.Observation) {
	kinds := []string{town.Golden, town.Drifted, town.Rekeyed, town.Partial}
	if raceEnabled {
		kinds = []string{town.Rekeyed} // has least in common with the others
	}
	for _, kind := range kinds {
		var seed netip.Addr
		for at, role := range tn.Truth {
			if role.Kind == kind && (!seed.IsValid() || at.Less(seed)) {
				seed = at
			}
		}
		o.Seeds, o.Full = []targets.Target{{Host: record.Host{IP: seed}}}, false
		pruned, err := expand.Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		o.Full = true
		full, err := expand.Judge(slices.Values(observations), o)
		if err != nil {
			t.Fatal(err)
		}
		role := tn.Truth[seed]
		if got, want := kinOf(pruned), kinOf(full); !slices.Equal(got, want) {
			t.Errorf("seed %s (%+v): pruned %v\nfull %v", seed, role, got, want)
		}
		got, want := spent(pruned), spent(full)
		t.Logf("seed %s (%s %s): %d connections to %d candidates pruned, %d full", seed, role.Provider, role.Kind, got, pruned.Hosts, want)
		if 2*got > want {
			t.Errorf("seed %s: %d connections pruned, %d full: want less than half", seed, got, want)
		}
		for _, k := range full.Kin {
			if k.Probes.Skipped != nil {
				t.Errorf("seed %s: %s was not asked %v although everything was to be", seed, k.Host, k.Probes.Skipped)
			}
		}
	}
}

// spent counts the connections to candidates that answered.
func spent(r expand.Result) (sum int) {
	for _, k := range r.Kin {
		sum += k.Probes.Connections
	}
	return sum
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
