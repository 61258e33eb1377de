package sshprobe

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

func probe(t *testing.T, p Probe, addr netip.AddrPort, seen record.Answer) (record.Answer, record.Status, []conversationtest.Transcript) {
	t.Helper()
	return livetest.Ask(t, p, livetest.Endpoint(addr, ""), seen)
}

// startSSHD starts an OpenSSH server with fresh keys; extra are lines of its configuration.
func startSSHD(t *testing.T, ip string, keys []string, extra ...string) netip.AddrPort {
	t.Helper()
	keygen := livetest.Need(t, "ssh-keygen")
	if os.Getuid() == 0 {
		os.MkdirAll("/run/sshd", 0o755) // sshd wants it for privilege separation; if it fails sshd says so
	}
	dir, addr := t.TempDir(), livetest.FreePort(t, ip)
	lines := []string{"UsePAM no", "MaxStartups 100:30:200", "PidFile none", "StrictModes no",
		"ListenAddress " + addr.Addr().String(), "Port " + strconv.Itoa(int(addr.Port()))}
	for _, kind := range keys {
		file := filepath.Join(dir, kind)
		if out, err := exec.Command(keygen, "-q", "-t", kind, "-N", "", "-f", file).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
		lines = append(lines, "HostKey "+file)
	}
	config := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(config, []byte(strings.Join(append(lines, extra...), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	livetest.Serve(t, addr, "sshd", "-D", "-e", "-f", config)
	return addr
}

// startDropbear starts a dropbear server with fresh keys.
func startDropbear(t *testing.T, keys []string) netip.AddrPort {
	t.Helper()
	keygen := livetest.Need(t, "dropbearkey")
	dir, addr := t.TempDir(), livetest.FreePort(t, "127.0.0.1")
	args := []string{"-F", "-E", "-p", addr.String(), "-P", filepath.Join(dir, "pid")}
	for _, kind := range keys {
		file := filepath.Join(dir, kind)
		if out, err := exec.Command(keygen, "-t", kind, "-f", file).CombinedOutput(); err != nil {
			t.Fatalf("dropbearkey: %v\n%s", err, out)
		}
		args = append(args, "-r", file)
	}
	livetest.Serve(t, addr, "dropbear", args...)
	return addr
}

// keep saves transcripts, and the answer for the tests of fingerprints/ssh.
func keep(t *testing.T, name string, said []conversationtest.Transcript, answer *record.SSH) {
	t.Helper()
	livetest.Keep(t, filepath.Join("testdata", name+".json"), said)
	livetest.Keep(t, filepath.Join("../../fingerprints/ssh/testdata", name+".json"), answer)
}
