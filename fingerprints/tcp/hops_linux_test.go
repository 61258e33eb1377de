package tcp

import (
	"fmt"
	"strings"
	"testing"
)

// A value tells of the server, not of the way to it: two routers between, or a
// bridge on our side, over IPv4 and IPv6, change nothing.
func TestTheWayChangesNothing(t *testing.T) {
	if !alone(t) {
		return
	}
	var machines []*machine
	for range 5 {
		machines = append(machines, newMachine(t))
	}
	direct, near, far, routed, bridged := machines[0], machines[1], machines[2], machines[3], machines[4]
	direct.plug(t, nil, "direct")
	near.plug(t, nil, "near")
	far.plug(t, near, "next")
	routed.plug(t, far, "next")
	bridged.plug(t, nil, "port")

	here(t, `link add name bridge type bridge
		link set port master bridge up`)
	here(t, address(1, 1, "direct")+address(2, 1, "near")+address(5, 1, "bridge")+`
		route add 198.18.4.0/24 via 198.18.2.2
		-6 route add fd00:4::/64 via fd00:2::2`)
	there(t, direct, address(1, 2, "eth0"))
	there(t, near, address(2, 2, "eth0")+address(3, 1, "next")+`
		route add 198.18.4.0/24 via 198.18.3.2
		-6 route add fd00:4::/64 via fd00:3::2`)
	there(t, far, address(3, 2, "eth0")+address(4, 1, "next")+`
		route add 198.18.2.0/24 via 198.18.3.1
		-6 route add fd00:2::/64 via fd00:3::1`)
	there(t, routed, address(4, 2, "eth0")+`
		route add default via 198.18.4.1
		-6 route add default via fd00:4::1`)
	there(t, bridged, address(5, 2, "eth0"))
	for _, router := range []*machine{near, far} {
		router.set(t, "echo 1 >ip_forward; echo 1 >../ipv6/conf/all/forwarding")
	}
	for _, server := range []*machine{direct, routed, bridged} {
		server.serve(t)
	}

	c := capture(t)
	v4, v6 := values(t, c, "198.18.1.2:443", 5), values(t, c, "[fd00:1::2]:443", 5)
	t.Log(v4, v6)
	if v4 == v6 {
		t.Errorf("both IPv4 and IPv6 give %s", v4)
	}
	if ttl := ask(t, config(c), "198.18.4.2:443").SYNACK[8]; ttl != 62 {
		t.Errorf("TTL %d behind two routers, want 62", ttl)
	}
	for to, want := range map[string]string{
		"198.18.4.2:443": v4, "[fd00:4::2]:443": v6, // behind routers
		"198.18.5.2:443": v4, "[fd00:5::2]:443": v6, // behind a bridge
	} {
		if got := values(t, c, to, 5); got != want {
			t.Errorf("%s gives %s, without anything between %s", to, got, want)
		}
	}
	direct.set(t, "echo 255 >../ipv6/conf/all/hop_limit; echo 255 >../ipv6/conf/eth0/hop_limit")
	if got := values(t, c, "[fd00:1::2]:443", 5); got != strings.Replace(v6, "64:", "255:", 1) {
		t.Errorf("a hop limit of 255 gives %s", got)
	}
}

// address is what ip does to give a machine both addresses in a network.
func address(network, host int, dev string) string {
	return fmt.Sprintf(`
		address add 198.18.%d.%d/24 dev %[3]s
		-6 address add fd00:%[1]d::%[2]d/64 dev %[3]s nodad
		link set %[3]s up`, network, host, dev)
}

// here and there run lines of ip on this machine and another.
func here(t *testing.T, lines string) {
	t.Helper()
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		ip(t, strings.Fields(line)...)
	}
}

func there(t *testing.T, m *machine, lines string) {
	t.Helper()
	var script strings.Builder
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		script.WriteString("ip " + strings.TrimSpace(line) + "\n")
	}
	m.set(t, script.String())
}
