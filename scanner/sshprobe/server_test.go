package sshprobe

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// probe runs p against a live server over plain net connections, one at a
// time, and returns what the server said on each of them.
func probe(t *testing.T, p Probe, addr netip.AddrPort, seen record.Answer) (record.Answer, record.Status, []conversationtest.Transcript) {
	t.Helper()
	r := p.Start(record.Endpoint{Host: record.Host{IP: addr.Addr()}, Port: addr.Port()}, seen)
	var said []conversationtest.Transcript
	for {
		var x conversation.Exchange
		if !r.Next(&x) {
			break
		}
		said = append(said, converse(t, &x))
		r.Ended(&x)
	}
	var a record.Answer
	return a, r.Fold(&a), said
}

// converse drives one connection and records it.
func converse(t *testing.T, x *conversation.Exchange) conversationtest.Transcript {
	t.Helper()
	var said conversationtest.Transcript
	conn, err := net.DialTimeout("tcp", x.Addr.String(), 5*time.Second)
	if err != nil {
		x.Status = x.Conv.End(record.Refused)
		return said
	}
	defer conn.Close()
	deadline := time.Now().Add(5 * time.Second)
	in, turn := make([]byte, 4096), []byte(nil)
	step := x.Conv.Open()
	for {
		if len(step.Send) > 0 {
			if len(turn) > 0 {
				said.Turns, turn = append(said.Turns, turn), nil
			}
			conn.Write(step.Send) // a failure shows in the next read
		}
		if step.Do == conversation.Done {
			if len(turn) > 0 {
				said.Turns = append(said.Turns, turn)
			}
			x.Status = x.Conv.End(record.OK)
			return said
		}
		until := deadline
		if step.Gap > 0 {
			until = time.Now().Add(step.Gap)
		}
		conn.SetReadDeadline(until)
		n, err := conn.Read(in)
		turn = append(turn, in[:n]...)
		switch {
		case n > 0:
			step = x.Conv.Feed(in[:n])
		case errors.Is(err, os.ErrDeadlineExceeded) && until.Before(deadline):
			step = x.Conv.Quiet()
		default:
			said.Turns, said.Then = append(said.Turns, turn), ending(err)
			x.Status = x.Conv.End(said.Then)
			return said
		}
	}
}

func ending(err error) record.Status {
	switch {
	case errors.Is(err, io.EOF):
		return record.Closed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return record.Timeout
	}
	return record.Reset
}

// need finds a server's binary. Without it the test is skipped, or fails where
// HOSTKIN_REQUIRE_SERVERS=1 says that all of them are installed.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name)
		}
	}
	if os.Getenv("HOSTKIN_REQUIRE_SERVERS") == "1" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// listen starts a server that listens on addr and stops it with the test.
func listen(t *testing.T, addr netip.AddrPort, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); cmd.Wait() })
	for range 200 {
		if c, err := net.Dial("tcp", addr.String()); err == nil {
			c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	cmd.Wait()
	t.Fatalf("%s does not listen on %v:\n%s", name, addr, log.String())
}

// freePort is a port of ip that nobody listens on at the moment.
func freePort(t *testing.T, ip string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// startSSHD starts an OpenSSH server with fresh keys; extra are lines of its configuration.
func startSSHD(t *testing.T, ip string, keys []string, extra ...string) netip.AddrPort {
	t.Helper()
	sshd, keygen := need(t, "sshd"), need(t, "ssh-keygen")
	if os.Getuid() == 0 {
		os.MkdirAll("/run/sshd", 0o755) // sshd wants it for privilege separation; if it fails sshd says so
	}
	dir, addr := t.TempDir(), freePort(t, ip)
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
	listen(t, addr, sshd, "-D", "-e", "-f", config)
	return addr
}

// startDropbear starts a dropbear server with fresh keys.
func startDropbear(t *testing.T, keys []string) netip.AddrPort {
	t.Helper()
	dropbear, keygen := need(t, "dropbear"), need(t, "dropbearkey")
	dir, addr := t.TempDir(), freePort(t, "127.0.0.1")
	args := []string{"-F", "-E", "-p", addr.String(), "-P", filepath.Join(dir, "pid")}
	for _, kind := range keys {
		file := filepath.Join(dir, kind)
		if out, err := exec.Command(keygen, "-t", kind, "-f", file).CombinedOutput(); err != nil {
			t.Fatalf("dropbearkey: %v\n%s", err, out)
		}
		args = append(args, "-r", file)
	}
	listen(t, addr, dropbear, args...)
	return addr
}

// keep saves transcripts to testdata, and the answer to that of
// fingerprints/ssh, when HOSTKIN_RECORD=1.
func keep(t *testing.T, name string, said []conversationtest.Transcript, answer *record.SSH) {
	t.Helper()
	if os.Getenv("HOSTKIN_RECORD") != "1" {
		return
	}
	for dir, v := range map[string]any{".": said, "../../fingerprints/ssh": answer} {
		b, err := json.MarshalIndent(v, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "testdata", name+".json"), append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
