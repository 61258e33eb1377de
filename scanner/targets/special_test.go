package targets

import (
	"net/netip"
	"testing"
)

func TestSpecial(t *testing.T) {
	tests := []struct{ addr, want string }{ // "" for an ordinary address
		{"8.8.8.8", ""}, {"1.1.1.1", ""}, {"2600::1", ""}, {"2a00::1", ""}, {"2001:200::1", ""}, {"2001:db9::1", ""},
		{"127.0.0.1", ""}, {"127.255.255.255", ""}, {"::1", ""},
		{"0.1.2.3", `"This network"`}, {"0.0.0.0", `"This host on this network"`},
		{"9.255.255.255", ""}, {"10.0.0.0", "Private-Use"}, {"10.255.255.255", "Private-Use"}, {"11.0.0.0", ""},
		{"100.63.255.255", ""}, {"100.64.0.0", "Shared Address Space"}, {"100.127.255.255", "Shared Address Space"}, {"100.128.0.0", ""},
		{"169.254.169.254", "Link Local"}, {"172.15.255.255", ""}, {"172.16.0.0", "Private-Use"}, {"172.31.255.255", "Private-Use"}, {"172.32.0.0", ""},
		{"192.0.0.200", "IETF Protocol Assignments"}, {"192.0.0.7", "IPv4 Service Continuity Prefix"}, {"192.0.0.8", "IPv4 dummy address"},
		{"192.0.0.9", "Port Control Protocol Anycast"}, {"192.0.0.10", "Traversal Using Relays around NAT Anycast"}, {"192.0.0.171", "NAT64/DNS64 Discovery"},
		{"192.0.1.0", ""}, {"192.0.2.1", "Documentation (TEST-NET-1)"}, {"198.51.100.1", "Documentation (TEST-NET-2)"}, {"203.0.113.1", "Documentation (TEST-NET-3)"},
		{"192.31.196.1", "AS112-v4"}, {"192.52.193.1", "AMT"}, {"192.88.99.1", "Deprecated (6to4 Relay Anycast)"}, {"192.168.1.1", "Private-Use"},
		{"192.175.48.1", "Direct Delegation AS112 Service"}, {"198.17.255.255", ""}, {"198.18.0.0", "Benchmarking"}, {"198.19.255.255", "Benchmarking"}, {"198.20.0.0", ""},
		{"223.255.255.255", ""}, {"224.0.0.0", "Multicast"}, {"239.255.255.255", "Multicast"}, {"240.0.0.0", "Reserved"}, {"255.255.255.254", "Reserved"}, {"255.255.255.255", "Limited Broadcast"},
		{"::", "Unspecified Address"}, {"::8.8.8.8", "IPv4-compatible"}, {"::ffff:8.8.8.8", ""}, {"::ffff:10.0.0.1", "Private-Use"},
		{"64:ff9b::1", "IPv4-IPv6 Translat."}, {"64:ff9b:1::1", "IPv4-IPv6 Translat."}, {"64:ff9b:2::1", ""},
		{"100::1", "Discard-Only Address Block"}, {"100:0:0:1::1", "Dummy IPv6 Prefix"},
		{"2001:100::1", "IETF Protocol Assignments"}, {"2001::1", "TEREDO"}, {"2001:1::1", "Port Control Protocol Anycast"}, {"2001:1::2", "Traversal Using Relays around NAT Anycast"},
		{"2001:1::3", "DNS-SD Service Registration Protocol Anycast"}, {"2001:2::1", "Benchmarking"}, {"2001:3::1", "AMT"}, {"2001:4:112::1", "AS112-v6"},
		{"2001:10::1", "Deprecated (previously ORCHID)"}, {"2001:20::1", "ORCHIDv2"}, {"2001:3f::1", "Drone Remote ID Protocol Entity Tags (DETs) Prefix"},
		{"2001:db8:ffff::1", "Documentation"}, {"2002::1", "6to4"}, {"2003::1", ""}, {"2620:4f:8000::1", "Direct Delegation AS112 Service"}, {"3fff:fff::1", "Documentation"}, {"3fff:1000::1", ""},
		{"5f00::1", "Segment Routing (SRv6) SIDs"}, {"fc00::1", "Unique-Local"}, {"fdff::1", "Unique-Local"}, {"fe80::1", "Link-Local Unicast"}, {"febf::1", "Link-Local Unicast"}, {"fec0::1", "Deprecated (site-local)"},
		{"ff02::1", "Multicast"}, {"fe80::1%eth0", "Link-Local Unicast"},
	}
	named := map[string]bool{"IPv4-mapped Address": true}
	for _, test := range tests {
		name, special := Special(netip.MustParseAddr(test.addr))
		if name != test.want || special != (test.want != "") {
			t.Errorf("Special(%s) = %q, %v, want %q", test.addr, name, special, test.want)
		}
		named[name] = true
	}
	for _, e := range registry() {
		if !named[e.name] {
			t.Errorf("no test of %s (%s)", e.prefix, e.name)
		}
		if e.prefix != e.prefix.Masked() {
			t.Errorf("%s has host bits", e.prefix)
		}
	}
}

// TestCarveAgreesWithSpecial: what a range is reduced to is exactly what would
// be allowed address by address, at every edge of every registered range.
func TestCarveAgreesWithSpecial(t *testing.T) {
	for _, allow := range []bool{false, true} {
		s := mustParse(t, args("0.0.0.0/0", "::/0"), Source{}, Options{AllowSpecial: allow})
		for _, e := range registry() {
			edge := spanOf(e.prefix)
			for _, u := range []u128{edge.from.prev(), edge.from, edge.to, edge.to.next()} {
				a := u.addr()
				if v4, ok := embedded(a); a.IsLoopback() || ok && netip.MustParsePrefix("2001::/32").Contains(a) && s.Allowed(v4) != nil {
					continue // loopback is left out of larger ranges, and Teredo's addresses are in no order
				}
				if held := find(s.spans, u) >= 0; held != (s.Allowed(a) == nil) {
					t.Errorf("AllowSpecial %v: %s is a target: %v, but Allowed says %v", allow, a, held, s.Allowed(a))
				}
			}
		}
	}
}
