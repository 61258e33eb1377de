package expand_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/expand"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// savedHosts are fingerprints of 192.0.2.1 to .20, of which the first five
// share a key, and what an observation tells of two of them.
func savedHosts(t *testing.T, o expand.Options) *expand.Saved {
	t.Helper()
	s, err := expand.NewSaved(o)
	if err != nil {
		t.Fatal(err)
	}
	for n := 20; n > 0; n-- {
		host, key := fmt.Sprintf("192.0.2.%d", n), "SHA256:golden"
		if n > 5 {
			key = fmt.Sprintf("SHA256:%d", n)
		}
		s.Add(fingerprints.Fingerprint{Host: host, Port: 22, Kind: "ssh.host_key", Value: key})
	}
	for range 2 {
		s.Observe(record.Observation{Host: record.Host{IP: netip.MustParseAddr("192.0.2.2"), Name: "two.example"}, Connections: 3})
		s.Observe(record.Observation{Host: record.Host{IP: netip.MustParseAddr("192.0.2.99"), Name: "silent.example"}, Connections: 1})
	}
	return s
}

func seedNamed(name, addr string) []targets.Target {
	t := targets.Target{Host: record.Host{Name: name}}
	if addr != "" {
		t.Host.IP = netip.MustParseAddr(addr)
	}
	return []targets.Target{t}
}

// Fingerprints judge without an observation; observations add names and cost.
func TestSavedFingerprints(t *testing.T) {
	kept := func(a netip.Addr) bool { return a != netip.MustParseAddr("192.0.2.2") }
	but := cluster.Options{Keep: kept, Not: []string{"192.0.2.20"}}
	for _, c := range []struct {
		name        string
		o           expand.Options
		kin         []string
		hosts, cost int
	}{
		{"address", expand.Options{Seeds: seedNamed("", "192.0.2.1")}, []string{"192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}, 19, 6},
		{"name", expand.Options{Seeds: seedNamed("two.example", "")}, []string{"192.0.2.1", "192.0.2.3", "192.0.2.4", "192.0.2.5"}, 19, 0},
		{"address, two hosts not listed", expand.Options{Seeds: seedNamed("", "192.0.2.1"), Cluster: but}, []string{"192.0.2.3", "192.0.2.4", "192.0.2.5"}, 17, 0},
	} {
		for _, top := range []int{0, 1} {
			c.o.Cluster.Top = top
			r, err := savedHosts(t, c.o).Judge()
			if err != nil {
				t.Fatal(err)
			}
			want := c.kin
			if top == 1 {
				want = want[:1]
			}
			if diff := cmp.Diff(want, kinOf(r)); diff != "" || r.Hosts != c.hosts || r.Connections != 8 {
				t.Errorf("seed by %s, top %d: %d hosts, %d connections, %s", c.name, top, r.Hosts, r.Connections, diff)
			}
			if got := r.Kin[0].Probes.Connections; got != c.cost {
				t.Errorf("seed by %s: %s cost %d connections, want %d", c.name, r.Kin[0].Host, got, c.cost)
			}
		}
	}
	if _, err := savedHosts(t, expand.Options{Seeds: seedNamed("silent.example", "")}).Judge(); !errors.Is(err, expand.ErrSeedSilent) {
		t.Errorf("a seed without a fingerprint: %v, want ErrSeedSilent", err)
	}
}
