package transporttest

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/transport"
)

// BannerThenReset is the part of the contract that a transport over net.Dial fails.
const BannerThenReset = "banner then reset"

// endings: how connections begin and end, and that nothing which was said is lost.
func endings() []part {
	return []part{
		{"refused", refused},
		{"closed", closed},
		{"reset", resetAfterAccept},
		{BannerThenReset, bannerThenReset},
		{"failed write keeps the banner and the reset", failedWrite},
		{"a later failed write is a reset", laterFailedWrite},
		{"done", done},
		{"half-close", halfClose},
		{"IPv6", ipv6},
		{"large send", largeSend},
	}
}

func refused(t *testing.T, make New) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	var talk conversationtest.Talk
	x := exchange(t, t.Context(), make(transport.Config{}), to, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Refused)
}

func closed(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {
		io.ReadFull(c, make4())
		io.WriteString(c, "bye")
	})
	talk := conversationtest.Talk{OnOpen: send("ping")}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Closed)
	wantGot(t, &talk, "bye")
	if x.Sent != 4 {
		t.Errorf("Sent %d, want 4", x.Sent)
	}
}

func make4() []byte { return make([]byte, 4) }

func resetAfterAccept(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {
		io.ReadFull(c, make4())
		c.SetLinger(0)
	})
	talk := conversationtest.Talk{OnOpen: send("ping")}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Reset)
}

// A transport that asks for the socket's error after connecting takes the
// reset for a failed connect, in some of the runs, and never reads the banner.
func bannerThenReset(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {
		c.SetLinger(0)
		io.WriteString(c, "SSH-2.0-gone\r\n")
	})
	tr := make(transport.Config{})
	for range 300 {
		var talk conversationtest.Talk
		x := exchange(t, t.Context(), tr, s.addr, &talk, conversation.Limits{})
		wantStatus(t, x, &talk, record.Reset)
		wantGot(t, &talk, "SSH-2.0-gone\r\n")
		if t.Failed() {
			return
		}
	}
}

// The peer sent a banner and a reset before we send: the write fails, the
// banner is still there, and what follows is a reset although the write took
// the socket's error.
func failedWrite(t *testing.T, make New) {
	gone := makeGate()
	s := serve(t, func(c *net.TCPConn) {
		c.SetLinger(0)
		io.WriteString(c, "banner")
		c.Close()
		gone.open()
	})
	talk := conversationtest.Talk{OnOpen: func() conversation.Step {
		gone.wait()
		time.Sleep(20 * time.Millisecond)
		return conversation.Step{Send: []byte("hello")}
	}}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	if !x.Connected {
		t.Skip("the reset came before the connection was noticed: " + BannerThenReset)
	}
	wantStatus(t, x, &talk, record.Reset)
	wantGot(t, &talk, "banner")
}

// Likewise in the middle of a conversation, twice.
func laterFailedWrite(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {
		io.WriteString(c, "one")
		io.ReadFull(c, make4())
		c.SetLinger(0)
	})
	talk := conversationtest.Talk{OnOpen: send("ping")}
	talk.OnFeed = func([]byte) conversation.Step {
		time.Sleep(50 * time.Millisecond)
		return conversation.Step{Send: []byte("into the void"), Gap: time.Millisecond}
	}
	talk.OnQuiet = send("again")
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Reset)
}

func done(t *testing.T, make New) {
	heard := makeChan()
	s := serve(t, func(c *net.TCPConn) {
		b, _ := io.ReadAll(io.LimitReader(c, 4))
		heard <- string(b)
		untilClosed(c)
	})
	talk := conversationtest.Talk{OnOpen: func() conversation.Step {
		return conversation.Step{Send: []byte("last"), Do: conversation.Done}
	}}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.OK)
	if got := <-heard; got != "last" {
		t.Errorf("the server heard %q", got)
	}
}

func makeChan() chan string { return make(chan string, 1) }

func halfClose(t *testing.T, make New) {
	s := serve(t, func(c *net.TCPConn) {
		b, _ := io.ReadAll(c)
		time.Sleep(20 * time.Millisecond)
		io.WriteString(c, strings.ToUpper(string(b)))
	})
	talk := conversationtest.Talk{OnOpen: func() conversation.Step {
		return conversation.Step{Send: []byte("request"), Do: conversation.HalfClose}
	}}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Closed)
	wantGot(t, &talk, "REQUEST")
}

func ipv6(t *testing.T, make New) {
	s := serveOn(t, "[::1]:0", func(c *net.TCPConn) { io.WriteString(c, "six") })
	var talk conversationtest.Talk
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Closed)
	wantGot(t, &talk, "six")

	four := serve(t, func(c *net.TCPConn) { io.WriteString(c, "four") })
	mapped := netip.AddrPortFrom(netip.AddrFrom16(four.addr.Addr().As16()), four.addr.Port())
	talk = conversationtest.Talk{}
	x = exchange(t, t.Context(), make(transport.Config{}), mapped, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Closed)
	wantGot(t, &talk, "four")
}

func largeSend(t *testing.T, make New) {
	const size = 8 << 20
	s := serve(t, func(c *net.TCPConn) {
		n, _ := io.Copy(io.Discard, io.LimitReader(c, size))
		if n == size {
			io.WriteString(c, "all")
		}
	})
	talk := conversationtest.Talk{OnOpen: send(strings.Repeat("x", size))}
	x := exchange(t, t.Context(), make(transport.Config{}), s.addr, &talk, conversation.Limits{})
	wantStatus(t, x, &talk, record.Closed)
	wantGot(t, &talk, "all")
	if x.Sent != size {
		t.Errorf("Sent %d, want %d", x.Sent, size)
	}
}
