package targets

import (
	"net/netip"
	"slices"
	"strings"
)

// registered is one range that is no ordinary unicast address.
type registered struct {
	prefix netip.Prefix
	name   string // as in the registry
	never  bool   // not even with Options.AllowSpecial
}

// registry is the IANA IPv4 and IPv6 Special-Purpose Address Registries
// (RFC 6890, RFC 8190; as of 2025) without loopback, then what other
// registries take out of unicast: multicast (RFC 5771, RFC 4291), site-local
// (RFC 3879) and IPv4-compatible addresses (RFC 4291 section 2.5.5.1).
// It returns a fresh table: nothing here can be changed by accident.
func registry() []registered {
	entry := func(prefix, name string) registered {
		return registered{prefix: netip.MustParsePrefix(prefix), name: name}
	}
	never := func(prefix, name string) registered {
		e := entry(prefix, name)
		e.never = true
		return e
	}
	return []registered{
		entry("0.0.0.0/8", `"This network"`),
		never("0.0.0.0/32", `"This host on this network"`),
		entry("10.0.0.0/8", "Private-Use"),
		entry("100.64.0.0/10", "Shared Address Space"),
		entry("169.254.0.0/16", "Link Local"),
		entry("172.16.0.0/12", "Private-Use"),
		entry("192.0.0.0/24", "IETF Protocol Assignments"),
		entry("192.0.0.0/29", "IPv4 Service Continuity Prefix"),
		entry("192.0.0.8/32", "IPv4 dummy address"),
		entry("192.0.0.9/32", "Port Control Protocol Anycast"),
		entry("192.0.0.10/32", "Traversal Using Relays around NAT Anycast"),
		entry("192.0.0.170/31", "NAT64/DNS64 Discovery"),
		entry("192.0.2.0/24", "Documentation (TEST-NET-1)"),
		entry("192.31.196.0/24", "AS112-v4"),
		entry("192.52.193.0/24", "AMT"),
		entry("192.88.99.0/24", "Deprecated (6to4 Relay Anycast)"),
		entry("192.168.0.0/16", "Private-Use"),
		entry("192.175.48.0/24", "Direct Delegation AS112 Service"),
		entry("198.18.0.0/15", "Benchmarking"),
		entry("198.51.100.0/24", "Documentation (TEST-NET-2)"),
		entry("203.0.113.0/24", "Documentation (TEST-NET-3)"),
		never("224.0.0.0/4", "Multicast"),
		entry("240.0.0.0/4", "Reserved"),
		never("255.255.255.255/32", "Limited Broadcast"),

		entry("::/96", "IPv4-compatible"),
		never("::/128", "Unspecified Address"),
		{prefix: mappedPrefix(), name: "IPv4-mapped Address", never: true},
		entry("64:ff9b::/96", "IPv4-IPv6 Translat."),
		entry("64:ff9b:1::/48", "IPv4-IPv6 Translat."),
		entry("100::/64", "Discard-Only Address Block"),
		entry("100:0:0:1::/64", "Dummy IPv6 Prefix"),
		entry("2001::/23", "IETF Protocol Assignments"),
		entry("2001::/32", "TEREDO"),
		entry("2001:1::1/128", "Port Control Protocol Anycast"),
		entry("2001:1::2/128", "Traversal Using Relays around NAT Anycast"),
		entry("2001:1::3/128", "DNS-SD Service Registration Protocol Anycast"),
		entry("2001:2::/48", "Benchmarking"),
		entry("2001:3::/32", "AMT"),
		entry("2001:4:112::/48", "AS112-v6"),
		entry("2001:10::/28", "Deprecated (previously ORCHID)"),
		entry("2001:20::/28", "ORCHIDv2"),
		entry("2001:30::/28", "Drone Remote ID Protocol Entity Tags (DETs) Prefix"),
		entry("2001:db8::/32", "Documentation"),
		entry("2002::/16", "6to4"),
		entry("2620:4f:8000::/48", "Direct Delegation AS112 Service"),
		entry("3fff::/20", "Documentation"),
		entry("5f00::/16", "Segment Routing (SRv6) SIDs"),
		entry("fc00::/7", "Unique-Local"),
		entry("fe80::/10", "Link-Local Unicast"),
		entry("fec0::/10", "Deprecated (site-local)"),
		never("ff00::/8", "Multicast"),
	}
}

