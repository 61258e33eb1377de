package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// disturber runs this program again to keep the machine busy until stop is
// called: two processes that burn CPU, and one that connects to every site.
type disturber struct {
	stop context.CancelFunc
	cmds []*exec.Cmd
}

func disturb(ctx context.Context, sites []netip.AddrPort) (*disturber, error) {
	ctx, stop := context.WithCancel(ctx)
	d := &disturber{stop: stop}
	self, err := os.Executable()
	if err != nil {
		return d, err
	}
	list := make([]string, len(sites))
	for i, s := range sites {
		list[i] = s.String()
	}
	for _, args := range [][]string{{burnMode}, {burnMode}, append([]string{visitMode}, list...)} {
		cmd := exec.CommandContext(ctx, self, args...)
		in, err := cmd.StdinPipe() // its end is the end of the child, however this process ends
		if err != nil {
			return d, err
		}
		context.AfterFunc(ctx, func() { in.Close() })
		if err := cmd.Start(); err != nil {
			return d, fmt.Errorf("starting load: %w", err)
		}
		d.cmds = append(d.cmds, cmd)
	}
	return d, nil
}

func (d *disturber) end() {
	d.stop()
	for _, c := range d.cmds {
		_ = c.Wait() // it was killed
	}
}

// burn keeps a CPU busy until in ends.
func burn(in io.Reader) {
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(done)
	}()
	for n := uint64(1); ; n++ {
		if n&0xffffff == 0 {
			select {
			case <-done:
				return
			default:
			}
		}
	}
}

// visitors is how many handshakes visit has under way.
const visitors = 4

// visit shakes hands with the sites in turn until in ends.
func visit(in io.Reader, sites []string) {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()
	var all sync.WaitGroup
	for v := range visitors {
		all.Go(func() {
			for i := v; ctx.Err() == nil; i += visitors {
				d := tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Second}, Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}}
				limited, cancel := context.WithTimeout(ctx, time.Second)
				if c, err := d.DialContext(limited, "tcp", sites[i%len(sites)]); err == nil {
					c.Close()
				}
				cancel()
			}
		})
	}
	all.Wait()
}

// splitter stands in front of the sites and passes on what servers say in
// small pieces, with pauses. Where it cuts is decided by its seed and by the
// number of the connection.
type splitter struct {
	sites     []netip.AddrPort // in front of those of the servers, in their order
	listeners []net.Listener
	all       sync.WaitGroup
}

// split listens on the addresses that lie offset after those of the servers.
func split(sites []netip.AddrPort, seed uint64) (*splitter, error) {
	s := &splitter{}
	for i, to := range sites {
		ip := to.Addr().As4()
		ip[1] += 100
		l, err := net.Listen("tcp", netip.AddrPortFrom(netip.AddrFrom4(ip), 0).String()) // some servers hold their port on every address
		if err != nil {
			s.close()
			return nil, err
		}
		s.listeners = append(s.listeners, l)
		s.sites = append(s.sites, l.Addr().(*net.TCPAddr).AddrPort())
		s.all.Go(func() { s.serve(l, to, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	return s, nil
}

func (s *splitter) close() {
	for _, l := range s.listeners {
		l.Close()
	}
	s.all.Wait()
}

func (s *splitter) serve(l net.Listener, to netip.AddrPort, r *rand.Rand) {
	for {
		client, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		s.all.Go(func() { relay(client.(*net.TCPConn), to, own) })
	}
}

// relay ends each side as the other has ended: a FIN as a FIN, a reset as a reset.
func relay(client *net.TCPConn, to netip.AddrPort, r *rand.Rand) {
	defer client.Close()
	conn, err := net.Dial("tcp", to.String())
	if err != nil {
		return
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.CloseWrite()
		_ = server.SetReadDeadline(time.Now().Add(time.Second)) // the client is gone: it resets what is done
	}()
	err = pieces(client, server, r)
	if errors.Is(err, syscall.ECONNRESET) {
		_ = client.SetLinger(0)
	}
}

// pieces copies in segments cut after the first byte and at random places,
// never more than eight of what was read at once.
func pieces(to io.Writer, from io.Reader, r *rand.Rand) error {
	buf := make([]byte, 16<<10)
	for first := true; ; first = false {
		n, err := from.Read(buf)
		in := buf[:n]
		for cuts := 0; len(in) > 0; cuts++ {
			size := 1 + r.IntN(len(in))
			switch {
			case first && cuts == 0:
				size = 1
			case cuts == 7:
				size = len(in)
			}
			if _, err := to.Write(in[:size]); err != nil {
				return err
			}
			in = in[size:]
			time.Sleep(time.Duration(r.IntN(4000)) * time.Microsecond)
		}
		if err != nil {
			return err
		}
	}
}

// modes are what this program does when it is started by itself.
const (
	serveMode = "serve"
	burnMode  = "burn"
	visitMode = "visit"
)

func isMode(args []string) bool {
	return len(args) > 1 && strings.Contains(serveMode+" "+burnMode+" "+visitMode, args[1])
}
