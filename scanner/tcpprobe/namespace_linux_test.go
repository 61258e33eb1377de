package tcpprobe

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestCaptureSeesAnotherStack talks over a veth pair to a network namespace
// with another TTL, no timestamps, no SACK and a small receive buffer, on an
// interface with a real Ethernet header.
func TestCaptureSeesAnotherStack(t *testing.T) {
	if address := os.Getenv("HOSTKIN_TEST_LISTEN"); address != "" {
		serveUntilEOF(t, address)
		return
	}
	open(t).Close() // skips without CAP_NET_RAW
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip(err)
	}
	space := fmt.Sprintf("hkt%d", os.Getpid())
	near, far := space+"a", space+"b"
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Skipf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	ip("netns", "add", space)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", space).Run() }) // the veth pair goes with it
	ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
	ip("address", "add", "198.18.77.1/30", "dev", near)
	ip("link", "set", near, "up")
	ip("-n", space, "address", "add", "198.18.77.2/30", "dev", far)
	ip("-n", space, "link", "set", far, "up")
	ip("netns", "exec", space, "sh", "-c", "cd /proc/sys/net/ipv4 && echo 128 > ip_default_ttl && echo 0 > tcp_timestamps && echo 0 > tcp_sack")

	server := exec.CommandContext(t.Context(), "ip", "netns", "exec", space, os.Args[0], "-test.run=^TestCaptureSeesAnotherStack$")
	server.Env = append(os.Environ(), "HOSTKIN_TEST_LISTEN=198.18.77.2:10443")
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); _ = server.Wait() })
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}

	c := open(t)
	got, _ := dialAndFetch(t, c, "198.18.77.2:10443")
	if got == nil {
		t.Fatal("no handshake captured")
	}
	if ttl := got.SYNACK[8]; ttl != 128 {
		t.Errorf("TTL %d, want 128", ttl)
	}
	// mss 1460, nop, window scale: neither SACK nor timestamps.
	if options := fmt.Sprintf("%x", got.SYNACK[40:47]); options != "020405b4010303" {
		t.Errorf("options begin with %s", options)
	}
}

// serveUntilEOF is the server within the namespace.
func serveUntilEOF(t *testing.T, address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
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
}
