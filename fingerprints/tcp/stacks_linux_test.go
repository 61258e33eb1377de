package tcp

import (
	"fmt"
	"testing"

	"github.com/hostkin/hostkin/scanner/transport"
)

// stacks are machines that differ in one setting. Where like is set, what the
// setting changes is not in a SYN-ACK, so that the value is that of another.
var stacks = []struct{ name, script, like string }{
	{"default", "", ""},
	{"its twin", "", "default"},
	{"TTL 32", "echo 32 >ip_default_ttl", ""},
	{"TTL 128", "echo 128 >ip_default_ttl", ""},
	{"TTL 255", "echo 255 >ip_default_ttl", ""},
	{"TTL 60", "echo 60 >ip_default_ttl", "default"}, // hops away from 64
	{"no window scaling", "echo 0 >tcp_window_scaling", ""},
	{"no timestamps", "echo 0 >tcp_timestamps", ""},
	{"no SACK", "echo 0 >tcp_sack", ""},
	{"neither", "echo 0 >tcp_sack; echo 0 >tcp_timestamps", ""},
	{"MTU 1400", "ip link set eth0 mtu 1400", ""},
	{"advmss 1200", "ip route change 198.18.0.0/16 dev eth0 advmss 1200", ""},
	{"small buffers", "echo 4096 16384 65535 >tcp_rmem", ""},
	{"large buffers", "echo 4096 131072 268435456 >tcp_rmem", ""},
	{"ECN offered", "echo 1 >tcp_ecn", "default"},               // but not to a SYN that does not ask
	{"no PMTU discovery", "echo 1 >ip_no_pmtu_disc", "default"}, // small packets of Linux have DF all the same
}

// network is that of stack n: .1 is ours.
func network(n int) string { return fmt.Sprintf("198.18.%d", n) }

func TestStacksDiffer(t *testing.T) {
	if !alone(t) {
		return
	}
	for n, s := range stacks {
		serveAt(t, n, s.script)
	}
	c := capture(t)
	got, weak := map[string]string{}, map[string]string{} // by name
	seen := map[string]string{}
	for n, s := range stacks {
		v := values(t, c, network(n)+".2:443", 5)
		got[s.name], weak[s.name] = v, always(t, transport.Config{}, KindInfo, network(n)+".2:443", 5)
		t.Logf("%-18s %-50s %s", s.name, v, weak[s.name])
		switch {
		case s.like != "" && (v != got[s.like] || weak[s.name] != weak[s.like]):
			t.Errorf("%s gives %s and %s, want those of %s", s.name, v, weak[s.name], s.like)
		case s.like == "" && seen[v] != "":
			t.Errorf("%s gives %s, as %s does", s.name, v, seen[v])
		}
		seen[v] = s.name
		if Asked(v) != "" {
			t.Errorf("%s: the SYN of %s is not the usual one", s.name, v)
		}
	}
}

// serveAt makes a server that is connected with this machine over a network of
// its own.
func serveAt(t *testing.T, n int, script string) {
	t.Helper()
	m, name := newMachine(t), fmt.Sprintf("veth%d", n)
	m.plug(t, nil, name)
	ip(t, "address", "add", network(n)+".1/24", "dev", name)
	ip(t, "link", "set", name, "up")
	m.set(t, "ip link set eth0 up; ip address add "+network(n)+".2/16 dev eth0; "+script)
	m.serve(t)
}
