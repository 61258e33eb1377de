package transporttest

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/transport"
)

// slack is what a busy machine may add to a deadline.
const slack = 3 * time.Second

// timing: gaps and deadlines.
func timing() []part {
	return []part{
		{"silence until the deadline", silence},
		{"gaps", gaps},
		{"no gap after an answer without one", gapEnds},
		{"late bytes at a gap", lateAtGap},
		{"late bytes at the deadline", lateAtDeadline},
		{"late end at the deadline", lateEnd},
		{"a drip ends at the deadline", drip},
		{"a peer that does not read", unread},
		{"a stream ends at the deadline", stream},
	}
}

// gate is opened once, from any goroutine.
type gate struct {
	once sync.Once
	c    chan struct{}
}

func makeGate() *gate { return &gate{c: make(chan struct{})} }

func (g *gate) open() { g.once.Do(func() { close(g.c) }) }
func (g *gate) wait() { <-g.c }

func silence(t *testing.T, make New) {
	s := serve(t, untilClosed)
	var talk conversationtest.Talk
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{Timeout: 100 * time.Millisecond})
	wantStatus(t, x, &talk, record.Timeout)
	wantTook(t, x, 100*time.Millisecond)

	// The same by the transport's default.
	talk = conversationtest.Talk{}
	x = exchange(t, t.Context(), make(transport.Config{Timeout: 50 * time.Millisecond}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Timeout)
	wantTook(t, x, 50*time.Millisecond)
}

func wantTook(t *testing.T, x *conversation.Exchange, want time.Duration) {
	t.Helper()
	if x.Took < want || x.Took > want+slack {
		t.Errorf("took %v, want %v", x.Took, want)
	}
}

func gaps(t *testing.T, make New) {
	s := serve(t, untilClosed)
	const gap = 30 * time.Millisecond
	var talk conversationtest.Talk
	next := func() conversation.Step {
		if talk.Quiets == 3 {
			return conversation.Step{Do: conversation.Done}
		}
		return conversation.Step{Send: []byte("anyone?"), Gap: gap}
	}
	talk.OnOpen, talk.OnQuiet = next, next
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.OK)
	wantTook(t, x, 3*gap)
	if x.Sent != 3*int64(len("anyone?")) {
		t.Errorf("Sent %d", x.Sent)
	}

	// A gap longer than the exchange is its deadline.
	talk = conversationtest.Talk{OnOpen: func() conversation.Step { return conversation.Step{Gap: time.Hour} }}
	x = exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{Timeout: 50 * time.Millisecond})
	wantStatus(t, x, &talk, record.Timeout)
	if talk.Quiets != 0 {
		t.Error("Quiet at the deadline")
	}
}

func gapEnds(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {
		io.WriteString(c, "one")
		time.Sleep(150 * time.Millisecond)
		io.WriteString(c, "two")
	})
	talk := conversationtest.Talk{OnOpen: func() conversation.Step { return conversation.Step{Gap: 100 * time.Millisecond} }}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Closed)
	wantGot(t, &talk, "onetwo")
}

func signal() chan struct{} { return make(chan struct{}) } // where make is something else

// The gap passes before the transport comes to read, but the bytes were there.
func lateAtGap(t *testing.T, make New) {
	there := signal()
	s := serve(t, func(c *net.TCPConn) {
		io.WriteString(c, "here")
		there <- struct{}{} // over loopback what is written is there
		untilClosed(c)
	})
	for range 20 {
		var talk conversationtest.Talk
		talk.OnOpen = func() conversation.Step {
			<-there
			return conversation.Step{Gap: 1}
		}
		talk.OnFeed = func([]byte) conversation.Step { return conversation.Step{Gap: time.Millisecond} }
		talk.OnQuiet = func() conversation.Step {
			if len(talk.Got) == 0 {
				t.Error("Quiet although bytes had arrived")
			}
			return conversation.Step{Do: conversation.Done}
		}
		x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
		wantStatus(t, x, &talk, record.OK)
		wantGot(t, &talk, "here")
	}
}

// More than one read fits is there when the deadline has passed.
func lateAtDeadline(t *testing.T, make New) {
	text := strings.Repeat("late", 10_000)
	s := serve(t, func(c *net.TCPConn) {
		io.WriteString(c, text)
		untilClosed(c)
	})
	for _, gap := range []time.Duration{0, 10 * time.Millisecond} {
		talk := conversationtest.Talk{OnOpen: func() conversation.Step {
			time.Sleep(150 * time.Millisecond)
			return conversation.Step{Gap: gap}
		}}
		x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{Timeout: 100 * time.Millisecond})
		wantStatus(t, x, &talk, record.Timeout)
		wantGot(t, &talk, text)
	}
	talk := conversationtest.Talk{OnOpen: func() conversation.Step {
		time.Sleep(150 * time.Millisecond)
		return conversation.Step{}
	}}
	talk.OnFeed = func([]byte) conversation.Step { return conversation.Step{Do: conversation.Done} }
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{Timeout: 100 * time.Millisecond})
	wantStatus(t, x, &talk, record.OK)
}

func lateEnd(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) { io.WriteString(c, "bye") })
	talk := conversationtest.Talk{OnOpen: func() conversation.Step {
		time.Sleep(150 * time.Millisecond)
		return conversation.Step{}
	}}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{Timeout: 100 * time.Millisecond})
	wantStatus(t, x, &talk, record.Closed)
	wantGot(t, &talk, "bye")
}

func drip(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {
		for {
			if _, err := io.WriteString(c, "."); err != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	talk := conversationtest.Talk{OnOpen: func() conversation.Step { return conversation.Step{Gap: time.Second} }}
	talk.OnFeed = func([]byte) conversation.Step { return conversation.Step{Gap: time.Second} }
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{Timeout: 200 * time.Millisecond})
	wantStatus(t, x, &talk, record.Timeout)
	wantTook(t, x, 200*time.Millisecond)
}

// unread: the send fills all buffers and must not outlast the deadline; what
// the peer said meanwhile is delivered.
func unread(t *testing.T, make New) {
	over := makeGate()
	s := serve(t, func(c *net.TCPConn) {
		c.SetReadBuffer(4096)
		io.WriteString(c, "I talk only")
		over.wait()
	})
	const size = 32 << 20
	payload := []byte(strings.Repeat("x", size))
	talk := conversationtest.Talk{OnOpen: func() conversation.Step { return conversation.Step{Send: payload} }}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{Timeout: 500 * time.Millisecond})
	over.open()
	wantStatus(t, x, &talk, record.Timeout)
	wantTook(t, x, 500*time.Millisecond)
	wantGot(t, &talk, "I talk only")
	if x.Sent <= 0 || x.Sent >= size {
		t.Errorf("Sent %d of %d, want a part", x.Sent, size)
	}
}

// stream: bytes without end do not carry a connection over its deadline.
func stream(t *testing.T, make New) {
	chunk := []byte(strings.Repeat("spam", 4096))
	s := serve(t, func(c *net.TCPConn) {
		for {
			if _, err := c.Write(chunk); err != nil {
				return
			}
		}
	})
	talk := conversationtest.Talk{}
	talk.OnFeed = func([]byte) conversation.Step {
		talk.Got = talk.Got[:0]
		return conversation.Step{}
	}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk,
		conversation.Limits{Timeout: 200 * time.Millisecond, Bytes: 1 << 50})
	if x.Status != record.Timeout {
		t.Errorf("verdict %q, want timeout", x.Status)
	}
	wantTook(t, x, 200*time.Millisecond)
}
