// Package livetest helps tests that work with real servers on loopback: it
// starts them, asks them over the real transport, asks other tools about them,
// and keeps what they said as a recording.
package livetest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hostkin/hostkin/internal/daemon"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/transport"
)

// Missing ends a test for lack of something that this machine does not have:
// it is skipped, or fails where HOSTKIN_REQUIRE_SERVERS=1 says that everything
// is there.
func Missing(tb testing.TB, why error) {
	tb.Helper()
	if os.Getenv("HOSTKIN_REQUIRE_SERVERS") == "1" {
		tb.Fatal(why)
	}
	tb.Skip(why)
}

// Need is the path of a program, see Missing.
func Need(tb testing.TB, program string) string {
	tb.Helper()
	path, err := daemon.Find(program)
	if err != nil {
		Missing(tb, err)
	}
	return path
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

// Serve starts a server that answers on addr when it is ready, see Start.
func Serve(tb testing.TB, addr netip.AddrPort, program string, args ...string) {
	tb.Helper()
	Need(tb, program)
	Start(tb, daemon.Command{Name: program, Args: args, Log: filepath.Join(tb.TempDir(), "log"), Answer: addr})
}

// Start starts servers, waits until they answer, and ends them with the test.
func Start(tb testing.TB, commands ...daemon.Command) {
	tb.Helper()
	ctx, stop := context.WithCancel(tb.Context())
	started, err := daemon.Start(ctx, commands)
	tb.Cleanup(func() {
		stop()
		for _, p := range started {
			if err := p.Wait(); err != nil {
				tb.Error(err)
			}
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// Listen runs handle on every connection to an address, and closes it after.
// With the test it stops listening and waits for what it began.
func Listen(tb testing.TB, addr string, handle func(net.Conn)) netip.AddrPort {
	tb.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			all.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	tb.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// Proxy listens on addr in front of a server; answer passes on what the server
// says. The server sees a FIN at the end, whatever the client does: our
// transport resets what is done, to keep no ports in TIME_WAIT.
func Proxy(tb testing.TB, addr string, to netip.AddrPort, answer func(client, server net.Conn)) netip.AddrPort {
	tb.Helper()
	return Listen(tb, addr, func(client net.Conn) {
		server, err := net.Dial("tcp", to.String())
		if err != nil {
			return
		}
		defer server.Close()
		go func() {
			io.Copy(server, client)
			server.(*net.TCPConn).CloseWrite()
		}()
		answer(client, server)
		client.Close()
		io.Copy(io.Discard, server) // to close with bytes unread would be a reset
	})
}

// Whole is the answer of a Proxy that changes nothing.
func Whole(client, server net.Conn) { io.Copy(client, server) }

// Endpoint is where to look, with a name to send or "".
func Endpoint(addr netip.AddrPort, name string) record.Endpoint {
	return record.Endpoint{Host: record.Host{IP: addr.Addr(), Name: name}, Port: addr.Port()}
}

// Ask runs a probe on an endpoint, one connection after the other, and returns
// its answer and what the server said on each connection.
func Ask(tb testing.TB, p conversation.Probe, at record.Endpoint, seen record.Answer) (record.Answer, record.Status, []conversationtest.Transcript) {
	tb.Helper()
	run := p.Start(at, seen)
	var said []conversationtest.Transcript
	for {
		var x conversation.Exchange
		if !run.Next(&x) {
			break
		}
		said = append(said, Drive(tb, &x))
		run.Ended(&x)
	}
	var a record.Answer
	status := run.Fold(&a)
	return a, status, said
}

// Drive makes one connection and returns what the server said.
func Drive(tb testing.TB, x *conversation.Exchange) conversationtest.Transcript {
	tb.Helper()
	own := x.Conv
	conv, said := conversationtest.Record(conversationtest.Check(tb, own))
	ended := make(chan struct{})
	x.Conv, x.Ended = conv, func(*conversation.Exchange) { close(ended) }
	transport.New(transport.Config{Timeout: 10 * time.Second}).Go(tb.Context(), x)
	<-ended
	x.Conv = own // what the probe reads its answer from
	return said()
}
