package rdpprobe

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/cryptotest"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/daemon"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// startXRDP starts an xrdp of which nobody can be a user: no session manager
// runs. settings are lines of its [Globals].
func startXRDP(t *testing.T, settings ...string) netip.AddrPort {
	t.Helper()
	livetest.Need(t, "xrdp")
	cert, key := livetest.Certificate(t, "rsa")
	dir, addr := t.TempDir(), livetest.FreePort(t, "127.0.0.1")
	config := fmt.Sprintf("[Globals]\nport=tcp://%s\ncertificate=%s\nkey_file=%s\n%s\n[Logging]\nLogFile=%s\nLogLevel=ERROR\nEnableSyslog=false\n",
		addr, cert, key, strings.Join(settings, "\n"), filepath.Join(dir, "log"))
	file := filepath.Join(dir, "xrdp.ini")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	livetest.Start(t, daemon.Command{Name: "xrdp", Args: []string{"--nodaemon", "--config", file}, Log: filepath.Join(dir, "out"),
		Answer: addr, Ask: connectionRequest()})
	return addr
}

// startX starts an X server without a screen and returns its display. It ends
// with the test.
func startX(t *testing.T) string {
	t.Helper()
	number, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer number.Close()
	cmd := exec.CommandContext(t.Context(), livetest.Need(t, "Xvfb"), "-displayfd", "3", "-screen", "0", "320x240x24", "-nolisten", "tcp", "-noreset")
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // else it leaves its lock behind
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the context of the test has ended it
	line, err := bufio.NewReader(number).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return ":" + strings.TrimSpace(line)
}

// startFreeRDP starts the shadow server of FreeRDP, which speaks CredSSP. It
// knows no user.
func startFreeRDP(t *testing.T, display string, options ...string) netip.AddrPort {
	t.Helper()
	livetest.Need(t, "freerdp-shadow-cli")
	dir, addr := t.TempDir(), livetest.FreePort(t, "127.0.0.1")
	users := filepath.Join(dir, "users")
	if err := os.WriteFile(users, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{fmt.Sprintf("/port:%d", addr.Port()), "/bind-address:" + addr.Addr().String(), "/sam-file:" + users}, options...)
	livetest.Start(t, daemon.Command{Name: "freerdp-shadow-cli", Args: args, Log: filepath.Join(dir, "log"), Answer: addr, Ask: connectionRequest(),
		Env: []string{"DISPLAY=" + display, "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_RUNTIME_DIR=" + dir}})
	return addr
}

func TestServers(t *testing.T) {
	display := startX(t)
	for name, test := range map[string]struct {
		start   func(*testing.T) netip.AddrPort
		status  record.Status
		confirm string // hex, from the type of the negotiation on
		tls     uint16
		ntlm    bool
	}{
		"xrdp": {func(t *testing.T) netip.AddrPort {
			return startXRDP(t, "security_layer=negotiate", "ssl_protocols=TLSv1.2, TLSv1.3")
		},
			record.OK, "0201080001000000", 0x0304, false},
		"xrdp-tls12": {func(t *testing.T) netip.AddrPort { return startXRDP(t, "security_layer=tls", "ssl_protocols=TLSv1.2") },
			record.OK, "0201080001000000", 0x0303, false},
		"xrdp-plain": {func(t *testing.T) netip.AddrPort { return startXRDP(t, "security_layer=rdp") },
			record.OK, "0201080000000000", 0, false},
		"freerdp-tls": {func(t *testing.T) netip.AddrPort { return startFreeRDP(t, display) },
			record.OK, "0203080001000000", 0x0304, false},
		"freerdp-nla": {func(t *testing.T) netip.AddrPort { return startFreeRDP(t, display, "+auth", "/sec:nla") },
			record.OK, "0203080002000000", 0x0304, true},
		"freerdp-refuses": {func(t *testing.T) netip.AddrPort { return startFreeRDP(t, display, "+auth", "/sec:ext") },
			record.Alert, "0300080001000000", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			addr := test.start(t)
			var first record.Answer
			for i := range 5 {
				a, status, said := ask(t, addr)
				if status != test.status || len(said) != 1 || a.RDP == nil || fmt.Sprintf("%x", a.RDP.Confirm[negotiation:]) != test.confirm || a.RDP.Raw != nil {
					t.Fatalf("%s after %d connections: %+v", status, len(said), a.RDP)
				}
				if (a.RDP.Challenge != nil) != test.ntlm || (a.RDP.CredSSP != 0) != test.ntlm {
					t.Errorf("challenge %x, version %d", a.RDP.Challenge, a.RDP.CredSSP)
				}
				checkTLS(t, a.TLS, test.tls, test.ntlm)
				if i > 0 {
					if diff := cmp.Diff(steady(first), steady(a)); diff != "" {
						t.Errorf("answer %d differs:\n%s", i, diff)
					}
					continue
				}
				first = a
				if test.tls != 0x0304 || test.ntlm { // TLS 1.3 in the clear needs the keys of today
					livetest.Keep(t, filepath.Join("testdata", name+".json"), said)
				}
				livetest.Keep(t, filepath.Join("../../fingerprints/rdp/testdata", name+".json"), a.RDP)
			}
		})
	}
}

// ask makes hellos that are equal every time, so that what answers them can be
// recorded.
func ask(t *testing.T, addr netip.AddrPort) (record.Answer, record.Status, []conversationtest.Transcript) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, 1)
	return livetest.Ask(t, Probe{}, livetest.Endpoint(addr, ""), record.Answer{})
}

func checkTLS(t *testing.T, got *record.TLS, version uint16, inner bool) {
	t.Helper()
	if got == nil {
		if version != 0 {
			t.Error("no TLS")
		}
		return
	}
	if got.Version&^1 != version&^1 || len(got.Certificates) != 1 {
		t.Fatalf("TLS: %+v", got)
	}
	if _, err := x509.ParseCertificate(got.Certificates[0]); err != nil {
		t.Error(err)
	}
	if inner && (got.Hello != "" || got.ServerHello != nil) {
		t.Errorf("TLS around CredSSP passes for a hello of the tls probe: %+v", got)
	}
}

// steady is an answer without what changes from connection to connection: the
// challenge, the time of day, the randomness of TLS.
func steady(a record.Answer) record.Answer {
	r := *a.RDP
	r.Challenge = append([]byte(nil), r.Challenge...)
	if len(r.Challenge) > 0 {
		clear(r.Challenge[24:32])
		r.Challenge = r.Challenge[:len(r.Challenge)-12] // the timestamp and the end come last
	}
	a.RDP = &r
	if a.TLS != nil {
		a.TLS = &record.TLS{TLSAnswer: record.TLSAnswer{Version: a.TLS.Version, Suite: a.TLS.Suite, Certificates: a.TLS.Certificates}}
	}
	return a
}
