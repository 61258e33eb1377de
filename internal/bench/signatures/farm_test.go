package main

import (
	"bytes"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/internal/bench/signatures/farm"
	"github.com/hostkin/hostkin/internal/livetest"
)

// TestMain is also the Go servers and the load of a farm.
func TestMain(m *testing.M) {
	if isMode(os.Args) {
		again(os.Args[1], os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

// TestAFewServers puts up some configurations, looks at them as they are and
// through the splitting proxy, and finds nothing that wavers and no less told
// apart than by JARM.
func TestAFewServers(t *testing.T) {
	for _, program := range []string{"nginx", "openssl", "gnutls-serv"} {
		livetest.Need(t, program)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := farm.Start(t.Context(), farm.Options{
		Set: "a", Base: netip.MustParseAddr("127.62.0.0"), Products: []string{"nginx", "openssl", "gnutls-serv", "go"}, Most: 3, Go: []string{self, serveMode},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	var at []netip.AddrPort
	for _, s := range f.Sites {
		at = append(at, s.At)
	}
	r := result{sites: f.Sites}
	if err := r.repeat(t.Context(), "idle", at, 2); err != nil {
		t.Fatal(err)
	}
	s, err := split(at, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := r.repeat(t.Context(), "split", s.sites, 1); err != nil {
		t.Fatal(err)
	}
	all := schemes()
	jarm, server := r.values(all[0]), r.values(all[1])
	if len(at) != 12 || len(group(server)) < len(group(jarm)) || len(group(jarm)) < 6 {
		t.Errorf("of %d sites JARM tells %d apart, tls.server %d", len(at), len(group(jarm)), len(group(server)))
	}
	for _, c := range r.conditions {
		if st := r.steadiness(all[1], c, server); len(st.unstable) > 0 || st.unknown > 0 {
			t.Errorf("%s: unstable %v, %d unknown", c.name, st.unstable, st.unknown)
		}
	}
	var out bytes.Buffer
	if err := r.print(&out, options{set: "a", verbose: true, check: true}); err == nil || !strings.Contains(err.Error(), "not 60 of 9") {
		t.Errorf("the goals: %v", err)
	}
	if !strings.Contains(out.String(), "12 configurations of 4 products") {
		t.Errorf("%s", &out)
	}
}

// Every set has enough, and only of products that there are.
func TestSets(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		counts, err := farm.Counts(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, n := range counts {
			sum += n
		}
		if len(counts) < 20 || sum < 60 {
			t.Errorf("set %s: %d configurations of %d products", name, sum, len(counts))
		}
	}
	if _, err := farm.Counts("z"); err == nil {
		t.Error("a set that is not there")
	}
}
