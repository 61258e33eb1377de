package livetest

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Namespace makes a network namespace for servers that treat the loopback
// interface in a way of their own. It returns an address in it, which only this
// machine reaches, and the arguments of ip(8) that run a program there. It ends
// with the test, and needs root.
func Namespace(tb testing.TB) (addr netip.Addr, within []string) {
	tb.Helper()
	Need(tb, "ip")
	space := fmt.Sprintf("hkl%d", os.Getpid())
	near, far := space+"a", space+"b"
	ip := func(args ...string) {
		tb.Helper()
		if out, err := exec.CommandContext(tb.Context(), "ip", args...).CombinedOutput(); err != nil {
			tb.Skipf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	ip("netns", "add", space)
	tb.Cleanup(func() { _ = exec.Command("ip", "netns", "del", space).Run() }) // the veth pair goes with it
	ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
	ip("address", "add", "198.18.78.1/30", "dev", near)
	ip("link", "set", near, "up")
	ip("-n", space, "address", "add", "198.18.78.2/30", "dev", far)
	ip("-n", space, "link", "set", far, "up")
	return netip.MustParseAddr("198.18.78.2"), []string{"netns", "exec", space}
}
