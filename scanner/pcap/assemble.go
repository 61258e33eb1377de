package pcap

import (
	"encoding/binary"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/reassembly"
)

// What reassembly holds back while it waits for missing packets, in pages of
// about 2 kB.
const (
	maxPages     = 8192
	maxConnPages = 64
)

// assembler is gopacket's reassembly with a clock that counts packets: so what
// is old does not depend on time stamps.
type assembler struct {
	*reassembly.Assembler
	now  *moment
	next *conn
}

func newAssembler() *assembler {
	a := &assembler{now: new(moment)}
	a.renew()
	return a
}

func (a *assembler) renew() {
	a.Assembler = reassembly.NewAssembler(reassembly.NewStreamPool(a))
	a.MaxBufferedPagesTotal, a.MaxBufferedPagesPerConnection = maxPages, maxConnPages
}

// moment is the number of a packet as a time.
type moment struct{ packet uint64 }

func (m *moment) time() time.Time { return time.Unix(0, int64(m.packet)) }

// GetCaptureInfo implements reassembly.AssemblerContext.
func (m *moment) GetCaptureInfo() gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: m.time()}
}

// New implements reassembly.StreamFactory: the stream is the connection that
// the packet was found to belong to.
func (a *assembler) New(_, _ gopacket.Flow, _ *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	return a.next
}

// add gives a segment of c to reassembly, which calls back with whatever is in
// order now. It was not written for hostile captures: false means that it has
// panicked, and that c cannot be read on.
func (a *assembler) add(c *conn, s segment, packet uint64) (ok bool) {
	defer func() { ok = recover() == nil }()
	var header [20]byte // options are of no use here, and may be malformed
	copy(header[:], s.tcp)
	header[12] = 5 << 4
	side := c.side(s.src)
	if !c.based[side] {
		c.based[side], c.base[side] = true, s.seq-middle
	}
	binary.BigEndian.PutUint32(header[4:], s.seq-c.base[side])
	var tcp layers.TCP
	if err := tcp.DecodeFromBytes(header[:], gopacket.NilDecodeFeedback); err != nil {
		return false
	}
	if s.flags&flagRST == 0 { // some say in words why they reset
		tcp.Payload = s.payload
	}
	// Connections are told apart by a number of our own: ports are used again.
	var ends [2][9]byte
	for side := range ends {
		binary.BigEndian.PutUint64(ends[side][:], c.number)
		ends[side][8] = byte(side)
	}
	if !c.assembled {
		c.assembled, c.forward = true, side
	}
	a.next, a.now.packet = c, packet
	a.AssembleWithContext(gopacket.NewFlow(endpointConnection, ends[side][:], ends[1-side][:]), &tcp, a.now)
	return true
}

// middle is where a side's sequence numbers begin for reassembly, whose
// comparison is one off where they pass through 0.
const middle = 1 << 30

// endpointConnection is a number that gopacket does not use.
const endpointConnection gopacket.EndpointType = 1 << 16

// flush gives up on what has been waited for since before a packet, and
// forgets connections that were silent since. After false nothing is held any
// more, of any connection.
func (a *assembler) flush(before uint64) (ok bool) {
	defer func() {
		if ok = recover() == nil; !ok {
			a.renew()
		}
	}()
	a.FlushCloseOlderThan((&moment{before}).time())
	return true
}
