package redisprobe

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

// startRedis starts a redis-server that keeps nothing.
func startRedis(t *testing.T, options ...string) netip.AddrPort {
	t.Helper()
	addr := livetest.FreePort(t, "127.0.0.1")
	livetest.Serve(t, addr, "redis-server", slices.Concat([]string{"--bind", addr.Addr().String(), "--port", fmt.Sprint(addr.Port()),
		"--dir", t.TempDir(), "--save", "", "--daemonize", "no"}, options)...)
	return addr
}

func TestServers(t *testing.T) {
	for name, test := range map[string]struct {
		options []string
		status  record.Status
		reply   string
	}{
		"default":  {nil, record.OK, "+PONG\r\n"},
		"password": {[]string{"--requirepass", "secret"}, record.OK, "-NOAUTH Authentication required.\r\n"},
		"renamed":  {[]string{"--rename-command", "PING", ""}, record.OK, "-ERR unknown command 'PING', with args beginning with: \r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := startRedis(t, test.options...)
			var first record.Answer
			for i := range 5 {
				a, status, said := livetest.Ask(t, Probe{}, livetest.Endpoint(addr, ""), record.Answer{})
				if status != test.status || len(said) != 1 || a.Redis == nil || string(a.Redis.Reply) != test.reply || a.Redis.Raw != nil {
					t.Fatalf("%s after %d connections: %+v", status, len(said), a.Redis)
				}
				if i == 0 {
					first = a
					livetest.Keep(t, filepath.Join("testdata", name+".json"), said)
				} else if diff := cmp.Diff(first, a); diff != "" {
					t.Errorf("answer %d differs:\n%s", i, diff)
				}
			}
			if a, status, said := livetest.Ask(t, Probe{}, livetest.Endpoint(addr, ""), first); len(said) != 0 || status != record.OK || a.Redis != nil {
				t.Errorf("asked again: %d connections, %s", len(said), status)
			}
		})
	}
}

// Protected mode refuses whoever does not come from the loopback interface, so
// that the server has to live in a network namespace.
func TestProtectedMode(t *testing.T) {
	server := livetest.Need(t, "redis-server")
	addr, within := livetest.Namespace(t)
	at := netip.AddrPortFrom(addr, 6379)
	livetest.Serve(t, at, "ip", slices.Concat(within, []string{server, "--port", "6379", "--dir", t.TempDir(), "--save", "", "--daemonize", "no"})...)
	a, status, said := livetest.Ask(t, Probe{}, livetest.Endpoint(at, ""), record.Answer{})
	if status != record.Alert || !strings.HasPrefix(string(a.Redis.Reply), "-DENIED Redis is running in protected mode") {
		t.Fatalf("%s: %+v", status, a.Redis)
	}
	livetest.Keep(t, filepath.Join("testdata", "protected.json"), said)
}
