package tcpprobe

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/google/gopacket/pcapgo"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/scanner/record"
)

const (
	maxInterfaces = 64      // a container host has one for each container
	queueBytes    = 1 << 20 // of each socket, for bursts
	burst         = 256     // packets between two looks at whether Close was called
	ethernet      = 14      // bytes of an Ethernet header, loopback's too
)

const (
	// patience is how long Handshake waits for the reader. The kernel hands a
	// packet to packet sockets before TCP sees it, so that a SYN-ACK is queued
	// by the time connect returns and only scheduling is left.
	patience = 5 * time.Millisecond
	// capacity bounds the table: at some 400 bytes an entry, 6 MB.
	capacity = 1 << 14
	// lifetime is how long a handshake is kept at least, if capacity allows.
	lifetime = 5 * time.Second
)

// Capture reads the handshakes of this machine's connections on all interfaces
// that were up when it was opened.
type Capture struct {
	table *table
	taps  []*tap
	wg    sync.WaitGroup
	once  sync.Once
	err   error
}

// tap is the packet socket of one interface.
type tap struct {
	handle *pcapgo.EthernetHandle
	file   *os.File // duplicate of the socket, in Go's poller: closing it ends the reader
	index  int
	link   int // bytes of the link-layer header
}

// Open starts to capture. It needs CAP_NET_RAW (ErrNoCapability). An interface
// that cannot be opened is logged and left out; it is an error if none can.
func Open(log *slog.Logger) (*Capture, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := permitted(); err != nil {
		return nil, err
	}
	program, err := filter()
	if err != nil {
		return nil, fmt.Errorf("assembling the capture filter: %w", err)
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing interfaces: %w", err)
	}
	c := &Capture{table: newTable(capacity, lifetime)}
	var faults []error
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 || len(c.taps) == maxInterfaces {
			continue
		}
		t, err := openTap(i, program)
		if err != nil {
			log.Warn("no capture on interface", "interface", i.Name, "error", err)
			faults = append(faults, fmt.Errorf("%s: %w", i.Name, err))
			continue
		}
		c.taps = append(c.taps, t)
	}
	if len(c.taps) == 0 {
		return nil, fmt.Errorf("no interface to capture on: %w", errors.Join(faults...))
	}
	for _, t := range c.taps {
		c.wg.Go(func() { t.read(c.table) })
	}
	return c, nil
}

// permitted tries a packet socket that receives nothing (protocol 0), because
// pcapgo's error does not keep the errno.
func permitted() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	switch {
	case err == nil:
		return unix.Close(fd)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return ErrNoCapability
	}
	return fmt.Errorf("opening a packet socket: %w", err)
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
	if err := t.prepare(program); err != nil {
		handle.Close()
		return nil, err
	}
	return t, nil
}

func (t *tap) prepare(program []bpf.RawInstruction) error {
	if err := t.handle.SetBPF(program); err != nil {
		return fmt.Errorf("setting the capture filter: %w", err)
	}
	if err := t.handle.SetCaptureLength(snapLength); err != nil {
		return err
	}
	fd, err := descriptor(t.handle)
	if err != nil {
		return err
	}
	unix.CloseOnExec(fd)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, queueBytes) // the default serves too
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("making the packet socket non-blocking: %w", err)
	}
	second, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("duplicating the packet socket: %w", err)
	}
	t.file = os.NewFile(uintptr(second), "packet socket")
	return nil
}

// descriptor reads the socket's number out of h. EthernetHandle keeps it to
// itself and its read blocks without a way to stop it: neither closing the
// number nor shutdown(2) wakes a reader of a packet socket.
func descriptor(h *pcapgo.EthernetHandle) (int, error) {
	f := reflect.ValueOf(h).Elem().FieldByName("fd")
	if f.Kind() != reflect.Int {
		return 0, errors.New("this pcapgo.EthernetHandle has no descriptor in field fd")
	}
	return int(f.Int()), nil
}

// read notes packets until Close.
func (t *tap) read(to *table) {
	conn, err := t.file.SyscallConn()
	if err != nil {
		return
	}
	for err == nil {
		// Read calls back at once and then whenever there is something to
		// read, until the callback says true or the file is closed.
		err = conn.Read(func(uintptr) bool { return t.drain(to) })
	}
}

// drain reads what is queued: false when nothing is left, or the interface
// reported an error, which reading clears.
func (t *tap) drain(to *table) bool {
	for range burst {
		packet, info, err := t.handle.ZeroCopyReadPacketData()
		if err != nil {
			return false
		}
		// Before the socket was bound it saw all interfaces.
		if info.InterfaceIndex != t.index || len(packet) < t.link {
			continue
		}
		if s, ok := parse(packet[t.link:]); ok {
			to.add(s)
		}
	}
	return true
}

// Handshake returns the SYN and the SYN-ACK of a connection that has just been
// made, or nil if they were not seen (another interface, queue overrun, older
// than some seconds). It waits a few milliseconds at most.
func (c *Capture) Handshake(local, remote netip.AddrPort) *record.TCP {
	return c.table.get(flow{local: plain(local), remote: plain(remote)}, patience)
}

// plain is a as packets show it: IPv4 not mapped, no zone.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// Close stops the readers and closes the sockets. It may be called again.
func (c *Capture) Close() error {
	c.once.Do(func() {
		for _, t := range c.taps {
			c.err = errors.Join(c.err, t.file.Close())
		}
		c.wg.Wait()
		for _, t := range c.taps {
			t.handle.Close()
		}
	})
	return c.err
}
