package town

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/daemon"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

// run puts up machines until the test ends.
func run(t *testing.T, machines []*machine) *Town {
	t.Helper()
	dir, owned, err := workDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	town := &Town{dir: dir, owned: owned, stop: stop}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := town.build(ctx, machines, DefaultPorts()); err != nil {
		t.Fatal(err)
	}
	return town
}

// endpoint is a server to compare on.
type endpoint struct {
	name string
	at   netip.AddrPort
}

// gallery is TLS servers of eleven products, each with an RSA and an ECDSA certificate.
func gallery(t *testing.T) []endpoint {
	t.Helper()
	needServers(t)
	var machines []*machine
	var list []endpoint
	next := netip.MustParseAddr("127.32.0.0")
	certs := map[string]*certificate{}
	for i, kind := range []string{"rsa2048", "p256"} {
		certs[kind] = &certificate{
			key: &tlsKey{kind: kind, seed: uint64(i) + 1}, subject: []rdn{{"CN", "localhost"}}, names: []string{"localhost"},
			extensions: []extension{"ski", "aki", "ca!", "san"}, validity: 365 * day, serial: 20,
			issuer: &authority{key: &tlsKey{kind: "p256", seed: 9}, subject: []rdn{{"CN", "A CA"}}, validity: 3650 * day}, sendChain: true,
		}
	}
	for _, product := range []string{nginx, apache, haproxy, lighttpd, caddy, stunnel} {
		for _, kind := range []string{"rsa2048", "p256"} {
			for _, s := range []tlsSettings{{h2: true}, {protocols: []string{"1.2"}, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384", prefer: true}} {
				next = next.Next()
				machines = append(machines, &machine{addr: next, web: &webServer{product: product, plain: true, secure: true, cert: certs[kind], tls: s, site: &site{stock: true}}})
				list = append(list, endpoint{fmt.Sprintf("%s with %s %v", product, kind, s.protocols), netip.AddrPortFrom(next, DefaultPorts().TLS)})
			}
		}
	}
	town := run(t, machines)
	return append(list, others(t, town.dir, certs)...)
}

// others are products that a town has no use for.
func others(t *testing.T, dir string, certs map[string]*certificate) []endpoint {
	var list []endpoint
	var commands []daemon.Command
	address := netip.MustParseAddr("127.33.0.0")
	for i, kind := range []string{"rsa2048", "p256"} {
		file := (&layout{dir: dir}).certificate(certs[kind])
		add := func(product string, command func(at netip.AddrPort) []string) {
			address = address.Next()
			at := netip.AddrPortFrom(address, DefaultPorts().TLS)
			if product == "gnutls-serv" { // it binds every address
				at = netip.AddrPortFrom(address, uint16(23443+i))
			}
			args := command(at)
			livetest.Need(t, args[0])
			list = append(list, endpoint{product + " with " + kind, at})
			commands = append(commands, daemon.Command{Name: args[0], Args: args[1:], Log: filepath.Join(dir, "log", product+kind), Answer: at})
		}
		add("openssl", func(at netip.AddrPort) []string {
			return []string{"openssl", "s_server", "-quiet", "-www", "-accept", at.String(), "-cert", file, "-cert_chain", file, "-key", file}
		})
		add("gnutls-serv", func(at netip.AddrPort) []string {
			return []string{"gnutls-serv", "--http", "--quiet", "--disable-client-cert", "-p", fmt.Sprint(at.Port()), "--x509certfile", file, "--x509keyfile", file}
		})
		add("python3", func(at netip.AddrPort) []string {
			return []string{"python3", "-c", `import http.server, ssl, sys
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain(sys.argv[3])
s = http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), http.server.SimpleHTTPRequestHandler)
s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
s.serve_forever()`, at.Addr().String(), fmt.Sprint(at.Port()), file}
		})
		pair, err := tls.LoadX509KeyPair(file, file)
		if err != nil {
			t.Fatal(err)
		}
		address = address.Next()
		at := netip.AddrPortFrom(address, DefaultPorts().TLS)
		l, err := tls.Listen("tcp", at.String(), &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0)}
		t.Cleanup(func() { server.Close() })
		go server.Serve(l)
		list = append(list, endpoint{"Go with " + kind, at})
	}
	livetest.Start(t, commands...)
	return list
}

