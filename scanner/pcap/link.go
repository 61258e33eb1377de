package pcap

import "encoding/binary"

// Link types (https://www.tcpdump.org/linktypes.html).
const (
	linkNull     = 0 // BSD loopback: an address family in the order of the machine
	linkEthernet = 1
	linkRawBSD   = 12 // raw IP as some BSDs number it
	linkRaw      = 101
	linkLoop     = 108 // OpenBSD loopback: the family in network order
	linkSLL      = 113 // Linux "any", cooked
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

// EtherTypes (IEEE 802 Numbers).
const (
	typeIPv4    = 0x0800
	typeIPv6    = 0x86dd
	typeVLAN    = 0x8100 // IEEE 802.1Q
	typeService = 0x88a8 // IEEE 802.1ad
	typeOldQinQ = 0x9100
)

// maxTags bounds the VLAN tags of one frame.
const maxTags = 4

// network takes the link layer off a frame: an IP packet, or nil for another
// protocol. known is false for a link type that hostkin cannot read.
func network(link uint16, b []byte) (packet []byte, known bool) {
	switch link {
	case linkEthernet:
		return after(b, 14, 12), true
	case linkSLL:
		return after(b, 16, 14), true
	case linkSLL2:
		return after(b, 20, 0), true
	case linkNull, linkLoop: // the version of IP is also in the packet
		return ip(b, 4), true
	case linkRaw, linkRawBSD, linkIPv4, linkIPv6:
		return ip(b, 0), true
	}
	return nil, false
}

// after is what follows a header of size bytes with an EtherType in it, and
// the VLAN tags after that.
func after(b []byte, size, at int) []byte {
	if len(b) < size {
		return nil
	}
	kind := binary.BigEndian.Uint16(b[at:])
	for range maxTags {
		if kind != typeVLAN && kind != typeService && kind != typeOldQinQ {
			break
		}
		if len(b) < size+4 {
			return nil
		}
		kind = binary.BigEndian.Uint16(b[size+2:])
		size += 4
	}
	if kind != typeIPv4 && kind != typeIPv6 {
		return nil
	}
	return ip(b, size)
}

func ip(b []byte, from int) []byte {
	if len(b) <= from {
		return nil
	}
	if v := b[from] >> 4; v != 4 && v != 6 {
		return nil
	}
	return b[from:]
}
