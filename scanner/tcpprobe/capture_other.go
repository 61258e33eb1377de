//go:build !linux

package tcpprobe

import (
	"log/slog"
	"net/netip"

	"github.com/hostkin/hostkin/scanner/record"
)

// Capture does not exist outside Linux.
type Capture struct{}

// Open returns ErrUnsupported.
func Open(*slog.Logger) (*Capture, error) { return nil, ErrUnsupported }

// Handshake returns nil.
func (*Capture) Handshake(local, remote netip.AddrPort) *record.TCP { return nil }

// Close does nothing.
func (*Capture) Close() error { return nil }
