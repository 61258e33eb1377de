// Package livetest helps tests that run a probe against a real server on
// loopback: it finds and starts the server, asks it over the real transport,
// and keeps what it said as a recording.
package livetest

import (
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/transport"
)

// Need is the path of a program. Without it the test is skipped, or fails where
// HOSTKIN_REQUIRE_SERVERS=1 says that all of them are installed.
func Need(tb testing.TB, program string) string {
	tb.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if path := filepath.Join(dir, program); executable(path) {
			return path
		}
	}
	if os.Getenv("HOSTKIN_REQUIRE_SERVERS") == "1" {
		tb.Fatalf("%s is not installed", program)
	}
	tb.Skipf("%s is not installed", program)
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}

// FreePort is a port of ip that nobody listens on at the moment.
func FreePort(tb testing.TB, ip string) netip.AddrPort {
	tb.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		tb.Skip(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// Serve starts a server that is to listen on addr and stops it with the test.
func Serve(tb testing.TB, addr netip.AddrPort, program string, args ...string) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	tb.Cleanup(func() { <-ended }) // the test's context is cancelled before
	for range 250 {
		if c, err := net.Dial("tcp", addr.String()); err == nil {
			c.Close()
			return
		}
		select {
		case <-ended:
			tb.Fatalf("%s ended:\n%s", program, said.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	tb.Fatalf("%s does not listen on %v", program, addr)
}

// Ask runs a probe on an endpoint, one connection after the other, and returns
// its answer and what the server said on each connection.
func Ask(tb testing.TB, p conversation.Probe, at record.Endpoint, seen record.Answer) (record.Answer, record.Status, []conversationtest.Transcript) {
	tb.Helper()
	net := transport.New(transport.Config{Timeout: 5 * time.Second})
	run := p.Start(at, seen)
	var said []conversationtest.Transcript
	for {
		var x conversation.Exchange
		if !run.Next(&x) {
			break
		}
		conv, recorded := conversationtest.Record(conversationtest.Check(tb, x.Conv))
		ended := make(chan struct{})
		x.Conv, x.Ended = conv, func(*conversation.Exchange) { close(ended) }
		net.Go(tb.Context(), &x)
		<-ended
		said = append(said, recorded())
		run.Ended(&x)
	}
	var a record.Answer
	status := run.Fold(&a)
	return a, status, said
}

// Keep writes v to a file as JSON when HOSTKIN_RECORD=1, to be replayed by
// tests without the server.
func Keep(tb testing.TB, file string, v any) {
	tb.Helper()
	if os.Getenv("HOSTKIN_RECORD") != "1" {
		return
	}
	b, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// Load reads what Keep wrote.
func Load[T any](tb testing.TB, file string) T {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	return v
}
