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

// tap is the packet socket of one interface.
type tap struct {
	handle *pcapgo.EthernetHandle

	mu   sync.Mutex
	ring *ring // nil: closed
}

func openTap(i net.Interface, program []bpf.RawInstruction) (*tap, error) {
	handle, err := pcapgo.NewEthernetHandle(i.Name)
	if err != nil {
		return nil, err
	}
	ring, err := prepare(handle, program)
	if err != nil {
		handle.Close()
		return nil, err
	}
	return &tap{handle: handle, ring: ring}, nil
}

func prepare(handle *pcapgo.EthernetHandle, program []bpf.RawInstruction) (*ring, error) {
	if err := handle.SetBPF(program); err != nil {
		return nil, fmt.Errorf("setting the capture filter: %w", err)
	}
	fd, err := descriptor(handle)
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(fd)
	return newRing(fd)
}

// descriptor reads the socket's number out of h, which keeps it to itself and
// can neither read without waiting nor be woken: no way to close a capture.
func descriptor(h *pcapgo.EthernetHandle) (int, error) {
	f := reflect.ValueOf(h).Elem().FieldByName("fd")
	if f.Kind() != reflect.Int {
		return 0, errors.New("this pcapgo.EthernetHandle has no descriptor in field fd")
	}
	return int(f.Int()), nil
}

// drain moves what the ring holds into a table, until the answer of the wanted
// flow was there.
func (t *tap) drain(to *table, wanted flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ring == nil {
		return
	}
	var packet [mostHeaders]byte
	for range frames { // a flood must not hold up who asks
		b, ok := t.ring.read(&packet)
		if !ok {
			return
		}
		s, ok := parse(b)
		if !ok {
			continue
		}
		to.add(s)
		if s.answer && s.flow() == wanted {
			return
		}
	}
}

func (t *tap) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ring == nil {
		return nil
	}
	err := t.ring.close()
	t.ring = nil
	t.handle.Close()
	return err
}
