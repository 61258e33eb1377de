package transport

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// The reset is there before the transport first looks whether it is connected.
func TestResetBeforeTheFirstLook(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct {
		banner string
		fin    bool
	}{{"SSH-2.0-gone\r\n", false}, {"", false}, {"with a FIN before", true}} {
		fd, err := begin(l.Addr().(*net.TCPAddr).AddrPort())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(server, c.banner)
		if c.fin {
			server.(*net.TCPConn).CloseWrite()
		}
		server.(*net.TCPConn).SetLinger(0)
		server.Close()
		time.Sleep(20 * time.Millisecond)

		s := &fileSocket{file: os.NewFile(uintptr(fd), "")}
		if s.raw, err = s.file.SyscallConn(); err != nil {
			t.Fatal(err)
		}
		if err := s.raw.Write(s.connected); err != nil || s.dead != nil {
			t.Fatalf("looks like a failed connect: %v, %v", err, s.dead)
		}
		b, n, err := s.receive(100)
		if c.banner != "" {
			if n != len(c.banner) || string(b[:n]) != c.banner {
				t.Fatalf("read %d bytes, %v; want %q", n, err, c.banner)
			}
			_, n, err = s.receive(100)
		}
		if n != 0 || statusOf(err, "") != record.Reset {
			t.Errorf("after %q: %d bytes, %v; want a reset", c.banner, n, err)
		}
		s.file.Close()
	}
}

// deaf is a listener whose queue is full: a SYN to it is not answered.
func deaf(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*unix.SockaddrInet4).Port))
	for range 4 {
		c, err := net.DialTimeout("tcp", to.String(), 50*time.Millisecond)
		if err != nil {
			return to
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("the listener's queue does not fill up")
	return to
}

func TestConnectTimesOutAndCanBeCancelled(t *testing.T) {
	to := deaf(t)
	for name, n := range map[string]*Net{
		"file": New(Config{Timeout: 200 * time.Millisecond}),
		"net":  NewOverNet(Config{Timeout: 200 * time.Millisecond}),
	} {
		talk := &conversationtest.Talk{}
		x := do(t.Context(), n, to, conversationtest.Check(t, talk))
		if x.Status != record.Timeout || x.Connected || x.Took < 200*time.Millisecond || x.Took > 3*time.Second {
			t.Errorf("%s: %q after %v, connected: %v", name, x.Status, x.Took, x.Connected)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(30*time.Millisecond, cancel)
		x = do(ctx, n, to, conversationtest.Check(t, talk))
		if x.Status != record.Cancelled || x.Took > 190*time.Millisecond {
			t.Errorf("%s: cancelled: %q after %v", name, x.Status, x.Took)
		}
	}
}

func TestHandshakeFacts(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Skip(err)
		}
		defer l.Close()
		to := l.Addr().(*net.TCPAddr).AddrPort()
		remotes := make(chan string, 10)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				remotes <- c.RemoteAddr().String()
				c.Read(make([]byte, 1)) // only the SYN-ACK has come by then
				c.Close()
			}
		}()

		greet := func() conversation.Step { return conversation.Step{Send: []byte{1}} }

		x := do(t.Context(), New(Config{}), to, &conversationtest.Talk{OnOpen: greet})
		<-remotes
		if x.TCP == nil || x.TCP.Info == nil {
			t.Fatal("no TCP_INFO")
		}
		// Linux on loopback: timestamps, SACK and window scaling; 64 KiB MTU.
		if i := x.TCP.Info; i.Options&7 != 7 || i.SndWscale == 0 || i.SndWscale > 14 || i.SndMSS < 20_000 || i.SndWnd < 10_000 {
			t.Errorf("TCP_INFO %+v", *i)
		}

		var local, remote netip.AddrPort
		captured := &record.TCP{SYNACK: []byte("syn-ack")}
		n := New(Config{Handshake: func(l, r netip.AddrPort) *record.TCP {
			local, remote = l, r
			return captured
		}})
		sent := false
		x = do(t.Context(), n, to, &conversationtest.Talk{OnOpen: func() conversation.Step {
			sent = local.IsValid()
			return greet()
		}})
		if client := <-remotes; local.String() != client || remote != to {
			t.Errorf("asked for the handshake of %v with %v, want %v with %v", local, remote, client, to)
		}
		if sent {
			t.Error("the capture was asked before the conversation could send")
		}
		if string(x.TCP.SYNACK) != "syn-ack" || x.TCP.Info == nil || captured.Info != nil {
			t.Errorf("facts %+v, the capture's own %+v", x.TCP, captured)
		}

		x = do(t.Context(), New(Config{Handshake: func(l, r netip.AddrPort) *record.TCP { return nil }}), to, &conversationtest.Talk{OnOpen: greet})
		<-remotes
		if x.TCP == nil || x.TCP.Info == nil {
			t.Error("no TCP_INFO although nothing was captured")
		}
	}
}

// What TCP_INFO says changes with every segment: when more than the SYN-ACK has
// come it is not taken, however late this process gets to it.
func TestNoFactsOfALaterMoment(t *testing.T) {
	speak := make(chan struct{})
	to := listen(t, func(c net.Conn) {
		<-speak
		io.WriteString(c, "banner")
		c.Read(make([]byte, 1))
	})
	for _, late := range []bool{false, true} {
		fd, err := begin(to)
		if err != nil {
			t.Fatal(err)
		}
		if late {
			close(speak)
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000); err != nil {
				t.Fatal(err)
			}
		}
		var s fileSocket
		if !s.connected(uintptr(fd)) || s.dead != nil || (s.facts == nil) != late {
			t.Errorf("late: %v, facts %+v, error %v", late, s.facts, s.dead)
		}
		unix.Close(fd)
	}
}

// Our side closes first and must not hold the port for a minute.
func TestNoTimeWait(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
		ended <- err
	}()
	do(t.Context(), New(Config{}), l.Addr().(*net.TCPAddr).AddrPort(), &conversationtest.Talk{
		OnOpen: func() conversation.Step { return conversation.Step{Do: conversation.Done} },
	})
	if err := <-ended; statusOf(err, "") != record.Reset {
		t.Errorf("the server saw %v, want a reset (linger 0)", err)
	}
}

// Failed connects must not leave their descriptors to the garbage collector.
func TestFailedConnectsLeaveNoDescriptor(t *testing.T) {
	gcPercent := debug.SetGCPercent(-1)
	defer debug.SetGCPercent(gcPercent)
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(entries)
	}
	n := New(Config{})
	before := count()
	for range 50 {
		do(t.Context(), n, netip.MustParseAddrPort("127.0.0.1:1"), &conversationtest.Talk{})
	}
	if after := count(); after > before+5 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}
