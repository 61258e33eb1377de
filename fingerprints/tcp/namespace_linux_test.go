package tcp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tcpprobe"
	"github.com/hostkin/hostkin/scanner/transport"
)

// inside, in the environment, says that a process has a network of its own.
const inside = "HOSTKIN_TEST_IN_NAMESPACE"

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

// machine is a network namespace, held by a thread of this process.
type machine struct {
	tid  int
	work chan func()
}

// newMachine makes a machine that has no interface but lo.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with this function, the namespace with the thread
		m.tid = unix.Gettid()
		made <- unix.Unshare(unix.CLONE_NEWNET)
		for f := range m.work {
			f()
		}
	}()
	if err := <-made; err != nil {
		livetest.Missing(t, err)
	}
	t.Cleanup(func() { close(m.work) })
	m.set(t, "ip link set lo up")
	return m
}

// do runs f on the machine.
func (m *machine) do(f func() error) error {
	done := make(chan error)
	m.work <- func() { done <- f() }
	return <-done
}

// plug connects m, as eth0, with another machine, or with this one where of is
// nil, which call it name.
func (m *machine) plug(t *testing.T, of *machine, name string) {
	t.Helper()
	add := []string{"link", "add", "name", name, "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(m.tid)}
	if of == nil {
		ip(t, add...)
		return
	}
	of.set(t, "ip "+strings.Join(add, " "))
}

// set runs a shell script among the machine's settings for IPv4.
func (m *machine) set(t *testing.T, script string) {
	t.Helper()
	var out []byte
	err := m.do(func() (err error) {
		c := exec.CommandContext(t.Context(), "sh", "-ec", script)
		c.Dir = "/proc/sys/net/ipv4"
		out, err = c.CombinedOutput()
		return err
	})
	if err != nil {
		livetest.Missing(t, fmt.Errorf("%s: %w: %s", script, err, out))
	}
}

// serve accepts connections at port 443 of the machine and keeps them.
func (m *machine) serve(t *testing.T) {
	t.Helper()
	var l net.Listener
	if err := m.do(func() (err error) { l, err = net.Listen("tcp", ":443"); return err }); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 1)) // until the client goes
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
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
