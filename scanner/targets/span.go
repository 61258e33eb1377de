package targets

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
)

// u128 is an address as a number, or a count of addresses. An IPv4 address
// has the value of its IPv4-mapped form (RFC 4291 section 2.5.5.2), so that
// both families lie on one line; mapped addresses themselves are never kept
// as IPv6, which makes the translation back unambiguous.
type u128 struct{ hi, lo uint64 }

func fromAddr(a netip.Addr) u128 {
	b := a.As16()
	return u128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// addr is the address with the value u, IPv4 if it has one.
func (u u128) addr() netip.Addr { return u.addr6().Unmap() }

func (u u128) addr6() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], u.hi)
	binary.BigEndian.PutUint64(b[8:], u.lo)
	return netip.AddrFrom16(b)
}

func (u u128) cmp(v u128) int {
	return cmp.Or(cmp.Compare(u.hi, v.hi), cmp.Compare(u.lo, v.lo))
}

func (u u128) less(v u128) bool { return u.hi < v.hi || u.hi == v.hi && u.lo < v.lo }

func (u u128) add(v u128) u128 {
	lo, carry := bits.Add64(u.lo, v.lo, 0)
	hi, _ := bits.Add64(u.hi, v.hi, carry)
	return u128{hi, lo}
}

func (u u128) sub(v u128) u128 {
	lo, borrow := bits.Sub64(u.lo, v.lo, 0)
	hi, _ := bits.Sub64(u.hi, v.hi, borrow)
	return u128{hi, lo}
}

func (u u128) next() u128 { return u.add(u128{lo: 1}) }
func (u u128) prev() u128 { return u.sub(u128{lo: 1}) }

// len is the number of bits needed to write u: 0 for 0, up to 128.
func (u u128) len() int {
	if u.hi != 0 {
		return 64 + bits.Len64(u.hi)
	}
	return bits.Len64(u.lo)
}

// span is the addresses from..to, both included.
type span struct{ from, to u128 }

func spanOf(p netip.Prefix) span {
	p = p.Masked()
	from := fromAddr(p.Addr())
	host := p.Addr().BitLen() - p.Bits()
	to := from
	if host > 64 {
		to.hi |= 1<<(host-64) - 1
		to.lo = ^uint64(0)
	} else {
		to.lo |= 1<<host - 1 // 1<<64 is 0 in Go, and 0-1 all ones
	}
	return span{from, to}
}

func single(u u128) span { return span{u, u} }

func (s span) contains(o span) bool { return !o.from.less(s.from) && !s.to.less(o.to) }
func (s span) overlaps(o span) bool { return !s.to.less(o.from) && !o.to.less(s.from) }

// normalise sorts spans in place and merges what overlaps or touches.
func normalise(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.from.cmp(b.from) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 {
			last := &out[n-1]
			after := last.to.next()
			if !last.to.less(s.from) || after == s.from {
				if last.to.less(s.to) {
					last.to = s.to
				}
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// subtract is what is left of from without the addresses of minus; both are
// normalised.
func subtract(from, minus []span) []span {
	if len(minus) == 0 {
		return from
	}
	var out []span
	for _, s := range from {
		i, _ := slices.BinarySearchFunc(minus, s.from, func(m span, u u128) int { return m.to.cmp(u) })
		rest := true
		for ; i < len(minus) && !s.to.less(minus[i].from); i++ {
			if s.from.less(minus[i].from) {
				out = append(out, span{s.from, minus[i].from.prev()})
			}
			if !minus[i].to.less(s.to) {
				rest = false
				break
			}
			s.from = minus[i].to.next()
		}
		if rest {
			out = append(out, s)
		}
	}
	return out
}

// find is the span of the normalised spans that holds u, or -1.
func find(spans []span, u u128) int {
	i, _ := slices.BinarySearchFunc(spans, u, func(s span, u u128) int { return s.to.cmp(u) })
	if i < len(spans) && !u.less(spans[i].from) {
		return i
	}
	return -1
}
