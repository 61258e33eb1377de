package transport

import (
	"context"
	"errors"
	"io"
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

// localTrouble reports whether err tells of this machine, not of the host.
func localTrouble(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && localErrno(errno)
}

// endOf makes FIN an absence of error.
func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
