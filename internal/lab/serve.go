package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// group is listeners and their connections, ended together.
type group struct {
	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
	conns     map[net.Conn]struct{}
	wg        sync.WaitGroup
}

// listen calls serve for every connection to at, in a goroutine of its own;
// the connection is closed when serve returns.
func (g *group) listen(at netip.AddrPort, serve func(net.Conn)) (netip.AddrPort, error) {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if errors.Is(err, syscall.EADDRNOTAVAIL) && at.Addr().IsLoopback() {
		return at, fmt.Errorf("this machine has no address %s: on Linux all of 127.0.0.0/8 is there, elsewhere it takes an alias for each (ifconfig lo0 alias %s): %w", at.Addr(), at.Addr(), err)
	}
	if err != nil {
		return at, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return at, errors.Join(net.ErrClosed, l.Close())
	}
	g.listeners = append(g.listeners, l)
	g.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil && g.add(conn) {
				g.wg.Go(func() {
					defer g.remove(conn)
					serve(conn)
				})
			}
		}
	})
	return l.Addr().(*net.TCPAddr).AddrPort(), nil
}

func (g *group) add(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		c.Close()
		return false
	}
	if g.conns == nil {
		g.conns = map[net.Conn]struct{}{}
	}
	g.conns[c] = struct{}{}
	return true
}

func (g *group) remove(c net.Conn) {
	c.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}

// Close ends all listeners and connections and waits for their goroutines. It
// may be called again.
func (g *group) Close() error {
	g.mu.Lock()
	g.closed = true
	var faults []error
	for _, l := range g.listeners {
		faults = append(faults, l.Close())
	}
	g.listeners = nil
	for c := range g.conns {
		c.Close()
	}
	g.mu.Unlock()
	g.wg.Wait()
	return errors.Join(faults...)
}
