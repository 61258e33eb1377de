package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/gopacket/pcapgo"
)

// ErrNoCapture is returned for a file that is neither pcap nor pcapng.
var ErrNoCapture = errors.New("neither pcap nor pcapng")

// Fault is damage to a file: all packets before it were read.
type Fault struct {
	Packet uint64 // its number in the file, counted from 1
	Err    error
}

func (f *Fault) Error() string { return fmt.Sprintf("packet %d: %v", f.Packet, f.Err) }

// Unwrap returns what is wrong.
func (f *Fault) Unwrap() error { return f.Err }

// maxPacket is the longest packet taken, in bytes: MAXIMUM_SNAPLEN of tcpdump.
const maxPacket = 262144

// frame is one packet as it was captured.
type frame struct {
	at   time.Time // UTC
	link uint16    // LINKTYPE_*
	data []byte    // valid until the next frame is read
	size int       // bytes on the wire; more than data where the capture cut it
}

// frames reads one capture. io.EOF ends it; any other error is a damage.
type frames interface {
	next() (frame, error)
}

// Is reports whether a file that begins with head (8 bytes) is a capture.
func Is(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	switch binary.LittleEndian.Uint32(head) {
	case 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, blockSection:
		return true
	}
	return false
}

// openFrames looks at the first bytes of a file, which is not compressed.
func openFrames(in io.Reader) (frames, error) {
	r := bufio.NewReaderSize(in, 256<<10)
	head, err := r.Peek(24)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case !Is(head):
		return nil, ErrNoCapture
	case binary.LittleEndian.Uint32(head) == blockSection:
		return &ngReader{r: r}, nil
	case err == io.EOF:
		return nil, &Fault{1, errors.New("the file ends within its header")}
	}
	return openClassic(r, head)
}

// classic reads the pcap format (draft-ietf-opsawg-pcap).
type classic struct {
	r    *pcapgo.Reader
	link uint16
}

func openClassic(r *bufio.Reader, head []byte) (frames, error) {
	// pcapgo keeps eight bits of the link type: LINKTYPE_LINUX_SLL2 is 276.
	c := &classic{link: binary.LittleEndian.Uint16(head[20:])}
	if head[0] == 0xa1 { // big-endian
		c.link = binary.BigEndian.Uint16(head[22:])
	}
	var err error
	if c.r, err = pcapgo.NewReader(r); err != nil {
		return nil, &Fault{1, err}
	}
	c.r.SetSnaplen(maxPacket) // the header's may be anything, and is a buffer's size
	return c, nil
}

func (c *classic) next() (frame, error) {
	data, info, err := c.r.ZeroCopyReadPacketData()
	if err != nil {
		return frame{}, ending(err)
	}
	return frame{info.Timestamp, c.link, data, info.Length}, nil
}

// ending tells the end of a file between packets from one within a packet.
func ending(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends within it")
	}
	return err
}
