package transport

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/scanner/record"
)

// fileSocket is a socket that is opened here and registered with Go's poller
// as an os.File. Unlike net.Dial it does not ask for the socket's error after
// connecting, so that a server that sends and resets at once is still heard.
type fileSocket struct {
	file  *os.File
	raw   syscall.RawConn
	stop  func() bool
	facts *record.TCPInfo

	dead  error // why there is no connection
	reset error // the socket's error, if connecting had to take it

	most int // of the read under way, and its results
	got  *buffer
	n    int
	err  error

	sent, noDelay bool
}

// connect is the connector of this platform.
func connect(ctx context.Context, to netip.AddrPort, deadline time.Time) (socket, error) {
	fd, err := begin(to)
	if err != nil {
		return nil, err
	}
	s := &fileSocket{file: os.NewFile(uintptr(fd), "")}
	if err := s.file.SetDeadline(deadline); err != nil {
		s.file.Close() // not pollable: the poller is out of room
		return nil, unix.ENFILE
	}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		s.file.Close()
		return nil, err
	}
	s.stop = context.AfterFunc(ctx, func() { _ = s.file.SetDeadline(expired()) })
	if err := s.raw.Write(s.connected); err != nil {
		s.dead = err
	}
	if s.dead != nil {
		s.close()
		return nil, s.dead
	}
	return s, nil
}

// begin opens a socket and starts to connect it.
func begin(to netip.AddrPort) (int, error) {
	family := unix.AF_INET
	if to.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, err
	}
	// Linger 0: close sends RST and leaves no TIME_WAIT, which would hold
	// one of our 28,000 ports for a minute after each connection.
	err = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	if err == nil {
		err = unix.Connect(fd, sockaddr(to))
	}
	if err != nil && err != unix.EINPROGRESS && err != unix.EINTR {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func sockaddr(to netip.AddrPort) unix.Sockaddr {
	if to.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	if zone := to.Addr().Zone(); zone != "" {
		if i, err := net.InterfaceByName(zone); err == nil {
			sa.ZoneId = uint32(i.Index)
		}
	}
	return sa
}

// States of a TCP socket (linux/tcp_states.h) while it connects.
const (
	tcpSynSent = 2
	tcpSynRecv = 3
	tcpClose   = 7
)

// connected looks whether the connection is established, and takes the facts
// of the handshake with the same call. TCP_INFO leaves the socket's error in
// place, which SO_ERROR would take: a reset right after the banner would then
// look like a failed connect. Only a closed socket is asked for its error.
func (s *fileSocket) connected(fd uintptr) bool {
	info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		s.dead = err
		return true
	}
	switch info.State {
	case tcpSynSent, tcpSynRecv:
		return false
	case tcpClose:
		errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		switch {
		case err != nil:
			s.dead = err
			return true
		case unix.Errno(errno) != unix.ECONNRESET && unix.Errno(errno) != unix.EPIPE && errno != 0:
			s.dead = unix.Errno(errno)
			return true
		}
		// Only an established connection ends with these (tcp_reset in
		// Linux net/ipv4/tcp_input.c). Its bytes can still be read.
		s.reset = unix.ECONNRESET
	}
	if info.Segs_in > 1 {
		// More than the SYN-ACK has come, and brought another window and with
		// it another MSS: no facts are better than facts that depend on who
		// was faster. (Kernels before 4.2 do not count: 0.)
		return true
	}
	s.facts = &record.TCPInfo{
		Options:   info.Options,
		SndWscale: windowScale(info),
		SndMSS:    info.Snd_mss,
		SndWnd:    info.Snd_wnd,
	}
	return true
}

// windowScale is tcpi_snd_wscale, the first of two bit fields of four in the
// byte after tcpi_options (linux/tcp.h), which x/sys leaves out.
func windowScale(info *unix.TCPInfo) uint8 {
	scales := *(*uint8)(unsafe.Add(unsafe.Pointer(info), unsafe.Offsetof(info.Options)+1))
	if cpu.IsBigEndian {
		return scales >> 4
	}
	return scales & 0xf
}

func (s *fileSocket) receive(most int) (*buffer, int, error) {
	s.most = most
	if err := s.raw.Read(s.read); err != nil {
		return nil, 0, err
	}
	return s.taken()
}

func (s *fileSocket) late(most int) (*buffer, int, error) {
	s.most = most
	if err := s.raw.Control(func(fd uintptr) {
		if !s.read(fd) {
			s.err = errNothing
		}
	}); err != nil {
		return nil, 0, err
	}
	return s.taken()
}

// read reads without waiting and reports whether there was something: bytes,
// FIN or an error.
func (s *fileSocket) read(fd uintptr) bool {
	b := buffers.Get().(*buffer)
	for {
		n, err := unix.Read(int(fd), b[:s.most])
		switch {
		case err == unix.EINTR:
			continue
		case n > 0:
			s.got, s.n = b, n
			return true
		}
		buffers.Put(b)
		if err == unix.EAGAIN {
			return false
		}
		s.err = err
		return true
	}
}

func (s *fileSocket) taken() (*buffer, int, error) {
	b, n, err := s.got, s.n, s.err
	s.got, s.n, s.err = nil, 0, nil
	if n == 0 && err == nil {
		err = s.reset
	}
	return b, n, err
}

// send waits until the kernel has taken all of p. Nothing may wait for the
// answer to what was sent before (Nagle's algorithm, RFC 896); a first send
// that fits one segment does not, and needs no option.
func (s *fileSocket) send(p []byte) (int, error) {
	const segment = 1220 // of IPv6's minimum MTU, 1280
	if !s.noDelay && (s.sent || len(p) > segment) {
		s.noDelay = true
		_ = s.raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		})
	}
	s.sent = true
	return s.file.Write(p)
}

func (s *fileSocket) readBy(t time.Time) error     { return s.file.SetReadDeadline(t) }
func (s *fileSocket) deadlineAt(t time.Time) error { return s.file.SetDeadline(t) }
func (s *fileSocket) info() *record.TCPInfo        { return s.facts }

func (s *fileSocket) closeWrite() error {
	var err error
	if controlErr := s.raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) }); controlErr != nil {
		return controlErr
	}
	return err
}

func (s *fileSocket) local() netip.AddrPort {
	var sa unix.Sockaddr
	_ = s.raw.Control(func(fd uintptr) { sa, _ = unix.Getsockname(int(fd)) })
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

func (s *fileSocket) close() {
	s.stop()
	s.file.Close()
}
