// Package tcpprobe captures the SYN-ACKs of hostkin's own connections.
//
// It sends nothing. A packet socket on every interface that is up, with a
// filter in the kernel that passes only outgoing SYNs and incoming SYN-ACKs,
// fills a bounded table from which a transport fetches the handshake of a
// connection that it has just made. Packet sockets need Linux and CAP_NET_RAW;
// where Open fails, the transport's TCP_INFO is what there is.
package tcpprobe

import (
	"errors"
	"time"
)

// ErrNoCapability is returned by Open when packet sockets are forbidden.
var ErrNoCapability = errors.New("CAP_NET_RAW is missing: SYN-ACKs cannot be captured, TCP_INFO is used")

// ErrUnsupported is returned by Open where there are no packet sockets.
var ErrUnsupported = errors.New("SYN-ACKs can be captured on Linux only")

const (
	// patience is how long Handshake waits for the reader. The kernel hands a
	// packet to packet sockets before TCP sees it, so that a SYN-ACK is queued
	// by the time connect returns and only scheduling is left.
	patience = 5 * time.Millisecond
	// capacity bounds the table: at some 400 bytes an entry, 6 MB.
	capacity = 1 << 14
	// lifetime is how long a handshake is kept at least, if capacity allows.
	lifetime = 5 * time.Second
)
