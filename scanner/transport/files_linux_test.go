package transport

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
)

const fewFiles = "HOSTKIN_TEST_FEW_FILES"

// A process with forty descriptors makes two hundred connections at once: they
// wait for each other, and none is taken for a failure of the host.
func TestFewDescriptors(t *testing.T) {
	if to := os.Getenv(fewFiles); to != "" {
		withFewFiles(t, netip.MustParseAddrPort(to))
		return
	}
	to := listen(t, func(c net.Conn) {
		time.Sleep(20 * time.Millisecond)
		io.WriteString(c, "hi")
	})
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFewDescriptors$", "-test.v")
	c.Env = append(os.Environ(), fewFiles+"="+to.String())
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "map[closed:200] starved 0") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func withFewFiles(t *testing.T, to netip.AddrPort) {
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 40, Max: 40}); err != nil {
		t.Skip(err)
	}
	n := New(Config{})
	var all sync.WaitGroup
	for range 200 {
		all.Add(1)
		n.Go(t.Context(), &conversation.Exchange{Addr: to, Conv: &conversationtest.Talk{}, Ended: func(*conversation.Exchange) { all.Done() }})
	}
	all.Wait()
	s := n.Stats()
	fmt.Println(s.ByStatus, "starved", s.Starved)
}