// Special reports whether a lies in a range of the IANA special-purpose
// registries, or is multicast, and names the narrowest such range. Loopback
// is not special here; an IPv4-mapped address is what it maps to.
func Special(a netip.Addr) (name string, special bool) {
	e, ok := lookup(registry(), a)
	return e.name, ok
}

func lookup(table []registered, a netip.Addr) (best registered, ok bool) {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() {
		return best, false
	}
	for _, e := range table {
		if e.prefix.Contains(a) && (!ok || e.prefix.Bits() > best.prefix.Bits()) {
			best, ok = e, true
		}
	}
	return best, ok
}

// forbidden is what may not be looked at, with AllowSpecial or without.
type forbidden struct {
	allow  bool
	table  []registered // for single addresses
	widest []registered // for ranges: no entry within another, none allowed
}

func newForbidden(allowSpecial bool) *forbidden {
	f := &forbidden{allow: allowSpecial, table: registry()}
	for _, e := range f.table {
		within := func(w registered) bool {
			return f.bans(w) && w.prefix.Bits() < e.prefix.Bits() && w.prefix.Contains(e.prefix.Addr())
		}
		if f.bans(e) && !slices.ContainsFunc(f.table, within) {
			f.widest = append(f.widest, e)
		}
	}
	f.widest = append(f.widest,
		registered{prefix: netip.MustParsePrefix("127.0.0.0/8"), name: "Loopback"},
		registered{prefix: netip.MustParsePrefix("::1/128"), name: "Loopback"})
	return f
}

func (f *forbidden) bans(e registered) bool { return e.never || !f.allow }

// address is the narrowest range that forbids a, or the IPv4 address that a
// leads to, if one does.
func (f *forbidden) address(a netip.Addr) (e registered, banned bool) {
	if e, ok := lookup(f.table, a); ok && f.bans(e) {
		return e, true
	}
	if v4, ok := embedded(a); ok {
		return f.address(v4)
	}
	return e, false
}

// detours is the IPv6 addresses that lead to forbidden IPv4 ones.
func (f *forbidden) detours() []span {
	var v4 []span
	for _, e := range f.widest {
		if e.prefix.Addr().Is4() && !e.prefix.Addr().IsLoopback() {
			v4 = append(v4, spanOf(e.prefix))
		}
	}
	return normalise(behind(normalise(v4)))
}

// carve leaves out of from..to what is forbidden. A range that reaches beyond
// loopback loses loopback too: a scan of the Internet is not meant for the
// machine that it runs on.
func (f *forbidden) carve(s span, is4 bool) (rest []span, left []registered) {
	var minus []span
	for _, e := range f.widest {
		m := spanOf(e.prefix)
		if e.prefix.Addr().Is4() != is4 || !m.overlaps(s) {
			continue
		}
		if e.prefix.Addr().IsLoopback() && m.contains(s) {
			return []span{s}, nil
		}
		minus, left = append(minus, m), append(left, e)
	}
	return subtract([]span{s}, normalise(minus)), left
}

// mappedPrefix is where IPv4 lies among the u128 values.
func mappedPrefix() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff}), 96)
}

// describe lists ranges for a note or a fault, the first few by name.
func describe(left []registered) string {
	const shown = 4
	var b strings.Builder
	for i, e := range left {
		if i == shown && len(left) > shown+1 {
			b.WriteString(" and " + plural(len(left)-shown, "more range"))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(e.prefix.String() + " (" + e.name + ")")
	}
	return b.String()
}

// embedded is the IPv4 address that packets to an IPv6 address end at: behind
// a NAT64 (RFC 6052, the well-known prefix), 6to4 (RFC 3056 section 2) or
// Teredo (RFC 4380 section 4, obfuscated) address.
func embedded(a netip.Addr) (v4 netip.Addr, ok bool) {
	if !a.Is6() || a.Is4In6() {
		return v4, false
	}
	b := a.As16()
	switch {
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case [12]byte(b[:12]) == [12]byte{0, 0x64, 0xff, 0x9b}:
		return netip.AddrFrom4([4]byte(b[12:])), true
	case [4]byte(b[:4]) == [4]byte{0x20, 0x01, 0, 0}:
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	return v4, false
}
