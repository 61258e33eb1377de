package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/hostkin/hostkin/internal/livetest"
)

// Without CAP_NET_RAW a scan does what it can: it says so once, to who wants
// to know, and tells tcp.info instead of tcp.syn_ack.
func TestScanWithoutCapability(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	port := fmt.Sprint(s.Listener.Addr().(*net.TCPAddr).Port)
	for _, c := range []struct {
		flags []string
		lines int // that tell of the capture
	}{{nil, 0}, {[]string{"-v"}, 1}} {
		scan := exec.CommandContext(t.Context(), "hostkin", append([]string{"scan", "127.0.0.1", "--ports", port + "/http"}, c.flags...)...)
		var out, told bytes.Buffer
		scan.Stdout, scan.Stderr = &out, &told
		// In a user namespace of its own it has no rights over this network.
		scan.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		if err := scan.Run(); err != nil {
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
				livetest.Missing(t, err)
			}
			t.Fatalf("%v\n%s", err, &told)
		}
		if n := strings.Count(told.String(), "SYN-ACK"); n != c.lines {
			t.Errorf("%v: %d lines tell of SYN-ACKs, want %d:\n%s", c.flags, n, c.lines, &told)
		}
		print := exec.CommandContext(t.Context(), "hostkin", "fingerprint")
		print.Stdin = &out
		prints, err := print.Output()
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(prints), `"tcp.`); n != 1 || !strings.Contains(string(prints), `"tcp.info"`) {
			t.Errorf("want tcp.info alone:\n%s", prints)
		}
	}
}
