package pcap

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/tcpprobe"
	"github.com/hostkin/hostkin/scanner/transport"
)

// invisible are the kinds of fingerprints that a capture of a scan does not
// show on a port: what is encrypted, that is all of HTTP over TLS and a TLS 1.3
// handshake after its ServerHello. The digest tls.server is partial for it.
func invisible(port string, f fingerprints.Fingerprint) bool {
	switch port {
	case "tls12":
		return strings.HasPrefix(string(f.Kind), "http.") && f.Kind != "http.plain_to_tls"
	case "tls13":
		return strings.HasPrefix(string(f.Kind), "http.") && f.Kind != "http.plain_to_tls" || f.Kind == "tls.server.a" || f.Kind == "tls.server"
	}
	return false
}

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

// TestARecordedCaptureGivesTheScansFingerprints is the same with what was
// recorded then (HOSTKIN_RECORD=1).
func TestARecordedCaptureGivesTheScansFingerprints(t *testing.T) {
	packed, err := os.ReadFile("testdata/scan.pcap.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	saved := livetest.Load[recording](t, "testdata/scan.json")
	compare(t, saved.Scanned, watch(t, file), saved.Ports)
}

// recording is a scan whose packets were captured.
type recording struct {
	Ports   map[string]netip.AddrPort
	Scanned []record.Observation
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

// watch reads a capture.
func watch(t *testing.T, file []byte) []record.Observation {
	t.Helper()
	var out []record.Observation
	w := New(Config{Emit: func(o record.Observation) { out = append(out, o) }})
	if err := w.Read(t.Context(), bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for _, o := range out {
		if _, err := json.Marshal(o); err != nil {
			t.Error(err)
		}
	}
	return out
}

func compare(t *testing.T, scanned, captured []record.Observation, ports map[string]netip.AddrPort) {
	t.Helper()
	for name, at := range ports {
		t.Run(name, func(t *testing.T) {
			of := func(list []record.Observation) (out []string) {
				for _, o := range list {
					if o.Port != at.Port() {
						continue
					}
					for _, f := range fingerprints.Of(o) {
						if !invisible(name, f) {
							out = append(out, fmt.Sprint(f.Kind, " ", f.Value, " ", f.Partial))
						}
					}
				}
				slices.SortFunc(out, cmp.Compare)
				return slices.Compact(out)
			}
			want, got := of(scanned), of(captured)
			if len(want) < 5 {
				t.Errorf("the scan itself has only %q", want)
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("-scan +capture:\n%s", diff)
			}
		})
	}
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
