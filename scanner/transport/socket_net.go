package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
)

// netSocket is a socket over package net: for systems without one of their
// own. A server that sends and resets at once looks like a failed connect to
// it, and what it sent is lost: Dial asks for the socket's error after
// connecting.
type netSocket struct {
	conn net.Conn
	stop func() bool
}

// connectNet is the connector of netSocket.
func connectNet(ctx context.Context, to netip.AddrPort, deadline time.Time) (socket, error) {
	d := net.Dialer{Deadline: deadline, KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it a port stays taken for a minute, no more
	}
	return newNetSocket(ctx, conn, deadline)
}

func newNetSocket(ctx context.Context, conn net.Conn, deadline time.Time) (socket, error) {
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(expired()) })
	return &netSocket{conn: conn, stop: stop}, nil
}

// expired is a deadline in the past.
func expired() time.Time { return time.Unix(1, 0) }

func (s *netSocket) receive(most int) (*buffer, int, error) {
	b := buffers.Get().(*buffer)
	n, err := s.conn.Read(b[:most])
	if n > 0 {
		return b, n, nil // an error comes again
	}
	buffers.Put(b)
	return nil, 0, endOf(err)
}

// late gives the reader a millisecond: net has no way to look without a deadline.
func (s *netSocket) late(most int) (*buffer, int, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return nil, 0, err
	}
	b, n, err := s.receive(most)
	_ = s.conn.SetReadDeadline(expired())
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errNothing
	}
	return b, n, err
}

func (s *netSocket) send(p []byte) (int, error)   { return s.conn.Write(p) }
func (s *netSocket) readBy(t time.Time) error     { return s.conn.SetReadDeadline(t) }
func (s *netSocket) deadlineAt(t time.Time) error { return s.conn.SetDeadline(t) }
func (s *netSocket) info() *record.TCPInfo        { return nil }
func (s *netSocket) local() netip.AddrPort        { return addrPort(s.conn.LocalAddr()) }

func (s *netSocket) closeWrite() error {
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (s *netSocket) close() {
	s.stop()
	s.conn.Close()
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
