package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/hostkin/hostkin/scanner/record"
)

// statusOf maps an error of a socket to what it says of the host. other is
// for errors without a status of their own.
func statusOf(err error, other record.Status) record.Status {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) { // net.Dialer's is the second
		return record.Timeout
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		if status := errnoStatus(errno); status != "" {
			return status
		}
	}
	return other
}

// localTrouble reports whether err, of connecting to an endpoint, tells of a
// shortage on this machine, not of the host.
func localTrouble(err error, to netip.AddrPort) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok || advice(errno) == "" {
		return false
	}
	if errno != noAddress {
		return true
	}
	// The same error says that there is no source address at all for such a
	// destination (IPv6 turned off): that lasts. UDP takes none of TCP's ports,
	// and connecting it sends nothing.
	c, err := net.Dial("udp", to.String())
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// endOf makes FIN an absence of error.
func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
