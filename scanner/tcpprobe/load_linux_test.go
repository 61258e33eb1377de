package tcpprobe

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/transport"
)

// connect makes n connections over a transport, at most 256 at once, as fast
// as the machine can, and counts those of which no SYN-ACK was captured.
func connect(tb testing.TB, handshake func(local, remote netip.AddrPort) *record.TCP, to netip.AddrPort, n int) (missed int) {
	tb.Helper()
	net := transport.New(transport.Config{Handshake: handshake})
	done := func() conversation.Step { return conversation.Step{Do: conversation.Done} }
	places := make(chan struct{}, 256)
	var all sync.WaitGroup
	var none, failed atomic.Int64
	for range n {
		places <- struct{}{}
		all.Add(1)
		net.Go(tb.Context(), &conversation.Exchange{
			Addr: to,
			Conv: &conversationtest.Talk{OnOpen: done},
			Ended: func(x *conversation.Exchange) {
				switch {
				case !x.Connected:
					failed.Add(1)
				case x.TCP == nil || x.TCP.SYNACK == nil:
					none.Add(1)
				}
				<-places
				all.Done()
			},
		})
	}
	all.Wait()
	if n := failed.Load(); n > 0 {
		tb.Errorf("%d connections failed", n)
	}
	return int(none.Load())
}

// The server and all connections share the processors with the capture: who
// waits for a reader of its own misses thousands of them.
func TestNoHandshakeIsMissedAtFullRate(t *testing.T) {
	c := open(t)
	to := livetest.FreePort(t, "127.0.0.1")
	listen(t, to.String())
	if missed := connect(t, c.Handshake, to, 5000); missed > 0 {
		t.Errorf("%d of 5000 handshakes are missed", missed)
	}
}

// BenchmarkCapture is what capturing adds to a connection; cpu-us/op holds the
// server too.
func BenchmarkCapture(b *testing.B) {
	to := livetest.FreePort(b, "127.0.0.1")
	listen(b, to.String())
	c := open(b)
	for name, handshake := range map[string]func(local, remote netip.AddrPort) *record.TCP{
		"none": func(local, remote netip.AddrPort) *record.TCP { return nil }, "capture": c.Handshake,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			begun := cpu()
			connect(b, handshake, to, b.N)
			b.ReportMetric(float64((cpu()-begun).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}

// cpu is the CPU time of this process, user and system.
func cpu() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