// observe scans endpoints with every probe, as the scan command does, and
// returns what was observed at each.
func observe(t *testing.T, hint string, at ...netip.AddrPort) map[netip.AddrPort][]record.Observation {
	t.Helper()
	var plan scanner.Plan
	plan.Probes = probes.All(probes.Options{})
	for _, a := range at {
		plan.Ports = append(plan.Ports, scanner.Port{Number: a.Port(), Hint: hint})
	}
	seen := map[netip.AddrPort][]record.Observation{}
	err := scanner.Run(t.Context(), scanner.Config{
		Transport: transport.New(transport.Config{PerHost: 1, Timeout: 20 * time.Second}), // s_server can do one at a time
		Next:      plan.Next,
		Workers:   8,
		Emit: func(o record.Observation) {
			a := netip.AddrPortFrom(o.Host.IP, o.Port)
			seen[a] = append(seen[a], o)
		},
	}, func(yield func(targets.Target) bool) {
		for _, a := range at {
			if !yield(targets.Target{Host: record.Host{IP: a.Addr()}, Ports: []uint16{a.Port()}}) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// values are the fingerprints of a kind.
func values(observations []record.Observation, kind fingerprints.Kind) []string {
	var list []string
	for f := range fingerprints.All(slices.Values(observations)) {
		if f.Kind == kind && !f.Partial {
			list = append(list, f.Value)
		}
	}
	return list
}

// TestTLSServers compares JARM with jarm-go's and certificate chains with
// those that openssl s_client is shown, on ten products, and again through a
// proxy that splits every answer over two segments.
func TestTLSServers(t *testing.T) {
	servers := gallery(t)
	oracle := livetest.JARMGo(t)
	var all []netip.AddrPort
	cut := map[netip.AddrPort]netip.AddrPort{}
	proxy := netip.MustParseAddr("127.34.0.0")
	for _, s := range servers {
		proxy = proxy.Next()
		cut[s.at] = splitter(t, netip.AddrPortFrom(proxy, s.at.Port()+1000), s.at)
		all = append(all, s.at, cut[s.at])
	}
	seen := observe(t, "tls", all...)
	different := map[string]bool{}
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			want := []string{oracle(t, s.at)}
			different[want[0]] = true
			if got := values(seen[s.at], "jarm"); !slices.Equal(got, want) {
				t.Errorf("JARM %v, jarm-go says %v", got, want)
			}
			if got := values(seen[cut[s.at]], "jarm"); !slices.Equal(got, want) {
				t.Errorf("JARM of split answers %v, jarm-go says %v", got, want)
			}
			chain := livetest.OpenSSLChain(t, s.at)
			for _, at := range []netip.AddrPort{s.at, cut[s.at]} {
				if diff := cmp.Diff(chain, chainOf(seen[at])); diff != "" {
					t.Errorf("certificates at %s (-openssl +hostkin):\n%s", at, diff)
				}
			}
		})
	}
	if len(different) < 10 {
		t.Errorf("the servers have %d different JARMs: too alike to prove anything", len(different))
	}
}

func chainOf(observations []record.Observation) [][]byte {
	for _, o := range observations {
		if o.Probe == "tls" && o.TLS != nil {
			return o.TLS.Certificates
		}
	}
	return nil
}

// splitter forwards to a server and sends what it answers first in two
// segments, cut inside the ServerHello.
func splitter(t *testing.T, listen, to netip.AddrPort) netip.AddrPort {
	t.Helper()
	return livetest.Proxy(t, listen.String(), to, func(client, server net.Conn) {
		const inside = 41 // bytes: past the record header, amid the ServerHello's random
		first := make([]byte, inside)
		n, err := io.ReadFull(server, first)
		client.Write(first[:n])
		if err != nil {
			return
		}
		time.Sleep(15 * time.Millisecond) // so that the rest is a segment of its own
		io.Copy(client, server)
	})
}

// TestSSHServers compares host keys with those that ssh-keyscan is shown, and
// HASSH with published values where this version has one.
func TestSSHServers(t *testing.T) {
	needServers(t)
	var machines []*machine
	var at []netip.AddrPort
	next := netip.MustParseAddr("127.35.0.0")
	for i, s := range []sshServer{
		{product: openssh}, {product: openssh, conf: sshAuditGuide}, {product: openssh, conf: "VersionAddendum X\nKexAlgorithms ecdh-sha2-nistp256\n"}, {product: dropbear},
	} {
		next = next.Next()
		s.keys = &hostKeys{seed: uint64(i), kinds: []string{"rsa2048", "p256", "ed25519"}}
		machines = append(machines, &machine{addr: next, ssh: &s})
		at = append(at, netip.AddrPortFrom(next, DefaultPorts().SSH))
	}
	run(t, machines)
	seen := observe(t, "ssh", at...)
	published := map[string]string{ // by banner; docs/signatures.md
		"OpenSSH_9.2p1 Debian-2+deb12u10": "425d29fe50d8e4f5e37efb6e24bcf660",
		"dropbear_2022.83":                "e1a0b5f8d334ec70fe937b2d5ff8d0b6",
	}
	for i, a := range at {
		name := fmt.Sprintf("%s %q", machines[i].ssh.product, machines[i].ssh.conf)
		if diff := cmp.Diff(livetest.Keyscan(t, a), hostKeysOf(seen[a])); diff != "" {
			t.Errorf("%s: host keys (-ssh-keyscan +hostkin):\n%s", name, diff)
		}
		banner := strings.Join(values(seen[a], "ssh.banner"), "")
		if want := published[banner]; want != "" && machines[i].ssh.conf == "" {
			if got := values(seen[a], "ssh.hassh_server"); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: HASSH %v, published for %s: %s", name, got, banner, want)
			}
		}
		if machines[i].ssh.conf != "" && slices.Equal(values(seen[a], "ssh.hassh_server"), values(seen[at[0]], "ssh.hassh_server")) {
			t.Errorf("%s: HASSH is that of the packaged configuration", name)
		}
	}
}

func hostKeysOf(observations []record.Observation) []string {
	var keys []string
	for _, o := range observations {
		if o.SSH == nil {
			continue
		}
		for _, k := range o.SSH.HostKeys {
			if k.Status == record.OK {
				kind := k.Algorithm
				if strings.HasPrefix(kind, "rsa-") {
					kind = "ssh-rsa" // the key of both signature algorithms (RFC 8332)
				}
				keys = append(keys, kind+" "+base64.StdEncoding.EncodeToString(k.Blob))
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
