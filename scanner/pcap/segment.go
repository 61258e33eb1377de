package pcap

import (
	"encoding/binary"
	"net/netip"
)

// TCP flags (RFC 9293 section 3.1).
const (
	flagFIN = 0x01
	flagSYN = 0x02
	flagRST = 0x04
	flagACK = 0x10
)

// segment is one TCP segment. Its slices are those of the frame.
type segment struct {
	src, dst netip.AddrPort
	seq, ack uint32
	flags    uint8
	headers  []byte // IP and TCP header; nil where IPv6 extension headers stand between them
	tcp      []byte // TCP header
	payload  []byte // as far as it was captured
	cut      bool   // there was more
}

// verdict is what became of a packet.
type verdict uint8

const (
	isTCP verdict = iota
	otherProtocol
	isFragment
	isBroken
)

// parse reads a packet that begins with its IP header.
func parse(packet []byte) (segment, verdict) {
	if packet[0]>>4 == 4 {
		return parseIPv4(packet)
	}
	return parseIPv6(packet)
}

// protocolTCP is the IP protocol number.
const protocolTCP = 6

// parseIPv4 follows RFC 791 section 3.1. A total length of 0 is that of a
// packet which the network card was to cut into segments.
func parseIPv4(packet []byte) (segment, verdict) {
	if len(packet) < 20 {
		return segment{}, isBroken
	}
	size, total := int(packet[0]&0x0f)*4, int(binary.BigEndian.Uint16(packet[2:]))
	if size < 20 || size > len(packet) || total != 0 && total < size {
		return segment{}, isBroken
	}
	switch {
	case packet[9] != protocolTCP:
		return segment{}, otherProtocol
	case binary.BigEndian.Uint16(packet[6:])&0x3fff != 0: // more fragments, or an offset
		return segment{}, isFragment
	}
	cut := total > len(packet)
	if total != 0 && !cut {
		packet = packet[:total] // behind it is padding
	}
	src, _ := netip.AddrFromSlice(packet[12:16])
	dst, _ := netip.AddrFromSlice(packet[16:20])
	return parseTCP(packet, size, src, dst, cut)
}

// Extension headers of IPv6 (RFC 8200 section 4).
const (
	headerHopByHop    = 0
	headerRouting     = 43
	headerFragment    = 44
	headerDestination = 60
	maxHeaders        = 8 // of one packet
)

// parseIPv6 follows RFC 8200 section 3.
func parseIPv6(packet []byte) (segment, verdict) {
	if len(packet) < 40 {
		return segment{}, isBroken
	}
	total := 40 + int(binary.BigEndian.Uint16(packet[4:]))
	cut := total > len(packet)
	if total != 40 && !cut {
		packet = packet[:total]
	}
	src, _ := netip.AddrFromSlice(packet[8:24])
	dst, _ := netip.AddrFromSlice(packet[24:40])
	next, at := packet[6], 40
	for range maxHeaders {
		switch next {
		case protocolTCP:
			return parseTCP(packet, at, src, dst, cut)
		case headerFragment:
			return segment{}, isFragment
		case headerHopByHop, headerRouting, headerDestination:
			if len(packet) < at+8 {
				return segment{}, isBroken
			}
			next, at = packet[at], at+8*(1+int(packet[at+1]))
		default:
			return segment{}, otherProtocol
		}
		if at > len(packet) {
			return segment{}, isBroken
		}
	}
	return segment{}, isBroken
}

// parseTCP follows RFC 9293 section 3.1.
func parseTCP(packet []byte, at int, src, dst netip.Addr, cut bool) (segment, verdict) {
	tcp := packet[at:]
	if len(tcp) < 20 {
		return segment{}, isBroken
	}
	size := int(tcp[12]>>4) * 4
	if size < 20 || size > len(tcp) {
		return segment{}, isBroken
	}
	s := segment{
		src:     netip.AddrPortFrom(src.Unmap(), binary.BigEndian.Uint16(tcp)),
		dst:     netip.AddrPortFrom(dst.Unmap(), binary.BigEndian.Uint16(tcp[2:])),
		seq:     binary.BigEndian.Uint32(tcp[4:]),
		ack:     binary.BigEndian.Uint32(tcp[8:]),
		flags:   tcp[13],
		tcp:     tcp[:size],
		payload: tcp[size:],
		cut:     cut,
	}
	if packet[0]>>4 == 4 || at == 40 {
		s.headers = packet[:at+size]
	}
	if s.src.Port() == 0 || s.dst.Port() == 0 { // reserved, and no port of an observation
		return segment{}, isBroken
	}
	return s, isTCP
}
