//go:build unix

package transport

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/scanner/record"
)

// errnoStatus is what errno says of the host, or "".
func errnoStatus(errno syscall.Errno) record.Status {
	switch errno {
	case unix.ECONNREFUSED:
		return record.Refused
	case unix.ETIMEDOUT:
		return record.Timeout
	case unix.ECONNRESET, unix.EPIPE, unix.ENOTCONN:
		return record.Reset
	case unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENETDOWN, unix.EACCES, unix.EPERM, unix.EPROTO:
		return record.Unreachable
	}
	return ""
}

// localErrno reports whether errno tells of this machine, not of the host: no
// descriptor, no memory for a socket, no local port.
func localErrno(errno syscall.Errno) bool {
	switch errno {
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.EADDRNOTAVAIL, unix.EADDRINUSE, unix.EAGAIN:
		return true
	}
	return false
}

// socketsAtOnce is how many sockets may be under way: the descriptors that
// this process may have (Go has raised the soft limit) without a reserve for
// files, captures and the runtime.
func socketsAtOnce() int {
	const most, reserve = 1 << 16, 64
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > most {
		return most
	}
	return max(int(limit.Cur)-reserve, int(limit.Cur)/2, 1)
}
