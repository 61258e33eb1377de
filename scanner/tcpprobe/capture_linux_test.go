package tcpprobe

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

// open returns a capture, or skips where that is forbidden.
func open(t testing.TB) *Capture {
	t.Helper()
	c, err := Open(nil)
	if errors.Is(err, ErrNoCapability) {
		livetest.Missing(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// listen accepts on address and keeps the connections open until the test ends.
func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err) // no IPv6 here
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 1)) // until the client goes
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l
}

func dialAndFetch(t *testing.T, c *Capture, to string) (*record.TCP, netip.AddrPort) {
	t.Helper()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	local, remote := conn.LocalAddr().(*net.TCPAddr).AddrPort(), conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	return c.Handshake(local, remote), local
}

func TestCaptureOnLoopback(t *testing.T) {
	c := open(t)
	for name, address := range map[string]string{"IPv4": "127.0.0.1:0", "another loopback address": "127.9.8.7:0", "IPv6": "[::1]:0"} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, address)
			got, local := dialAndFetch(t, c, l.Addr().String())
			if got == nil {
				t.Fatal("no handshake captured")
			}
			ask, ok := parse(got.SYN)
			if !ok || ask.answer || ask.src != local {
				t.Errorf("SYN %x reads as %+v, want one from %v", got.SYN, ask, local)
			}
			answer, ok := parse(got.SYNACK)
			if !ok || !answer.answer || answer.dst != local || answer.ack != ask.seq+1 {
				t.Errorf("SYN-ACK %x reads as %+v, want one to %v that acknowledges %d", got.SYNACK, answer, local, ask.seq)
			}
		})
	}
}

func TestHandshakeOfAnUnknownConnectionIsNil(t *testing.T) {
	c := open(t)
	if got := c.Handshake(netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("192.0.2.2:2")); got != nil {
		t.Errorf("got %+v", got)
	}
}

func TestHandshakeIsTakenOnce(t *testing.T) {
	c := open(t)
	to := listen(t, "127.0.0.1:0").Addr().String()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	local, remote := conn.LocalAddr().(*net.TCPAddr).AddrPort(), conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	if c.Handshake(local, remote) == nil || c.Handshake(local, remote) != nil {
		t.Error("want it the first time, and nil the second")
	}
}

// Scans of silent hosts have no handshakes to ask for, but SYNs that fill the
// queues.
func TestQueuesAreEmptiedThoughNobodyAsks(t *testing.T) {
	c := open(t)
	to := listen(t, "127.0.0.1:0").Addr().String()
	conn, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f := flow{conn.LocalAddr().(*net.TCPAddr).AddrPort(), conn.RemoteAddr().(*net.TCPAddr).AddrPort()}
	for hung := time.After(10 * time.Second); c.table.take(f) == nil; runtime.Gosched() {
		select {
		case <-hung:
			t.Fatal("the handshake stays in the queue")
		default:
		}
	}
}

func TestHandshakeAfterCloseIsNil(t *testing.T) {
	c := open(t)
	to := listen(t, "127.0.0.1:0").Addr().String()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := dialAndFetch(t, c, to); got != nil {
		t.Errorf("got %+v", got)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	open(t) // skips; and whatever the runtime opens once is open now
	sockets, goroutines := packetSockets(t), runtime.NumGoroutine()
	for range 5 {
		c, err := Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- errors.Join(c.Close(), c.Close()) }()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("Close hangs: the sweeper was not stopped")
		}
	}
	deadline := time.Now().Add(time.Second)
	for runtime.NumGoroutine() > goroutines && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines before, %d after", goroutines, now)
	}
	if now := packetSockets(t); now != sockets {
		t.Errorf("%d packet sockets before, %d after", sockets, now)
	}
}

// packetSockets counts this process's packet sockets.
func packetSockets(t *testing.T) int {
	t.Helper()
	n := 0
	for fd := range 1024 {
		if domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil && domain == unix.AF_PACKET {
			n++
		}
	}
	return n
}

// TestOpenWithoutCapability runs this test again in a user namespace whose
// root has no rights over this network namespace.
func TestOpenWithoutCapability(t *testing.T) {
	if os.Getenv("HOSTKIN_TEST_UNPRIVILEGED") == "1" {
		if _, err := Open(nil); !errors.Is(err, ErrNoCapability) {
			t.Fatalf("Open: %v, want %v", err, ErrNoCapability)
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenWithoutCapability$", "-test.v")
	cmd.Env = append(os.Environ(), "HOSTKIN_TEST_UNPRIVILEGED=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Skip("no user namespaces here: ", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
