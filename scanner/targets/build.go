package targets

import (
	"slices"

	"github.com/hostkin/hostkin/scanner/record"
)

// build makes the set of what is wanted and not excluded; with all, of what is
// wanted, excluded or not.
func build(want, not *gather, all bool) *Set {
	s := &Set{forbid: want.forbid, without: map[string]bool{}}
	for _, n := range not.names.all() {
		s.without[n.name] = true
	}
	excluded := not.addresses()
	for _, t := range want.titles.all() {
		if s.without[t.name] {
			excluded = append(excluded, single(t.addr))
		}
	}
	excluded = normalise(excluded)
	s.excluded = slices.Clip(normalise(append(excluded, behind(excluded)...)))
	out, without := s.excluded, s.without
	if all {
		out, without = nil, nil
	}
	s.spans = slices.Clip(subtract(subtract(want.addresses(), out), want.forbid.detours()))
	s.before = make([]u128, len(s.spans))
	for i, p := range s.spans {
		s.before[i] = s.total
		s.total = s.total.add(p.to.sub(p.from).next())
	}
	s.details = details(want, out)
	s.names = nameTargets(want.names.all(), without)
	s.total = s.total.add(u128{lo: uint64(len(s.names))})
	return s
}

// behind is the IPv6 addresses that packets to IPv4 spans can be sent by:
// NAT64 and 6to4 (see embedded; Teredo's cannot be listed, only recognised).
func behind(spans []span) []span {
	var out []span
	for _, s := range subtract(spans, gaps(spanOf(mappedPrefix()))) {
		from, to := s.from.lo&0xffffffff, s.to.lo&0xffffffff
		const nat64, sixToFour = 0x0064ff9b << 32, 0x2002 << 48
		out = append(out,
			span{u128{nat64, from}, u128{nat64, to}},
			span{u128{sixToFour | from<<16, 0}, u128{sixToFour | to<<16 | 0xffff, ^uint64(0)}})
	}
	return out
}

// gaps is everything but s.
func gaps(s span) []span {
	return subtract([]span{{to: u128{^uint64(0), ^uint64(0)}}}, []span{s})
}

// details merges the endpoints and titles by address.
func details(want *gather, excluded []span) []detail {
	var out []detail
	plain, endpoints, titles := want.spans.all(), want.endpoints.all(), want.titles.all()
	ports := make([]uint16, 0, len(endpoints)) // one array for all
	for len(endpoints) > 0 || len(titles) > 0 {
		var d detail
		if len(endpoints) == 0 || len(titles) > 0 && titles[0].addr.less(endpoints[0].addr) {
			d.addr = titles[0].addr
		} else {
			d.addr = endpoints[0].addr
		}
		first := len(ports)
		for ; len(endpoints) > 0 && endpoints[0].addr == d.addr; endpoints = endpoints[1:] {
			ports = append(ports, endpoints[0].port)
		}
		d.ports, d.also = either(ports[first:len(ports):len(ports)], find(plain, d.addr) >= 0)
		for ; len(titles) > 0 && titles[0].addr == d.addr; titles = titles[1:] {
			if d.name == "" {
				d.name = titles[0].name
			}
		}
		if find(excluded, d.addr) < 0 {
			out = append(out, d)
		}
	}
	return out
}

// either sorts a host's ports into Target.Ports, or Target.Also if it was
// mentioned bare as well.
func either(given []uint16, bare bool) (ports, also []uint16) {
	switch {
	case len(given) == 0:
		return nil, nil
	case bare:
		return nil, given
	}
	return given, nil
}

// nameTargets groups the sorted names; port 0 comes first of a name's.
func nameTargets(names []namePort, without map[string]bool) []Target {
	var out []Target
	for len(names) > 0 {
		name, bare := names[0].name, names[0].port == 0
		var given []uint16
		for ; len(names) > 0 && names[0].name == name; names = names[1:] {
			if names[0].port != 0 {
				given = append(given, names[0].port)
			}
		}
		if !without[name] {
			t := Target{Host: record.Host{Name: name}}
			t.Ports, t.Also = either(given, bare)
			out = append(out, t)
		}
	}
	return out
}
