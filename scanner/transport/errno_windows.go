package transport

import (
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/hostkin/hostkin/scanner/record"
)

// errnoStatus is what errno says of the host, or "".
func errnoStatus(errno syscall.Errno) record.Status {
	switch errno {
	case windows.WSAECONNREFUSED:
		return record.Refused
	case windows.WSAETIMEDOUT:
		return record.Timeout
	case windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAESHUTDOWN, windows.WSAENOTCONN:
		return record.Reset
	case windows.WSAEHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAEHOSTDOWN, windows.WSAENETDOWN, windows.WSAEACCES:
		return record.Unreachable
	}
	return ""
}

// localErrno reports whether errno tells of this machine, not of the host: no
// descriptor, no memory for a socket, no local port.
func localErrno(errno syscall.Errno) bool {
	switch errno {
	case windows.WSAEMFILE, windows.WSAENOBUFS, windows.WSAEADDRNOTAVAIL, windows.WSAEADDRINUSE:
		return true
	}
	return false
}

// socketsAtOnce is how many sockets may be under way: Windows sets no limit a
// process, so that of its ephemeral ports (49152 and up) counts.
func socketsAtOnce() int { return 16 << 10 }
