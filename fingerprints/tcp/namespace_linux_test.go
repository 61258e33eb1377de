package tcp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tcpprobe"
	"github.com/hostkin/hostkin/scanner/transport"
)

// What the environment tells a process of this test.
const (
	inside = "HOSTKIN_TEST_IN_NAMESPACE" // it has a network of its own
	serve  = "HOSTKIN_TEST_SERVE"        // it is a server: the address
)

func TestMain(m *testing.M) {
	if address := os.Getenv(serve); address != "" {
		serveUntilEOF(address)
		return
	}
	os.Exit(m.Run())
}

// serveUntilEOF accepts connections and keeps them.
func serveUntilEOF(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	}()
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	l.Close()
}

// alone runs the calling test once more in a network namespace of its own, as
// root of a user namespace, so that no right is needed on this machine; where
// user namespaces are forbidden, root does without. It returns true within.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) != "" {
		ip(t, "link", "set", "lo", "up")
		return true
	}
	livetest.Need(t, "ip")
	again := func(flags uintptr) ([]byte, error) {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		c.Env = append(os.Environ(), inside+"=1")
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | flags}
		if flags&syscall.CLONE_NEWUSER != 0 {
			c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
			c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
		}
		return c.CombinedOutput()
	}
	out, err := again(syscall.CLONE_NEWUSER)
	if err != nil && len(out) == 0 {
		out, err = again(0)
	}
	switch {
	case err != nil && len(out) == 0:
		livetest.Missing(t, fmt.Errorf("no network namespaces here: %w", err))
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	default:
		t.Logf("%s", out)
	}
	return false
}

// ip runs the program of that name, here.
func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
		livetest.Missing(t, fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out))
	}
}

// machine is a network namespace with a process in it.
type machine struct {
	pid   string
	start io.WriteCloser
	said  *bufio.Reader
}

// start makes a machine. Its script runs once it is plugged in; with an
// address it then serves there.
func start(t *testing.T, address, script string) *machine {
	t.Helper()
	last := `exec "$0"`
	if address == "" {
		last = "echo ready; read gone"
	}
	c := exec.Command("sh", "-ec", "read plugged; ip link set lo up; cd /proc/sys/net/ipv4\n"+script+"\n"+last, os.Args[0])
	c.Env = append(os.Environ(), serve+"="+address)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	var faults strings.Builder
	c.Stderr = &faults
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		livetest.Missing(t, err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = c.Wait()
		if faults.Len() > 0 {
			t.Logf("a machine said: %s", faults.String())
		}
	})
	return &machine{strconv.Itoa(c.Process.Pid), in, bufio.NewReader(out)}
}

// plug connects m, as eth0, with another machine, or this one where of is nil.
func (m *machine) plug(t *testing.T, of *machine, name string) {
	t.Helper()
	if of != nil {
		ip(t, "link", "add", "name", name, "netns", of.pid, "type", "veth", "peer", "name", "eth0", "netns", m.pid)
		return
	}
	ip(t, "link", "add", "name", name, "type", "veth", "peer", "name", "eth0", "netns", m.pid)
}

// ready lets m go on and waits until it is set up.
func (m *machine) ready(t *testing.T) {
	t.Helper()
	fmt.Fprintln(m.start)
	if line, err := m.said.ReadString('\n'); line != "ready\n" {
		livetest.Missing(t, fmt.Errorf("a machine is not set up: %q, %v", line, err))
	}
}

// capture begins to capture on the interfaces that are there.
func capture(t *testing.T) *tcpprobe.Capture {
	t.Helper()
	c, err := tcpprobe.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// config is that of a transport which asks a capture.
func config(c *tcpprobe.Capture) transport.Config { return transport.Config{Handshake: c.Handshake} }

// values are the tcp.syn_ack of some connections to one address, one after the
// other; it is an error if they differ or one has none.
func values(t *testing.T, c *tcpprobe.Capture, to string, times int) string {
	t.Helper()
	return always(t, config(c), KindSYNACK, to, times)
}

// always is the one value of a kind that some connections give.
func always(t *testing.T, config transport.Config, kind, to string, times int) string {
	t.Helper()
	var first string
	for n := range times {
		pairs := Of(ask(t, config, to))
		if len(pairs) != 1 || pairs[0].Kind != kind {
			t.Fatalf("%s: connection %d gives %v, want %s", to, n, pairs, kind)
		}
		if n == 0 {
			first = pairs[0].Value
		} else if pairs[0].Value != first {
			t.Errorf("%s: connection %d gives %s, the first %s", to, n, pairs[0].Value, first)
		}
	}
	return first
}

// ask makes one connection and returns what is known of its handshake.
func ask(t *testing.T, config transport.Config, to string) *record.TCP {
	t.Helper()
	ended := make(chan struct{})
	x := &conversation.Exchange{
		Addr:  netip.MustParseAddrPort(to),
		Conv:  &conversationtest.Talk{OnOpen: func() conversation.Step { return conversation.Step{Do: conversation.Done} }},
		Ended: func(*conversation.Exchange) { close(ended) },
	}
	transport.New(config).Go(t.Context(), x)
	<-ended
	if !x.Connected {
		t.Fatalf("no connection to %s: %s", to, x.Status)
	}
	return x.TCP
}
