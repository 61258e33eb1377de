package lab_test

import (
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/lab"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

// answer is one fingerprint of a host, wherever the host is.
type answer struct {
	port  uint16
	kind  fingerprints.Kind
	value string
}

// scanTown returns the whole fingerprints of every host.
func scanTown(t *testing.T, town *lab.Town) map[netip.Addr]map[answer]bool {
	t.Helper()
	set, err := targets.Parse(targets.Source{Args: []string{town.Within}}, targets.Source{}, targets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := scanner.ParsePorts(town.Ports)
	if err != nil {
		t.Fatal(err)
	}
	plan := scanner.Plan{Ports: ports, Probes: probes.All(probes.Options{})}
	out := map[netip.Addr]map[answer]bool{}
	err = scanner.Run(t.Context(), scanner.Config{
		Transport: transport.New(transport.Config{PerHost: 4, Timeout: 20 * time.Second, Guard: set.Allowed}),
		Next:      plan.Next,
		Workers:   16,
		Emit: func(o record.Observation) {
			for _, f := range fingerprints.Of(o) {
				if f.Partial {
					continue
				}
				if out[o.Host.IP] == nil {
					out[o.Host.IP] = map[answer]bool{}
				}
				out[o.Host.IP][answer{f.Port, f.Kind, f.Value}] = true
			}
		},
	}, set.All(1))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// shared lists the kinds of which two hosts have a value in common on a port.
func shared(a, b map[answer]bool) []fingerprints.Kind {
	var out []fingerprints.Kind
	for f := range a {
		if b[f] && !slices.Contains(out, f.kind) {
			out = append(out, f.kind)
		}
	}
	slices.Sort(out)
	return out
}

// TestRolesAreWhatTheFingerprintsSay scans a town with everything that hostkin
// has and compares what its hosts share with the seed with their roles.
func TestRolesAreWhatTheFingerprintsSay(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	town, err := lab.Demo(5)
	if err != nil {
		t.Fatal(err)
	}
	defer town.Close()
	seen := scanTown(t, town)
	if len(seen) != len(town.Truth) {
		t.Errorf("%d of %d hosts answered", len(seen), len(town.Truth))
	}
	k := func(s string) []fingerprints.Kind {
		var out []fingerprints.Kind
		for name := range strings.FieldsSeq(s) {
			out = append(out, fingerprints.Kind(name))
		}
		return out
	}
	image := k("cert.issuer cert.subject cert.shape jarm ssh.hassh_server ssh.kexinit ssh.banner http.title http.favicon_mmh3 http.favicon_sha256 http.body_sha256 http.header_order http.cookie_names http.server")
	unique := k("cert.sha256 cert.spki cert.serial_issuer")
	own := slices.Concat(unique, k("ssh.host_key cert.issuer cert.subject cert.names cert.shape ssh.hassh_server http.title http.favicon_mmh3 http.favicon_sha256 http.body_sha256 http.header_order http.cookie_names"))
	type rule struct{ all, none []fingerprints.Kind }
	rules := map[string]rule{
		lab.Golden:   {append(k("ssh.host_key"), image...), unique},
		lab.Rekeyed:  {image, append(k("ssh.host_key"), unique...)},
		lab.NearMiss: {k("jarm ssh.banner http.server"), own},
		lab.Stranger: {nil, append(k("jarm"), own...)},
		lab.CDN:      {nil, append(k("jarm http.server"), own...)},
		"other":      {nil, append(k("jarm"), own...)},
	}
	for at, role := range town.Truth {
		if at == town.Seed {
			continue
		}
		got := shared(seen[at], seen[town.Seed])
		if role.Kind == lab.Drifted && role.Provider == "ferrum" {
			if !slices.Contains(got, "ssh.host_key") && !(slices.Contains(got, "cert.issuer") && slices.Contains(got, "http.title")) {
				t.Errorf("drifted %v shares only %v", at, got)
			}
			continue
		}
		rule := rules[role.Kind]
		if role.Provider == "kestrel" {
			rule = rules["other"]
		}
		for _, kind := range rule.all {
			if !slices.Contains(got, kind) {
				t.Errorf("%s %v does not share %s with the seed", role.Kind, at, kind)
			}
		}
		for _, kind := range rule.none {
			if slices.Contains(got, kind) {
				t.Errorf("%s %v of %q shares %s with the seed", role.Kind, at, role.Provider, kind)
			}
		}
	}
	strangersHaveStockInCommon(t, town, seen)
}

// strangersHaveStockInCommon keeps the town honest: software that only the
// provider's hosts share would make it too easy.
func strangersHaveStockInCommon(t *testing.T, town *lab.Town, seen map[netip.Addr]map[answer]bool) {
	t.Helper()
	holders := map[answer]int{}
	for at, role := range town.Truth {
		if role.Kind == lab.Stranger {
			for f := range seen[at] {
				holders[f]++
			}
		}
	}
	most := map[fingerprints.Kind]int{}
	for f, n := range holders {
		most[f.kind] = max(most[f.kind], n)
	}
	for kind, least := range map[fingerprints.Kind]int{"jarm": 4, "ssh.hassh_server": 4, "ssh.banner": 4, "http.server": 4, "http.title": 4, "cert.issuer": 4} {
		if most[kind] < least {
			t.Errorf("no %s is held by more than %d strangers", kind, most[kind])
		}
	}
	for _, kind := range []fingerprints.Kind{"ssh.host_key", "cert.sha256", "cert.spki"} {
		if most[kind] > 1 {
			t.Errorf("%d strangers share a %s", most[kind], kind)
		}
	}
}
