package tcpprobe

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/scanner/record"
)

const (
	maxInterfaces = 64 // a container host has one for each container
	// sweep is how often all rings are emptied when nobody asks for a
	// handshake: SYNs to silent hosts would fill them, at 200,000 a second.
	sweep = 20 * time.Millisecond
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
	stop  chan struct{}
	once  sync.Once
	swept sync.WaitGroup
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
	c := &Capture{table: newTable(capacity, lifetime), stop: make(chan struct{})}
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
	c.swept.Go(c.sweep)
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

// Handshake takes the SYN and the SYN-ACK of a connection that has just been
// made out of the capture, or returns nil if they were not seen: they went
// over another interface, a ring was overrun, or it was some seconds ago.
//
// It never waits for the network. The kernel hands a packet to packet sockets
// before TCP sees it, so that the SYN-ACK is in a ring by the time connect
// returns, and whoever asks empties the rings himself: a reader of its own
// comes too late on a busy machine.
func (c *Capture) Handshake(local, remote netip.AddrPort) *record.TCP {
	f := flow{local: plain(local), remote: plain(remote)}
	got := c.table.take(f)
	for i := 0; got == nil && i < len(c.taps); i++ {
		c.taps[i].drain(c.table, f)
		got = c.table.take(f)
	}
	return got
}

// plain is a as packets show it: IPv4 not mapped, no zone.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

func (c *Capture) sweep() {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick.C:
			for _, t := range c.taps {
				t.drain(c.table, flow{})
			}
		}
	}
}

// Close closes the sockets. It may be called again, and Handshake may be
// called after it.
func (c *Capture) Close() error {
	c.once.Do(func() { close(c.stop) })
	c.swept.Wait()
	var err error
	for _, t := range c.taps {
		err = errors.Join(err, t.close())
	}
	return err
}
