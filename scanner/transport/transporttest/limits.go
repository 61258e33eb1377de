package transporttest

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/transport"
)

// limits: caps, rates, who may be contacted, and many exchanges at once.
func limits() []part {
	return []part{
		{"byte cap", byteCap},
		{"guard", guard},
		{"Ended may call Go", reenter},
		{"Ended may take its time", slowEnded},
		{"at once per host", perHost},
		{"rate", rate},
		{"many at once", many},
	}
}

func byteCap(t *testing.T, make New) {
	const limit = 40_000
	for _, c := range []struct {
		name string
		sent int
		want record.Status
	}{
		{"exactly the cap", limit, record.Closed},
		{"one byte more", limit + 1, record.Truncated},
		{"much more", 100 * limit, record.Truncated},
	} {
		s := serve(t, func(conn *net.TCPConn) {
			io.WriteString(conn, strings.Repeat("x", c.sent))
			conn.CloseWrite()
			untilClosed(conn)
		})
		var talk conversationtest.Talk
		x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{Bytes: limit})
		if wantStatus(t, x, &talk, c.want); len(talk.Got) != limit {
			t.Errorf("%s: fed %d bytes, want %d", c.name, len(talk.Got), limit)
		}
		// Likewise by default, and a conversation that is done with the last allowed byte.
		talk = conversationtest.Talk{}
		talk.OnFeed = func([]byte) conversation.Step {
			if len(talk.Got) == limit {
				return conversation.Step{Do: conversation.Done}
			}
			return conversation.Step{}
		}
		x = exchange(t, t.Context(), make(transport.Config{Bytes: limit}), s.addr, &talk, conversation.Limits{})
		wantStatus(t, x, &talk, record.OK)
	}
}

func guard(t *testing.T, make New) {
	s := serve(t, untilClosed)
	var asked []netip.Addr
	tr := make(transport.Config{Guard: func(a netip.Addr) error {
		asked = append(asked, a)
		return errors.New("not this one")
	}})
	for _, to := range []netip.AddrPort{
		s.addr,
		netip.AddrPortFrom(netip.AddrFrom16(s.addr.Addr().As16()), s.addr.Port()), // 4-in-6 is no way around
	} {
		var talk conversationtest.Talk
		x := exchange(t, t.Context(), tr, to, &talk, conversation.Limits{})
		wantStatus(t, x, &talk, record.Excluded)
	}
	if len(asked) != 2 || asked[0] != s.addr.Addr() || asked[1] != s.addr.Addr() {
		t.Errorf("the guard was asked for %v, want %v twice", asked, s.addr.Addr())
	}
	if n := s.accepted.Load(); n != 0 {
		t.Errorf("%d connections to an excluded address", n)
	}
}

func reenter(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) { io.WriteString(c, "hi") })
	for _, perHost := range []int{0, 1, 3} {
		tr := make(transport.Config{PerHost: perHost})
		var left atomic.Int64
		var all sync.WaitGroup
		left.Store(12)
		var start func()
		start = func() {
			tr.Go(t.Context(), &conversation.Exchange{
				Addr: s.addr,
				Conv: conversationtest.Check(t, &conversationtest.Talk{}),
				Ended: func(x *conversation.Exchange) {
					defer all.Done()
					if x.Status != record.Closed {
						t.Errorf("verdict %q", x.Status)
					}
					if left.Add(-1) >= 0 {
						all.Add(1)
						start()
					}
				},
			})
		}
		all.Add(3)
		for range 3 {
			start()
		}
		all.Wait()
	}
}

// slowEnded: an Ended that waits for another exchange with the same host, and
// one that waits in the host's queue, must not hold it up.
func slowEnded(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) { io.WriteString(c, "hi") })
	tr := make(transport.Config{PerHost: 1})
	second, first := makeGate(), makeGate()
	tr.Go(t.Context(), &conversation.Exchange{Addr: s.addr, Conv: &conversationtest.Talk{}, Ended: func(*conversation.Exchange) {
		second.wait()
		first.open()
	}})
	tr.Go(t.Context(), &conversation.Exchange{Addr: s.addr, Conv: &conversationtest.Talk{}, Ended: func(*conversation.Exchange) { second.open() }})
	first.wait()
}

func perHost(t *testing.T, make New) {
	var now, most atomic.Int64
	s := serve(t, func(c *net.TCPConn) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(10 * time.Millisecond)
		now.Add(-1)
		io.WriteString(c, "hi")
	})
	tr := make(transport.Config{PerHost: 2})
	var all sync.WaitGroup
	for range 12 {
		all.Add(1)
		tr.Go(t.Context(), &conversation.Exchange{
			Addr:  s.addr,
			Conv:  conversationtest.Check(t, &conversationtest.Talk{}),
			Ended: func(*conversation.Exchange) { all.Done() },
		})
	}
	all.Wait()
	if most.Load() != 2 || s.accepted.Load() != 12 {
		t.Errorf("%d connections, at most %d at once, want 12 and 2", s.accepted.Load(), most.Load())
	}
}

func rate(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {})
	tr := make(transport.Config{Rate: 50})
	var all sync.WaitGroup
	begun := time.Now()
	for range 11 {
		all.Add(1)
		tr.Go(t.Context(), &conversation.Exchange{Addr: s.addr, Conv: &conversationtest.Talk{}, Ended: func(*conversation.Exchange) { all.Done() }})
	}
	all.Wait()
	if took := time.Since(begun); took < 180*time.Millisecond || took > 200*time.Millisecond+slack {
		t.Errorf("11 connections at 50 a second took %v, want .2 s", took)
	}
}

func many(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {
		b := make4()
		if _, err := io.ReadFull(c, b); err == nil {
			c.Write(b)
		}
		untilClosed(c)
	})
	tr := make(transport.Config{})
	var all sync.WaitGroup
	for i := range 300 {
		text := string([]byte{byte(i), byte(i >> 8), 'o', 'k'})
		talk := &conversationtest.Talk{OnOpen: send(text)}
		talk.OnFeed = func([]byte) conversation.Step {
			if len(talk.Got) < 4 {
				return conversation.Step{}
			}
			return conversation.Step{Do: conversation.Done}
		}
		all.Add(1)
		tr.Go(t.Context(), &conversation.Exchange{Addr: s.addr, Conv: conversationtest.Check(t, talk), Ended: func(x *conversation.Exchange) {
			defer all.Done()
			if x.Status != record.OK || string(talk.Got) != text {
				t.Errorf("exchange %d: %q, %q", i, x.Status, talk.Got)
			}
		}})
	}
	all.Wait()
}
