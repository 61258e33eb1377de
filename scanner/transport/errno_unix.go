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

// noAddress is what connecting says when there is no local port, or no local
// address, for a destination.
const noAddress = unix.EADDRNOTAVAIL

// advice is what to do about a shortage on this machine, or "" if errno tells of
// none.
func advice(errno syscall.Errno) string {
	switch errno {
	case unix.EMFILE:
		return "this process has no file descriptor left: raise the limit (ulimit -n), or lower --workers or --rate"
	case unix.ENFILE:
		return "this machine has no file descriptor left: see what holds them (lsof), or raise fs.file-max"
	case unix.EADDRNOTAVAIL, unix.EADDRINUSE, unix.EAGAIN:
		return "this machine has no local port left: widen net.ipv4.ip_local_port_range, or lower --rate"
	case unix.ENOBUFS, unix.ENOMEM:
		return "this machine has no memory left for sockets: lower --workers or --rate"
	}
	return ""
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
