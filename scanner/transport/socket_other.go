//go:build !linux

package transport

import (
	"context"
	"net/netip"
	"time"
)

// connect is the connector of this platform.
func connect(ctx context.Context, to netip.AddrPort, deadline time.Time) (socket, error) {
	return connectNet(ctx, to, deadline)
}
