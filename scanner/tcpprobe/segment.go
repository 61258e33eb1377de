package tcpprobe

import (
	"encoding/binary"
	"net/netip"
)

// TCP flags (RFC 9293 section 3.1) that make out a handshake.
const (
	flagFIN = 0x01
	flagSYN = 0x02
	flagRST = 0x04
	flagACK = 0x10
)

// segment is one SYN or SYN-ACK.
type segment struct {
	src, dst netip.AddrPort
	seq, ack uint32
	answer   bool   // SYN-ACK
	headers  []byte // IP and TCP header, aliases the packet
}

// flow is the connection that s belongs to.
func (s segment) flow() flow {
	if s.answer {
		return flow{local: s.dst, remote: s.src}
	}
	return flow{local: s.src, remote: s.dst}
}

// parse reads a packet that begins with its IP header. Anything but a whole
// SYN or SYN-ACK gives false: fragments, IPv6 extension headers, header
// lengths that do not fit.
func parse(packet []byte) (segment, bool) {
	if len(packet) == 0 {
		return segment{}, false
	}
	switch packet[0] >> 4 {
	case 4:
		return parseIPv4(packet)
	case 6:
		return parseIPv6(packet)
	}
	return segment{}, false
}

// parseIPv4 follows RFC 791 section 3.1.
func parseIPv4(packet []byte) (segment, bool) {
	if len(packet) < 20 {
		return segment{}, false
	}
	size := int(packet[0]&0x0f) * 4
	fragment := binary.BigEndian.Uint16(packet[6:]) & 0x1fff
	if size < 20 || size > len(packet) || packet[9] != 6 || fragment != 0 {
		return segment{}, false
	}
	src, _ := netip.AddrFromSlice(packet[12:16])
	dst, _ := netip.AddrFromSlice(packet[16:20])
	return parseTCP(packet, size, src, dst)
}

// parseIPv6 follows RFC 8200 section 3.
func parseIPv6(packet []byte) (segment, bool) {
	if len(packet) < 40 || packet[6] != 6 {
		return segment{}, false
	}
	src, _ := netip.AddrFromSlice(packet[8:24])
	dst, _ := netip.AddrFromSlice(packet[24:40])
	return parseTCP(packet, 40, src, dst)
}

// parseTCP follows RFC 9293 section 3.1.
func parseTCP(packet []byte, at int, src, dst netip.Addr) (segment, bool) {
	tcp := packet[at:]
	if len(tcp) < 20 {
		return segment{}, false
	}
	size := int(tcp[12]>>4) * 4
	if size < 20 || size > len(tcp) {
		return segment{}, false
	}
	flags := tcp[13]
	if flags&(flagSYN|flagFIN|flagRST) != flagSYN {
		return segment{}, false
	}
	return segment{
		src:     netip.AddrPortFrom(src.Unmap(), binary.BigEndian.Uint16(tcp)),
		dst:     netip.AddrPortFrom(dst.Unmap(), binary.BigEndian.Uint16(tcp[2:])),
		seq:     binary.BigEndian.Uint32(tcp[4:]),
		ack:     binary.BigEndian.Uint32(tcp[8:]),
		answer:  flags&flagACK != 0,
		headers: packet[:at+size],
	}, true
}
