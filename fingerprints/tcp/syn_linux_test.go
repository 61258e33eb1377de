package tcp

import (
	"os"
	"testing"
)

// Two equal servers are equal under every SYN, and their values under unequal
// SYNs say that they do not compare.
func TestValuesTellOfAnUnusualSYN(t *testing.T) {
	if !alone(t) {
		return
	}
	servers := []string{network(1) + ".2:443", network(2) + ".2:443"}
	for n := range servers {
		serveAt(t, n+1, "echo 1 >tcp_ecn")
	}
	c := capture(t)
	usual := values(t, c, servers[0], 2)
	for _, s := range []struct{ setting, value, usual, asked string }{
		{"tcp_timestamps", "1", "1", ""},
		{"tcp_timestamps", "0", "1", "mss,nop,nop,sackok,nop,ws"},
		{"tcp_sack", "0", "1", "mss,nop,nop,ts,nop,ws"},
		{"tcp_window_scaling", "0", "1", "mss,sackok,ts"},
		{"tcp_ecn", "1", "2", "mss,sackok,ts,nop,ws,ecn"},
	} {
		t.Run(s.setting+" "+s.value, func(t *testing.T) {
			set(t, s.setting, s.value)
			defer set(t, s.setting, s.usual)
			a, b := values(t, c, servers[0], 2), values(t, c, servers[1], 2)
			t.Log(a)
			if a != b {
				t.Errorf("equal servers give %s and %s", a, b)
			}
			if Asked(a) != s.asked {
				t.Errorf("%s tells of the SYN %q, want %q", a, Asked(a), s.asked)
			}
			if (a == usual) != (s.asked == "") {
				t.Errorf("%s, under the usual SYN %s", a, usual)
			}
		})
	}
}

// set changes a setting of this machine's own network.
func set(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}
