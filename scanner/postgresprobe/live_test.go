package postgresprobe

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

// asPostgres is a folder for the user postgres and how a program is run as
// that user: the server refuses to be root. Those who are not root keep their
// own user.
func asPostgres(t *testing.T) (dir string, prefix []string) {
	t.Helper()
	dir = t.TempDir()
	if os.Getuid() != 0 {
		return dir, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		livetest.Missing(t, err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // above it is /tmp
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	// A change of user would clear the signal at the end of the parent.
	return dir, []string{livetest.Need(t, "setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=TERM"}
}

// startPostgres starts a server with a fresh data folder; options are lines of
// its configuration. With a key it has TLS.
func startPostgres(t *testing.T, key string, options ...string) netip.AddrPort {
	t.Helper()
	initdb, server := livetest.Need(t, "initdb"), livetest.Need(t, "postgres")
	dir, prefix := asPostgres(t)
	addr := livetest.FreePort(t, "127.0.0.1")
	data := filepath.Join(dir, "data")
	run := func(args ...string) {
		t.Helper()
		args = append(prefix[:len(prefix):len(prefix)], args...)
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	run(initdb, "--no-sync", "--locale=C", "-D", data)
	args := append(prefix[:len(prefix):len(prefix)], server, "-D", data, "-k", dir, "-h", addr.Addr().String(), "-p", fmt.Sprint(addr.Port()), "-c", "fsync=off")
	if key != "" {
		cert := filepath.Join(dir, "cert.pem")
		private := filepath.Join(dir, "key.pem")
		kind := map[string][]string{"rsa": {"rsa:2048"}, "ec": {"ec", "-pkeyopt", "ec_paramgen_curve:P-256"}}[key]
		run(append([]string{livetest.Need(t, "openssl"), "req", "-x509", "-nodes", "-days", "3650", "-subj", "/CN=db.example",
			"-keyout", private, "-out", cert, "-newkey"}, kind...)...) // as the user who must own the key
		args = append(args, "-c", "ssl=on", "-c", "ssl_cert_file="+cert, "-c", "ssl_key_file="+private)
	}
	for _, o := range options {
		args = append(args, "-c", o)
	}
	livetest.Serve(t, addr, args[0], args[1:]...)
	return addr
}

func TestServers(t *testing.T) {
	for name, test := range map[string]struct {
		key         string
		options     []string
		ssl         string
		tls         uint16
		connections int
	}{
		"plain": {ssl: "N", connections: 1},
		"tls13": {key: "ec", ssl: "S", tls: 0x0304, connections: 2},
		"tls12": {key: "rsa", options: []string{"ssl_max_protocol_version=TLSv1.2"}, ssl: "S", tls: 0x0303, connections: 2},
	} {
		t.Run(name, func(t *testing.T) {
			addr := startPostgres(t, test.key, test.options...)
			var first record.Answer
			for i := range 5 {
				a, status, said := livetest.Ask(t, Probe{}, livetest.Endpoint(addr, ""), record.Answer{})
				if status != record.OK || len(said) != test.connections || a.Postgres == nil || a.Postgres.SSL != test.ssl || a.Postgres.Error == nil || a.Postgres.Raw != nil {
					t.Fatalf("%s after %d connections: %+v", status, len(said), a.Postgres)
				}
				if got := a.TLS; (got != nil) != (test.tls != 0) || got != nil && (got.Version&^1 != test.tls&^1 || len(got.Certificates) != 1) {
					t.Errorf("TLS: %+v", got)
				}
				if i == 0 {
					first = a
					if name != "tls13" { // a recording would need the keys of today
						livetest.Keep(t, filepath.Join("testdata", name+".json"), said)
						livetest.Keep(t, filepath.Join("../../fingerprints/database/testdata/postgres-"+name+".json"), a.Postgres)
					}
				} else if diff := cmp.Diff(first.Postgres, a.Postgres); diff != "" {
					t.Errorf("answer %d differs:\n%s", i, diff)
				}
			}
			brief, status, said := livetest.Ask(t, Probe{First: true}, livetest.Endpoint(addr, ""), record.Answer{})
			if status != record.OK || len(said) != 1 || brief.Postgres.SSL != test.ssl || (brief.TLS != nil) != (test.tls != 0) {
				t.Errorf("first look: %s after %d connections, %+v", status, len(said), brief.Postgres)
			}
			rest, status, said := livetest.Ask(t, Probe{}, livetest.Endpoint(addr, ""), brief)
			if status != record.OK || len(said) != test.connections-1 {
				t.Errorf("the rest: %s after %d connections", status, len(said))
			}
			brief.Merge(rest)
			if diff := cmp.Diff(first.Postgres, brief.Postgres); diff != "" {
				t.Errorf("first look and the rest differ from the whole:\n%s", diff)
			}
		})
	}
}
