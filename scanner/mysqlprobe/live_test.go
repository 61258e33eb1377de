package mysqlprobe

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

// install makes a data folder with the defaults of the package and returns the
// options that a server on it needs.
func install(t *testing.T) []string {
	t.Helper()
	program := livetest.Need(t, "mariadb-install-db")
	livetest.Need(t, "mariadbd")
	options := []string{"--no-defaults", "--datadir=" + filepath.Join(t.TempDir(), "data"), "--innodb-log-file-size=4M"}
	if os.Getuid() == 0 {
		options = append(options, "--user=root")
	}
	if out, err := exec.CommandContext(t.Context(), program, append(options, "--skip-test-db")...).CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	return options
}

// start starts the server; it ends with the test, and then another may start
// on the same folder.
func start(t *testing.T, options ...string) netip.AddrPort {
	t.Helper()
	dir, addr := t.TempDir(), livetest.FreePort(t, "127.0.0.1")
	livetest.Serve(t, addr, "mariadbd", append(options, "--bind-address="+addr.Addr().String(), "--port="+fmt.Sprint(addr.Port()),
		"--socket="+filepath.Join(dir, "socket"), "--pid-file="+filepath.Join(dir, "pid"))...)
	return addr
}

// steady is an answer without what changes from connection to connection:
// thread id and challenge of the greeting, and the randomness of TLS.
func steady(t *testing.T, a record.Answer) record.Answer {
	t.Helper()
	m := *a.MySQL
	if m.Greeting[0] == protocol10 {
		end := bytes.IndexByte(m.Greeting, 0)
		m.Greeting = slices.Concat(m.Greeting[:end+1], m.Greeting[end+1+4+8:end+1+31])
	}
	a.MySQL = &m
	if a.TLS != nil {
		a.TLS = &record.TLS{TLSAnswer: record.TLSAnswer{Version: a.TLS.Version, Suite: a.TLS.Suite, Certificates: a.TLS.Certificates}}
	}
	return a
}

func TestServers(t *testing.T) {
	data := install(t)
	cert, key := livetest.Certificate(t, "rsa")
	tls := []string{"--ssl-cert=" + cert, "--ssl-key=" + key}
	for name, test := range map[string]struct {
		options []string
		status  record.Status
		first   byte
		tls     uint16
	}{
		"default": {nil, record.OK, protocol10, 0},
		"tls13":   {tls, record.OK, protocol10, 0x0304},
		"tls12":   {append(slices.Clip(tls), "--tls-version=TLSv1.2"), record.OK, protocol10, 0x0303},
		"denied":  {[]string{"--skip-name-resolve"}, record.Alert, errPacket, 0}, // its only users are @localhost, which nobody is without names
	} {
		t.Run(name, func(t *testing.T) {
			addr := start(t, slices.Concat(data, test.options)...)
			var first record.Answer
			for i := range 5 {
				a, status, said := livetest.Ask(t, Probe{}, livetest.Endpoint(addr, ""), record.Answer{})
				if status != test.status || len(said) != 1 || a.MySQL == nil || a.MySQL.Greeting[0] != test.first || a.MySQL.Raw != nil {
					t.Fatalf("%s after %d connections: %+v", status, len(said), a.MySQL)
				}
				if got := a.TLS; (got != nil) != (test.tls != 0) || got != nil && (got.Version&^1 != test.tls&^1 || len(got.Certificates) != 1) {
					t.Errorf("TLS: %+v", got)
				}
				if i == 0 {
					first = a
					if name != "tls13" { // a recording would need the keys of today
						livetest.Keep(t, filepath.Join("testdata", name+".json"), said)
						livetest.Keep(t, filepath.Join("../../fingerprints/database/testdata/mariadb-"+name+".json"), a.MySQL)
					}
				} else if diff := cmp.Diff(steady(t, first), steady(t, a)); diff != "" {
					t.Errorf("answer %d differs:\n%s", i, diff)
				}
			}
		})
	}
}
