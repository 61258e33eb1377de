package pcap

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/reassembly"

	"github.com/hostkin/hostkin/scanner/record"
)

// unknown is no side of a connection. The sides are 0, which sent the first
// packet seen, and 1.
const unknown = -1

// maxHeld bounds what one side has said before it is clear what it speaks: a
// ClientHello is one record.
const maxHeld = 20 << 10

// maxRead bounds what is read of both sides. All that is of use comes early.
const maxRead = 2 << 20

// conn is one connection. It is a reassembly.Stream.
type conn struct {
	number, last uint64 // its first and last packet
	began, until time.Time
	shaken       time.Time // when the SYN-ACK came
	ends         [2]netip.AddrPort
	assembled    bool
	forward      int // side whose packets reassembly counts as client to server
	based        [2]bool
	base         [2]uint32 // sequence number that is 0 for reassembly

	server      int     // side, or unknown
	isn         *uint32 // of the SYN
	syn, synAck []byte  // IP and TCP headers
	begun       [2]bool // the SYN of that side was seen: its first bytes are the first

	first    int // side that spoke first, or unknown
	said     int // bytes read of both
	held     [2][]byte
	fin      [2]bool
	late     bool // the server went on when the client had ended
	rst      bool // there was a RST, which reassembly takes for an end
	reader   reader
	over     bool // nothing more is read
	gap      bool // bytes are missing
	sideless bool
	counted  int // bytes, in table.bytes
}

var _ reassembly.Stream = (*conn)(nil)

func (c *conn) side(of netip.AddrPort) int {
	if of == c.ends[0] {
		return 0
	}
	return 1
}

// replacedBy tells a SYN that begins another connection between the same ports.
func (c *conn) replacedBy(s segment) bool {
	if s.flags&(flagSYN|flagACK|flagRST) != flagSYN {
		return false
	}
	if c.isn == nil {
		return c.over || c.first != unknown || c.begun[c.side(s.src)]
	}
	return *c.isn != s.seq
}

// handshake notes SYN and SYN-ACK, the first of each, as tcpprobe does: what
// acknowledges another SYN is no answer to this one.
func (c *conn) handshake(s segment) {
	if s.flags&(flagSYN|flagRST|flagFIN) != flagSYN {
		return
	}
	side := c.side(s.src)
	c.begun[side] = true
	switch {
	case s.flags&flagACK == 0 && c.isn == nil && c.synAck == nil:
		c.isn, c.syn, c.server = &s.seq, bytes.Clone(s.headers), 1-side
	case s.flags&flagACK != 0 && c.synAck == nil && (c.isn == nil || side == c.server && s.ack == *c.isn+1):
		c.synAck, c.server, c.shaken = bytes.Clone(s.headers), side, c.until
	}
}

// Accept implements reassembly.Stream: without a SYN a side begins with what
// is seen first.
func (c *conn) Accept(tcp *layers.TCP, _ gopacket.CaptureInfo, _ reassembly.TCPFlowDirection, next reassembly.Sequence, start *bool, _ reassembly.AssemblerContext) bool {
	*start = *start || next < 0
	return true
}

// ReassembledSG implements reassembly.Stream.
func (c *conn) ReassembledSG(sg reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	dir, _, end, skip := sg.Info()
	side := c.forward
	if dir == reassembly.TCPDirServerToClient {
		side = 1 - side
	}
	if skip > 0 {
		c.lost()
	}
	if n, _ := sg.Lengths(); n > 0 {
		c.feed(side, sg.Fetch(n))
	}
	if end && !c.rst {
		c.ended(side)
	}
}

// ReassemblyComplete implements reassembly.Stream.
func (c *conn) ReassemblyComplete(reassembly.AssemblerContext) bool { return true }

// lost tells that bytes are missing: what comes after them is not read.
func (c *conn) lost() {
	c.gap = c.gap || !c.over
	c.end(record.Truncated)
}

// feed takes bytes of one side, in order.
func (c *conn) feed(side int, in []byte) {
	if c.over {
		return
	}
	if c.first == unknown {
		c.first = side
	}
	c.late = c.late || side == c.server && c.fin[1-side]
	if c.reader != nil {
		c.read(side, in)
		return
	}
	c.held[side] = append(c.held[side], in[:min(len(in), maxHeld-len(c.held[side]))]...)
	if !c.classify(false) && len(c.held[side]) == maxHeld {
		c.end(record.Truncated)
	}
}

func (c *conn) read(side int, in []byte) {
	if c.said += len(in); c.said > maxRead {
		c.end(record.Truncated)
		return
	}
	if side == c.server {
		c.reader.server(in)
	} else {
		c.reader.client(in)
	}
	if c.reader.done() {
		c.end(record.OK)
	}
}

// begin gives what was held to a reader.
func (c *conn) begin(r reader) {
	held := c.held
	c.reader, c.held = r, [2][]byte{}
	for _, side := range []int{1 - c.server, c.server} {
		if len(held[side]) > 0 && !c.over {
			c.read(side, held[side])
		}
	}
}

// ended tells of a FIN, in order. A client that has heard enough ends first; a
// FIN that answers its FIN says nothing of the server.
func (c *conn) ended(side int) {
	c.fin[side] = true
	switch {
	case side == c.server && (!c.fin[1-side] || c.late):
		c.end(record.Closed)
	case c.fin[1-side], side == 1-c.server && c.reader != nil && !c.reader.halfCloses():
		c.end(record.OK)
	}
}

// reset tells of a RST.
func (c *conn) reset(side int) {
	if side == c.server && !c.fin[1-side] {
		c.end(record.Reset)
		return
	}
	c.end(record.OK)
}

// end is called once or more often, the first time counts. why is as in
// conversation.Conversation.End. OK means that enough was read, or that the
// client left; Timeout that the capture shows no end.
func (c *conn) end(why record.Status) {
	if c.over {
		return
	}
	if c.reader == nil {
		c.classify(true)
	}
	if c.over { // what was held was all that is wanted
		return
	}
	c.over = true
	if c.reader != nil {
		c.reader.end(why)
	}
}

// kept is about how many bytes c holds.
func (c *conn) kept() int {
	n := len(c.held[0]) + len(c.held[1])
	if c.reader != nil {
		n += c.reader.kept()
	}
	return n
}

// forget drops what is of no use once c is over.
func (c *conn) forget() {
	c.reader, c.held, c.syn, c.synAck = nil, [2][]byte{}, nil, nil
}
