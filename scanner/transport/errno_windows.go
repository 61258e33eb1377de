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

// noAddress is what connecting says when there is no local port, or no local
// address, for a destination.
const noAddress = windows.WSAEADDRNOTAVAIL

// advice is what to do about a shortage on this machine, or "" if errno tells of
// none.
func advice(errno syscall.Errno) string {
	switch errno {
	case windows.WSAEMFILE:
		return "this process has no socket left: lower --workers or --rate"
	case windows.WSAENOBUFS:
		return "this machine has no memory left for sockets: lower --workers or --rate"
	case windows.WSAEADDRNOTAVAIL, windows.WSAEADDRINUSE:
		return "this machine has no local port left: widen the dynamic port range (netsh int ipv4), or lower --rate"
	}
	return ""
}

// socketsAtOnce is how many sockets may be under way: Windows sets no limit a
// process, so that of its ephemeral ports (49152 and up) counts.
func socketsAtOnce() int { return 16 << 10 }
