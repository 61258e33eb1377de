package transporttest

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/transport"
)

// cancels: a context that ends at any moment ends the exchange, at once. That
// no socket is left is seen by the server, no goroutine by Run.
func cancels() []part {
	return []part{
		{"cancelled before", cancelledBefore},
		{"cancelled while reading", cancelledReading},
		{"cancelled in a gap", cancelledInGap},
		{"cancelled while sending", cancelledSending},
		{"cancelled inside the conversation", cancelledInside},
		{"cancelled while waiting for the host", cancelledWaiting},
		{"cancelled while waiting for the rate", cancelledPaced},
		{"cancelled at random", cancelledAnywhere},
	}
}

// cancelAfter runs an exchange that is cancelled 50 ms after it began.
func cancelAfter(t *testing.T, tr conversation.Transport, s *server, talk *conversationtest.Talk) *conversation.Exchange {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(50*time.Millisecond, cancel)
	begun := time.Now()
	x := exchange(t, ctx, tr, s.addr, talk, conversation.Limits{Timeout: 15 * time.Second})
	if took := time.Since(begun); took > slack {
		t.Errorf("ended %v after it was cancelled", took)
	}
	wantStatus(t, x, talk, record.Cancelled)
	return x
}

func cancelledBefore(t *testing.T, make New) {
	s := serve(t, untilClosed)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var talk conversationtest.Talk
	x := exchange(t, ctx, make(transport.Config{PerHost: 1}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Cancelled)
	if n := s.accepted.Load(); n != 0 {
		t.Errorf("%d connections after the end", n)
	}
}

func cancelledReading(t *testing.T, make New) {
	s := serve(t, untilClosed)
	cancelAfter(t, make(transport.Config{}), s, &conversationtest.Talk{})
}

func cancelledInGap(t *testing.T, make New) {
	s := serve(t, untilClosed)
	// Short gaps: the cancel meets a deadline that is being set.
	for _, gap := range []time.Duration{50 * time.Microsecond, 10 * time.Second} {
		again := func() conversation.Step { return conversation.Step{Gap: gap} }
		cancelAfter(t, make(transport.Config{}), s, &conversationtest.Talk{OnOpen: again, OnQuiet: again})
	}
}

func cancelledSending(t *testing.T, make New) {
	over := makeGate()
	s := serve(t, func(c *net.TCPConn) {
		c.SetReadBuffer(4096)
		over.wait()
	})
	payload := []byte(strings.Repeat("x", 32<<20))
	cancelAfter(t, make(transport.Config{}), s, &conversationtest.Talk{
		OnOpen: func() conversation.Step { return conversation.Step{Send: payload} },
	})
	over.open()
}

// The cancel comes while the conversation thinks; the deadline that it expires
// is set anew afterwards.
func cancelledInside(t *testing.T, make New) {
	s := serve(t, untilClosed)
	for _, gap := range []time.Duration{0, 10 * time.Second} {
		talk := conversationtest.Talk{OnOpen: func() conversation.Step {
			time.Sleep(100 * time.Millisecond)
			return conversation.Step{Gap: gap}
		}}
		cancelAfter(t, make(transport.Config{}), s, &talk)
	}
}

func cancelledWaiting(t *testing.T, make New) {
	s := serve(t, untilClosed)
	tr := make(transport.Config{PerHost: 1, Timeout: 15 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	first := make1()
	tr.Go(ctx, &conversation.Exchange{Addr: s.addr, Conv: &conversationtest.Talk{}, Ended: func(*conversation.Exchange) { close(first) }})
	x := cancelAfter(t, tr, s, &conversationtest.Talk{})
	if x.Connected {
		t.Error("connected beyond the limit")
	}
	cancel()
	<-first
}

func make1() chan struct{} { return make(chan struct{}) }

func cancelledPaced(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {})
	tr := make(transport.Config{Rate: .01})
	var talk conversationtest.Talk
	wantStatus(t, exchange(t, t.Context(), tr, s.addr, &talk, conversation.Limits{}), &talk, record.Closed)
	if x := cancelAfter(t, tr, s, &conversationtest.Talk{}); x.Connected {
		t.Error("connected beyond the rate")
	}
}

// Wherever the cancel falls, the end is one of two and comes soon.
func cancelledAnywhere(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {
		io.WriteString(c, "hello")
		untilClosed(c)
	})
	tr := make(transport.Config{Timeout: 15 * time.Second})
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Duration(i)*3*time.Microsecond, cancel)
		var talk conversationtest.Talk
		begun := time.Now()
		x := exchange(t, ctx, tr, s.addr, &talk, conversation.Limits{})
		wantStatus(t, x, &talk, record.Cancelled)
		if took := time.Since(begun); took > slack {
			t.Errorf("ended after %v", took)
		}
		cancel()
	}
}
