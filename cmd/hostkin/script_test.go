package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hostkin/hostkin/report"
	"github.com/hostkin/hostkin/scanner/record"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hostkin": main})
}

// TestScripts runs testdata/script/*.txtar. Beside the usual commands there
// is "exits CODE ARG...", which runs hostkin and wants that very exit code, and
// "waitfile FILE", which waits until something is written there.
// Each script finds town.jsonl: saved observations of a provider and strangers,
// and scan.pcap.gz: a capture of a scan of four ports of 127.0.0.1.
func TestScripts(t *testing.T) {
	town := savedTown(t)
	capture, err := os.ReadFile("../../scanner/pcap/testdata/scan.pcap.gz")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			return errors.Join(os.WriteFile(filepath.Join(e.WorkDir, "town.jsonl"), town, 0o600),
				os.WriteFile(filepath.Join(e.WorkDir, "scan.pcap.gz"), capture, 0o600))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "waitfile": waitFile},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	code := 0
	if err := ts.Exec("hostkin", args[1:]...); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("hostkin: %v", err)
		}
		code = exit.ExitCode()
	}
	if want, err := strconv.Atoi(args[0]); err != nil || code != want {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfile FILE")
	}
	path := ts.MkAbs(args[0])
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return
		}
	}
	ts.Fatalf("nothing came into %s", path)
}

// hostileTitle is a page title that would clear the screen and turn text around.
const hostileTitle = "\x1b[2J\x1b]0;owned\aHarbour \u202epanel\u009b31m\x00"

// savedTown is a scan: 198.51.100.1 to .6 are a provider's (one SSH host key
// and one page), .101 to .140 strangers with a host key and a page each.
func savedTown(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	for n := 1; n <= 6; n++ {
		writeHost(t, &b, n, 0, "SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5", hostileTitle)
	}
	for n := 101; n <= 140; n++ {
		banner := fmt.Sprintf("SSH-2.0-OpenSSH_%d.%dp1", 7+n%3, n%7)
		writeHost(t, &b, n, n, banner, fmt.Sprintf("Site of customer %x", n*7919))
	}
	return b.Bytes()
}

func writeHost(t *testing.T, b *bytes.Buffer, last, key int, banner, title string) {
	t.Helper()
	host := record.Host{IP: netip.AddrFrom4([4]byte{198, 51, 100, byte(last)})}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	body := fmt.Sprintf("<html><head><title>%s</title></head><body>%s</body></html>", title, title)
	for _, o := range []record.Observation{
		{Port: 22, Probe: "ssh", Answer: record.Answer{SSH: &record.SSH{
			Banner: []byte(banner + "\r\n"), KEXINIT: kexinit(key),
			HostKeys: []record.HostKey{{Algorithm: "ssh-ed25519", Status: record.OK, Blob: keyBlob(key)}}}}},
		{Port: 80, Probe: "http", Answer: record.Answer{HTTP: &record.HTTP{Root: &record.Page{
			Path: "/", Status: record.OK, Code: 200, Head: []byte("HTTP/1.1 200 OK\r\nServer: nginx\r\nX-Site: 1\r\n\r\n"), Body: []byte(body)}}}},
	} {
		o.Schema, o.Host, o.Status, o.At, o.Ms, o.Connections = record.Schema, host, record.OK, at, 2, 1
		if err := report.JSON(b, o); err != nil {
			t.Fatal(err)
		}
	}
}

func kexinit(key int) *record.KEXINIT {
	k := &record.KEXINIT{Kex: []string{"curve25519-sha256", "ecdh-sha2-nistp256"}, HostKey: []string{"ssh-ed25519"},
		EncC2S: []string{"aes128-ctr"}, EncS2C: []string{"aes128-ctr"}, MacC2S: []string{"hmac-sha2-256"}, MacS2C: []string{"hmac-sha2-256"},
		CompC2S: []string{"none"}, CompS2C: []string{"none"}, LangC2S: []string{}, LangS2C: []string{}}
	for i := range key % 5 {
		k.EncS2C = append(k.EncS2C, fmt.Sprintf("aes%d-gcm@example.org", i))
	}
	return k
}

// keyBlob is a host key in the form of RFC 8709 section 4.
func keyBlob(key int) []byte {
	const algorithm = "ssh-ed25519"
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(algorithm)))
	blob = append(blob, algorithm...)
	blob = binary.BigEndian.AppendUint32(blob, 32)
	return append(blob, bytes.Repeat([]byte{byte(key), byte(key >> 8), 0x5a, 0xa5}, 8)...)
}

func TestAStoppedRunWritesWhatItHasAndExits3(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := Main(ctx, []string{"scan", "127.0.0.0/16", "--ports", "9"}, nil, &stdout, &stderr)
	if code != exitStopped || !bytes.Contains(stderr.Bytes(), []byte("stopped before the end")) {
		t.Errorf("exit code %d, stderr %s", code, &stderr)
	}
}

// full refuses every byte, like a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left on device") }

func TestALostResultIsAFailure(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "town.jsonl")
	if err := os.WriteFile(path, savedTown(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"fingerprint", path}, {"cluster", path}, {"explain", "198.51.100.1", "198.51.100.2", path},
		{"expand", "198.51.100.1", "--allow-special", "--from", path}, {"scan", "127.0.0.1", "--ports", "9"}} {
		var stderr bytes.Buffer
		if code := Main(t.Context(), args, nil, full{}, &stderr); code != exitFailed {
			t.Errorf("%v: exit code %d: %s", args, code, &stderr)
		}
	}
}

func TestAFailedRunLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "old")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	code := Main(t.Context(), []string{"cluster", "-o", path}, bytes.NewReader([]byte("bad\n")), &stderr, &stderr)
	if kept, err := os.ReadFile(path); code != exitFailed || err != nil || string(kept) != "old" {
		t.Errorf("exit code %d, file %q, %v", code, kept, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}
