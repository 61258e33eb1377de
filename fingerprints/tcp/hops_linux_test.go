package tcp

import (
	"strings"
	"testing"
)

// A value tells of the server, not of the way to it: two routers between, over
// IPv4 and IPv6, change nothing.
func TestHopsChangeNothing(t *testing.T) {
	if !alone(t) {
		return
	}
	const up = "ip link set eth0 up; "
	direct := start(t, ":443", up+"ip address add 198.18.1.2/24 dev eth0; ip -6 address add fd00:1::2/64 dev eth0 nodad")
	near := start(t, "", up+"ip address add 198.18.2.2/24 dev eth0; ip -6 address add fd00:2::2/64 dev eth0 nodad"+`
		ip link set far up; ip address add 198.18.3.1/24 dev far; ip -6 address add fd00:3::1/64 dev far nodad
		ip route add 198.18.4.0/24 via 198.18.3.2; ip -6 route add fd00:4::/64 via fd00:3::2
		echo 1 >ip_forward; echo 1 >../ipv6/conf/all/forwarding`)
	far := start(t, "", up+"ip address add 198.18.3.2/24 dev eth0; ip -6 address add fd00:3::2/64 dev eth0 nodad"+`
		ip link set far up; ip address add 198.18.4.1/24 dev far; ip -6 address add fd00:4::1/64 dev far nodad
		ip route add 198.18.2.0/24 via 198.18.3.1; ip -6 route add fd00:2::/64 via fd00:3::1
		echo 1 >ip_forward; echo 1 >../ipv6/conf/all/forwarding`)
	routed := start(t, ":443", up+"ip address add 198.18.4.2/24 dev eth0; ip -6 address add fd00:4::2/64 dev eth0 nodad"+`
		ip route add default via 198.18.4.1; ip -6 route add default via fd00:4::1`)
	hopLimit := start(t, ":443", "echo 255 >../ipv6/conf/all/hop_limit; echo 255 >../ipv6/conf/eth0/hop_limit\n"+
		up+"ip -6 address add fd00:5::2/64 dev eth0 nodad")
	direct.plug(t, nil, "direct")
	near.plug(t, nil, "near")
	far.plug(t, near, "far")
	routed.plug(t, far, "far")
	hopLimit.plug(t, nil, "limit")
	for _, set := range []string{
		"address add 198.18.1.1/24 dev direct", "-6 address add fd00:1::1/64 dev direct nodad", "link set direct up",
		"address add 198.18.2.1/24 dev near", "-6 address add fd00:2::1/64 dev near nodad", "link set near up",
		"-6 address add fd00:5::1/64 dev limit nodad", "link set limit up",
		"route add 198.18.4.0/24 via 198.18.2.2", "-6 route add fd00:4::/64 via fd00:2::2",
	} {
		ip(t, strings.Fields(set)...)
	}
	for _, m := range []*machine{direct, near, far, routed, hopLimit} {
		m.ready(t)
	}

	c := capture(t)
	v4, v6 := values(t, c, "198.18.1.2:443", 5), values(t, c, "[fd00:1::2]:443", 5)
	t.Log(v4, v6)
	if ttl := ask(t, config(c), "198.18.4.2:443").SYNACK[8]; ttl != 62 {
		t.Errorf("TTL %d behind two routers, want 62", ttl)
	}
	if got := values(t, c, "198.18.4.2:443", 5); got != v4 {
		t.Errorf("behind two routers %s, directly %s", got, v4)
	}
	if got := values(t, c, "[fd00:4::2]:443", 5); got != v6 {
		t.Errorf("behind two routers %s, directly %s", got, v6)
	}
	if got := values(t, c, "[fd00:5::2]:443", 5); got != strings.Replace(v6, "64:", "255:", 1) {
		t.Errorf("a hop limit of 255 gives %s", got)
	}
	if v4 == v6 {
		t.Errorf("both IPv4 and IPv6 give %s", v4)
	}
}
