// Package transporttest is the contract of a conversation.Transport, as tests
// over loopback. Each was wrong once in some transport.
package transporttest

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/transport"
)

// New makes the transport under test.
type New func(transport.Config) conversation.Transport

type part struct {
	name string
	test func(t *testing.T, make New)
}

func parts() []part {
	return slices.Concat(endings(), timing(), limits(), cancels())
}

// Run runs the contract, except parts that the transport is known to fail,
// which are named. After each part no goroutine may be left.
func Run(t *testing.T, newTransport func(transport.Config) conversation.Transport, known ...string) {
	for _, p := range parts() {
		t.Run(p.name, func(t *testing.T) {
			if slices.Contains(known, p.name) {
				t.Skip("a known fault of this transport")
			}
			before := runtime.NumGoroutine()
			t.Cleanup(func() { noLeak(t, before) }) // after the servers' own cleanup
			p.test(t, newTransport)
		})
	}
}

// noLeak waits for goroutines on their way out.
func noLeak(t *testing.T, before int) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
	}
}

// server accepts on loopback and hands each connection to handle.
type server struct {
	addr     netip.AddrPort
	listener net.Listener
	accepted atomic.Int64
	open     atomic.Int64
}

func serve(t *testing.T, handle func(c *net.TCPConn)) *server {
	return serveOn(t, "127.0.0.1:0", handle)
}

func serveOn(t *testing.T, addr string, handle func(c *net.TCPConn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("cannot listen on %s: %v", addr, err)
	}
	s := &server{addr: l.Addr().(*net.TCPAddr).AddrPort(), listener: l}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.accepted.Add(1)
			s.open.Add(1)
			go func() {
				defer s.open.Add(-1)
				defer c.Close()
				handle(c.(*net.TCPConn))
			}()
		}
	}()
	stop := func() {
		l.Close()
		<-done
		for until := time.Now().Add(3 * time.Second); s.open.Load() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Errorf("%d connections are still open on the server's side", s.open.Load())
				return
			}
		}
	}
	t.Cleanup(stop)
	return s
}

// untilClosed reads until the client is gone.
func untilClosed(c *net.TCPConn) {
	buf := make([]byte, 32<<10)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
	}
}

// exchange runs one exchange and waits for its end. conv is checked.
func exchange(t *testing.T, ctx context.Context, tr conversation.Transport, to netip.AddrPort, conv conversation.Conversation, l conversation.Limits) *conversation.Exchange {
	t.Helper()
	ended := make(chan struct{})
	x := &conversation.Exchange{Addr: to, Conv: conversationtest.Check(t, conv), Limits: l}
	x.Ended = func(got *conversation.Exchange) {
		if got != x {
			t.Error("Ended with another exchange")
		}
		close(ended) // panics when called twice
	}
	begun := time.Now()
	tr.Go(ctx, x)
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the exchange does not end")
	}
	if x.At.Before(begun.Add(-time.Millisecond)) || x.At.Add(x.Took).After(time.Now()) {
		t.Errorf("At %v and Took %v are not within %v and now", x.At, x.Took, begun)
	}
	return x
}

// wantStatus compares what the conversation was told and the verdict.
func wantStatus(t *testing.T, x *conversation.Exchange, talk *conversationtest.Talk, want record.Status) {
	t.Helper()
	if talk.Why != want || x.Status != want {
		t.Errorf("End(%q), verdict %q, want %q", talk.Why, x.Status, want)
	}
	if x.Connected != talk.Opened {
		t.Errorf("Connected %v, Open was called: %v", x.Connected, talk.Opened)
	}
	if x.Received != int64(len(talk.Got)) {
		t.Errorf("Received %d, fed %d bytes", x.Received, len(talk.Got))
	}
}

func send(text string) func() conversation.Step {
	return func() conversation.Step { return conversation.Step{Send: []byte(text)} }
}

func wantGot(t *testing.T, talk *conversationtest.Talk, want string) {
	t.Helper()
	if string(talk.Got) != want {
		t.Errorf("fed %q, want %q", talk.Got, want)
	}
}
