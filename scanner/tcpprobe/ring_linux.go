package tcpprobe

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ring's shape. A frame holds its header (80 bytes with the link-layer
// header before the IP header) and what a handshake has of IP and TCP headers,
// 120 bytes at most; a block is a multiple of the page size on all systems.
const (
	frameBytes  = 256
	blockBytes  = 64 << 10
	blocks      = 16
	frames      = blocks * blockBytes / frameBytes
	mostHeaders = 60 + 60
)

// patience is how often to look again for a frame that is being written. It is
// never used up unless the kernel forgets one.
const patience = 1 << 20

// ring is what the kernel writes packets of one packet socket into
// (TPACKET_V2, Documentation/networking/packet_mmap.rst in Linux). Unlike the
// socket's queue it does not count against net.core.rmem_max, where a network
// card's packets take two pages each and a hundred SYN-ACKs at once are too
// many, and reading costs no system call.
type ring struct {
	memory []byte
	next   int // frame that the kernel fills next, if it has not yet
}

// newRing makes the ring of a packet socket, which drops what was queued.
func newRing(fd int) (*ring, error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2); err != nil {
		return nil, fmt.Errorf("choosing TPACKET_V2: %w", err)
	}
	shape := unix.TpacketReq{Block_size: blockBytes, Block_nr: blocks, Frame_size: frameBytes, Frame_nr: frames}
	if err := unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &shape); err != nil {
		return nil, fmt.Errorf("making a ring: %w", err)
	}
	memory, err := unix.Mmap(fd, 0, blocks*blockBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping the ring: %w", err)
	}
	return &ring{memory: memory}, nil
}

// read copies the next packet, from its IP header on, to the start of into. It
// returns false when there is none.
func (r *ring) read(into *[mostHeaders]byte) (packet []byte, ok bool) {
	for tries := 0; !r.whole(0); tries++ {
		if tries == patience || !r.overtaken() {
			return nil, false
		}
		runtime.Gosched()
	}
	frame := r.frame(0)
	header := header(frame)
	start := min(int(header.Net), frameBytes)
	end := min(int(header.Mac)+int(header.Snaplen), frameBytes)
	n := copy(into[:], frame[start:max(start, end)])
	atomic.StoreUint32(&header.Status, unix.TP_STATUS_KERNEL)
	r.next = (r.next + 1) % frames
	return into[:n], true
}

// overtaken reports whether another processor has finished a frame behind the
// next one, which is then being written: it comes first, however long its
// processor (one of a virtual machine, say) stands still. Each processor writes
// one frame at a time.
func (r *ring) overtaken() bool {
	for ahead := range runtime.NumCPU() {
		if r.whole(ahead + 1) {
			return true
		}
	}
	return false
}

// whole reports whether a frame, counted from the next one, can be read. The
// kernel sets TP_STATUS_USER when it can, and nothing but our zero gives the
// frame back to it.
func (r *ring) whole(ahead int) bool {
	return atomic.LoadUint32(&header(r.frame(ahead)).Status)&unix.TP_STATUS_USER != 0
}

func (r *ring) frame(ahead int) []byte {
	return r.memory[(r.next+ahead)%frames*frameBytes:][:frameBytes]
}

func header(frame []byte) *unix.Tpacket2Hdr {
	return (*unix.Tpacket2Hdr)(unsafe.Pointer(&frame[0]))
}

func (r *ring) close() error { return unix.Munmap(r.memory) }
