package pcap

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"time"
)

// Blocks of pcapng (draft-ietf-opsawg-pcapng section 4).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockSimple    = 3
	blockEnhanced  = 6
)

const (
	byteOrderMagic = 0x1a2b3c4d
	maxBlock       = maxPacket + 64<<10 // a packet and its options
	maxInterfaces  = 1 << 12            // of one section
)

// ngReader reads pcapng. pcapgo's reader is not used: it divides by a time
// resolution of zero, allocates whatever a block says, and keeps eight bits of
// the link type.
type ngReader struct {
	r          *bufio.Reader
	order      binary.ByteOrder
	interfaces []ngInterface
	last       time.Time // of the packet before: simple packets have no time
	buf        []byte
}

// ngInterface is what an interface description says of its packets.
type ngInterface struct {
	link   uint16
	snap   uint32
	units  uint64 // of a second: the resolution of time stamps
	offset int64  // seconds
}

func (g *ngReader) next() (frame, error) {
	for {
		kind, body, err := g.block()
		if err != nil {
			return frame{}, ending(err)
		}
		switch kind {
		case blockSection:
			g.interfaces = g.interfaces[:0]
		case blockInterface:
			err = g.describe(body)
		case blockEnhanced:
			return g.enhanced(body)
		case blockSimple:
			return g.simple(body)
		}
		if err != nil {
			return frame{}, err
		}
	}
}

// block reads one block and returns what stands between its two lengths.
func (g *ngReader) block() (kind uint32, body []byte, err error) {
	var head [12]byte
	if _, err := io.ReadFull(g.r, head[:8]); err != nil {
		return 0, nil, err
	}
	have := 8
	if binary.LittleEndian.Uint32(head[:]) == blockSection { // the same in both orders
		if _, err := io.ReadFull(g.r, head[8:]); err != nil {
			return 0, nil, unexpected(err)
		}
		have = 12
		switch {
		case binary.LittleEndian.Uint32(head[8:]) == byteOrderMagic:
			g.order = binary.LittleEndian
		case binary.BigEndian.Uint32(head[8:]) == byteOrderMagic:
			g.order = binary.BigEndian
		default:
			return 0, nil, fmt.Errorf("section with byte order %x", head[8:])
		}
	}
	length := g.order.Uint32(head[4:])
	if length < uint32(have)+4 || length%4 != 0 || length > maxBlock {
		return 0, nil, fmt.Errorf("block of %d bytes", length)
	}
	if cap(g.buf) < int(length) {
		g.buf = make([]byte, length)
	}
	rest := g.buf[:int(length)-have]
	if _, err := io.ReadFull(g.r, rest); err != nil {
		return 0, nil, unexpected(err)
	}
	return g.order.Uint32(head[:]), rest[:len(rest)-4], nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// describe reads an interface description (section 4.2).
func (g *ngReader) describe(body []byte) error {
	if len(body) < 8 || len(g.interfaces) == maxInterfaces {
		return fmt.Errorf("interface %d cannot be read", len(g.interfaces))
	}
	i := ngInterface{link: g.order.Uint16(body), snap: g.order.Uint32(body[4:]), units: 1e6}
	const (
		resolution = 9 // if_tsresol
		offset     = 14
	)
	for rest := body[8:]; len(rest) >= 4; {
		code, n := g.order.Uint16(rest), int(g.order.Uint16(rest[2:]))
		padded := 4 + (n+3)&^3
		if code == 0 || padded > len(rest) {
			break
		}
		value := rest[4 : 4+n]
		switch {
		case code == resolution && n == 1:
			if i.units = unitsOf(value[0]); i.units == 0 {
				return fmt.Errorf("interface %d has a time resolution of %#x", len(g.interfaces), value[0])
			}
		case code == offset && n == 8:
			i.offset = int64(g.order.Uint64(value))
		}
		rest = rest[padded:]
	}
	g.interfaces = append(g.interfaces, i)
	return nil
}

// unitsOf reads if_tsresol: a negative power of 10, or of 2 with the top bit
// set. 0: more than 64 bits hold.
func unitsOf(b byte) uint64 {
	if b&0x80 != 0 {
		if b&0x7f > 63 {
			return 0
		}
		return 1 << (b & 0x7f)
	}
	if b > 19 {
		return 0
	}
	units := uint64(1)
	for range b {
		units *= 10
	}
	return units
}

// enhanced reads an enhanced packet block (section 4.3).
func (g *ngReader) enhanced(body []byte) (frame, error) {
	if len(body) < 20 {
		return frame{}, fmt.Errorf("packet block of %d bytes", len(body))
	}
	id, captured := g.order.Uint32(body), g.order.Uint32(body[12:])
	if uint64(id) >= uint64(len(g.interfaces)) {
		return frame{}, fmt.Errorf("interface %d is not described", id)
	}
	if uint64(captured) > uint64(len(body)-20) {
		return frame{}, fmt.Errorf("%d bytes in a block of %d", captured, len(body))
	}
	i := g.interfaces[id]
	stamp := uint64(g.order.Uint32(body[4:]))<<32 | uint64(g.order.Uint32(body[8:]))
	high, low := bits.Mul64(stamp%i.units, uint64(time.Second))
	nanos, _ := bits.Div64(high, low, i.units)
	g.last = time.Unix(int64(stamp/i.units)+i.offset, int64(nanos)).UTC()
	return frame{g.last, i.link, body[20 : 20+captured], int(g.order.Uint32(body[16:]))}, nil
}

// simple reads a simple packet block (section 4.4): of interface 0, at an
// unknown time, for which that of the packet before stands.
func (g *ngReader) simple(body []byte) (frame, error) {
	if len(body) < 4 || len(g.interfaces) == 0 {
		return frame{}, fmt.Errorf("packet block of %d bytes, %d interfaces", len(body), len(g.interfaces))
	}
	i, size := g.interfaces[0], g.order.Uint32(body)
	data := body[4:]
	if i.snap != 0 {
		data = data[:min(uint64(len(data)), uint64(i.snap))]
	}
	data = data[:min(uint64(len(data)), uint64(size))]
	return frame{g.last, i.link, data, int(size)}, nil
}
