// Package asn tells which autonomous system (AS) announces an address, out of
// tables that others derive from BGP: iptoasn's TSV, ranges or prefixes in CSV,
// and MMDB databases (maxmind.github.io/MaxMind-DB). See docs/formats.md.
package asn

import (
	"cmp"
	"encoding/binary"
	"net/netip"
)

// Table maps addresses to AS numbers. It may be read by many goroutines.
type Table struct {
	v4, v6 spans
	names  map[uint32]string
}

// Lookup is the number of the AS that announces an address; ok is false if
// none does. An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the IPv4 one.
func (t *Table) Lookup(ip netip.Addr) (as uint32, ok bool) {
	switch ip = ip.Unmap(); {
	case ip.Is4():
		as = t.v4.lookup(number(ip))
	case ip.Is6():
		as = t.v6.lookup(number(ip))
	}
	return as, as != 0
}

// Name is what the tables call an AS, "" if they do not: text of others, to be
// escaped on output.
func (t *Table) Name(as uint32) string { return t.names[as] }

// address is an address as a number, 128 bits.
type address struct{ high, low uint64 }

func number(ip netip.Addr) address {
	b := ip.As16()
	return address{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (a address) compare(b address) int {
	if a.high != b.high {
		return cmp.Compare(a.high, b.high)
	}
	return cmp.Compare(a.low, b.low)
}

// next is a + 1; ok is false for the last address.
func (a address) next() (n address, ok bool) {
	n = address{a.high, a.low + 1}
	if n.low == 0 {
		n.high++
	}
	return n, n != address{}
}

func (a address) minus(b address) address {
	d := address{a.high - b.high, a.low - b.low}
	if a.low < b.low {
		d.high--
	}
	return d
}

// spans cut the addresses of a family into stretches: from[i] up to from[i+1]
// belongs to as[i], 0 for nobody.
type spans struct {
	from []address
	as   []uint32
}

func (s *spans) lookup(a address) uint32 {
	low, high := 0, len(s.from) // the first that begins after a is in between
	for low < high {            // slices.BinarySearchFunc would call a function at each step
		middle := int(uint(low+high) >> 1)
		if m := s.from[middle]; m.high < a.high || m.high == a.high && m.low <= a.low {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == 0 {
		return 0
	}
	return s.as[low-1]
}

// begin says that from here on, as follows. Calls come in ascending order; the
// last one for an address counts.
func (s *spans) begin(at address, as uint32) {
	last := len(s.from) - 1
	if last >= 0 && s.from[last] == at {
		s.from, s.as = s.from[:last], s.as[:last]
		last--
	}
	if last < 0 && as == 0 || last >= 0 && s.as[last] == as {
		return
	}
	s.from, s.as = append(s.from, at), append(s.as, as)
}
