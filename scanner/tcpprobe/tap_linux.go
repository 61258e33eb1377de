package tcpprobe

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"sync"

	"github.com/google/gopacket/pcapgo"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	queueBytes = 2 << 20 // of each socket, if this process may have as much
	burst      = 1024    // packets in one go: a flood must not hold up who asks
	ethernet   = 14      // bytes of an Ethernet header, loopback's too
)

// tap is the packet socket of one interface.
type tap struct {
	index int
	link  int // bytes of the link-layer header

	mu     sync.Mutex
	handle *pcapgo.EthernetHandle // nil: closed
}

func openTap(i net.Interface, program []bpf.RawInstruction) (*tap, error) {
	handle, err := pcapgo.NewEthernetHandle(i.Name)
	if err != nil {
		return nil, err
	}
	t := &tap{handle: handle, index: i.Index}
	if i.Flags&net.FlagLoopback != 0 || len(i.HardwareAddr) == 6 {
		t.link = ethernet
	}
	if err := prepare(handle, program); err != nil {
		handle.Close()
		return nil, err
	}
	return t, nil
}

func prepare(handle *pcapgo.EthernetHandle, program []bpf.RawInstruction) error {
	if err := handle.SetBPF(program); err != nil {
		return fmt.Errorf("setting the capture filter: %w", err)
	}
	if err := handle.SetCaptureLength(snapLength); err != nil {
		return err
	}
	fd, err := descriptor(handle)
	if err != nil {
		return err
	}
	unix.CloseOnExec(fd)
	// Beyond net.core.rmem_max with CAP_NET_ADMIN only; the default serves too.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, queueBytes) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queueBytes)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("making the packet socket non-blocking: %w", err)
	}
	return nil
}

// descriptor reads the socket's number out of h, which keeps it to itself and
// has no way to read without waiting.
func descriptor(h *pcapgo.EthernetHandle) (int, error) {
	f := reflect.ValueOf(h).Elem().FieldByName("fd")
	if f.Kind() != reflect.Int {
		return 0, errors.New("this pcapgo.EthernetHandle has no descriptor in field fd")
	}
	return int(f.Int()), nil
}

// drain moves what is queued into a table, until the answer of the wanted flow
// was there.
func (t *tap) drain(to *table, wanted flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.handle == nil {
		return
	}
	for range burst {
		packet, info, err := t.handle.ZeroCopyReadPacketData()
		if err != nil {
			return // nothing left, or the interface reported an error, which this clears
		}
		// Before the socket was bound it saw all interfaces.
		if info.InterfaceIndex != t.index || len(packet) < t.link {
			continue
		}
		s, ok := parse(packet[t.link:])
		if !ok {
			continue
		}
		to.add(s)
		if s.answer && s.flow() == wanted {
			return
		}
	}
}

func (t *tap) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.handle != nil {
		t.handle.Close()
		t.handle = nil
	}
}
