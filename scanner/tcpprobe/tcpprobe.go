// Package tcpprobe captures the SYN-ACKs of hostkin's own connections.
//
// It sends nothing. A packet socket on every interface that is up, with a
// filter in the kernel that passes only outgoing SYNs and incoming SYN-ACKs,
// fills a bounded table from which a transport takes the handshake of a
// connection that it has just made. Packet sockets need Linux and CAP_NET_RAW;
// where Open fails, the transport's TCP_INFO is what there is.
package tcpprobe

import "errors"

// ErrNoCapability is returned by Open when packet sockets are forbidden.
var ErrNoCapability = errors.New("CAP_NET_RAW is missing")

// ErrUnsupported is returned by Open where there are no packet sockets.
var ErrUnsupported = errors.New("packet sockets are Linux's")
