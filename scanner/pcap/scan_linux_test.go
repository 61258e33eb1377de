package pcap

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/tcpprobe"
	"github.com/hostkin/hostkin/scanner/transport"
)

// TestACaptureOfAScanGivesTheScansFingerprints scans real servers with every
// probe while their packets are captured.
func TestACaptureOfAScanGivesTheScansFingerprints(t *testing.T) {
	syns, err := tcpprobe.Open(nil)
	if err != nil {
		livetest.Missing(t, err)
	}
	t.Cleanup(func() { syns.Close() })
	cert, key := livetest.Certificate(t, "rsa")
	ports := map[string]netip.AddrPort{
		"tls12": livetest.Nginx(t, cert, key, "ssl_protocols TLSv1.2; location / { return 200 'site'; }"),
		"tls13": livetest.Nginx(t, cert, key, "ssl_protocols TLSv1.2 TLSv1.3; location / { return 200 'site'; }"),
		"http":  plainNginx(t),
		"ssh":   openSSH(t),
	}
	var at []netip.AddrPort
	for _, a := range ports {
		at = append(at, a)
	}
	stop := capture(t, at...)
	scanned := scan(t, syns, ports)
	file := stop()
	if livetest.Recording() {
		keepScan(t, file, scanned, ports)
	}
	compare(t, scanned, watch(t, file), ports)
}

func keepScan(t *testing.T, file []byte, scanned []record.Observation, ports map[string]netip.AddrPort) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/scan.pcap.gz", b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	livetest.Keep(t, "testdata/scan.json", recording{ports, scanned})
}

// scan runs hostkin's own scanner on the ports.
func scan(t *testing.T, syns *tcpprobe.Capture, ports map[string]netip.AddrPort) []record.Observation {
	t.Helper()
	plan := scanner.Plan{Probes: probes.All(probes.Options{})}
	for name, at := range ports {
		plan.Ports = append(plan.Ports, scanner.Port{Number: at.Port(), Hint: strings.TrimRight(name, "0123456789")})
	}
	var out []record.Observation
	host := targets.Target{Host: record.Host{IP: netip.MustParseAddr("127.0.0.1")}}
	err := scanner.Run(t.Context(), scanner.Config{
		Transport: transport.New(transport.Config{Timeout: 10 * time.Second, Handshake: syns.Handshake}),
		Next:      plan.Next,
		Emit:      func(o record.Observation) { out = append(out, o) },
	}, slices.Values([]targets.Target{host}))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// plainNginx serves a page, a favicon and an error page without TLS.
func plainNginx(t *testing.T) netip.AddrPort {
	t.Helper()
	dir, addr := t.TempDir(), livetest.FreePort(t, "127.0.0.1")
	conf := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http { access_log off; client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
 server { listen %[2]s; default_type text/html; add_header Set-Cookie sid=1;
  location = / { return 200 '<title>Harbour</title><link rel="icon" href="/static/icon.png">'; }
  location = /static/icon.png { default_type image/png; return 200 'picture'; }
  location / { return 404 'nothing here'; } } }
`, dir, addr)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	livetest.Serve(t, addr, "nginx", "-c", file, "-e", filepath.Join(dir, "error.log"))
	return addr
}

// openSSH serves with three host keys.
func openSSH(t *testing.T) netip.AddrPort {
	t.Helper()
	dir, addr := t.TempDir(), livetest.FreePort(t, "127.0.0.1")
	args := []string{"-D", "-e", "-f", "/dev/null", "-o", "ListenAddress=" + addr.String(), "-o", "PidFile=none", "-o", "UsePAM=no", "-o", "StrictModes=no"}
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		file := filepath.Join(dir, kind)
		if out, err := exec.Command(livetest.Need(t, "ssh-keygen"), "-q", "-N", "", "-t", kind, "-f", file).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
		args = append(args, "-h", file)
	}
	livetest.Serve(t, addr, "sshd", args...)
	return addr
}
