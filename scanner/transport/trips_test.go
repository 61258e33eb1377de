package transport

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

func TestPatienceFollowsTheRoundTrips(t *testing.T) {
	for _, c := range []struct {
		name     string
		trip     []time.Duration
		from, to time.Duration
	}{
		{"nothing known", nil, 2 * time.Second, 2 * time.Second},
		{"near", []time.Duration{time.Millisecond}, 1250 * time.Millisecond, 1250 * time.Millisecond},
		{"far", []time.Duration{300 * time.Millisecond}, 1300 * time.Millisecond, 1350 * time.Millisecond},
		{"near and far", []time.Duration{20 * time.Millisecond, 250 * time.Millisecond}, 1400 * time.Millisecond, 1900 * time.Millisecond},
		{"very far", []time.Duration{900 * time.Millisecond, 100 * time.Millisecond}, 2 * time.Second, 2 * time.Second},
		{"answers to a second SYN", []time.Duration{1100 * time.Millisecond}, 2 * time.Second, 2 * time.Second},
	} {
		var m trips
		for i := range 100 * len(c.trip) {
			m.add(c.trip[i%len(c.trip)])
		}
		if p := m.patience(); p < c.from || p > c.to {
			t.Errorf("%s: %v, want %v to %v", c.name, p, c.from, c.to)
		}
	}
}

// Connecting is given up early only where nobody knows whether there is a host;
// once connected, or where there is one, the whole timeout counts.
func TestHurry(t *testing.T) {
	const timeout = 10 * time.Second
	slow := func(answer time.Duration) connector {
		up := piped(func(c net.Conn) { time.Sleep(4 * time.Second); io.WriteString(c, "late") })
		return func(ctx context.Context, to netip.AddrPort, deadline time.Time) (socket, error) {
			if wait := time.Until(deadline); wait < answer {
				time.Sleep(wait)
				return nil, os.ErrDeadlineExceeded
			}
			time.Sleep(answer)
			return up(ctx, to, deadline)
		}
	}
	yes, no := func() bool { return true }, func() bool { return false }
	for name, c := range map[string]struct {
		config  bool
		hurry   bool
		patient func() bool
		answer  time.Duration
		want    record.Status
		took    time.Duration // the last attempt
		dialled int64
	}{
		"silent":                    {true, true, no, time.Hour, record.Timeout, 2 * time.Second, 1},
		"silent, nobody to ask":     {true, true, nil, time.Hour, record.Timeout, 2 * time.Second, 1},
		"silent port of a host":     {true, true, yes, time.Hour, record.Timeout, timeout, 2},
		"slow host":                 {true, true, yes, 3 * time.Second, record.Closed, 7 * time.Second, 2},
		"open port":                 {true, false, no, time.Hour, record.Timeout, timeout, 1},
		"a transport without hurry": {false, true, no, time.Hour, record.Timeout, timeout, 1},
		"late to talk":              {true, true, no, time.Second, record.Closed, 5 * time.Second, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newNet(Config{Hurry: c.config, Timeout: timeout}, slow(c.answer))
			ended := make(chan struct{})
			x := &conversation.Exchange{Addr: anywhere, Conv: &conversationtest.Talk{}, Hurry: c.hurry, Patient: c.patient, Ended: func(*conversation.Exchange) { close(ended) }}
			n.Go(t.Context(), x)
			<-ended
			if off := x.Took - c.took; x.Status != c.want || off < 0 || off > 2*time.Millisecond || n.Stats().Connections != c.dialled {
				t.Errorf("%s: %q after %v and %d connections, want %q after %v and %d", name, x.Status, x.Took, n.Stats().Connections, c.want, c.took, c.dialled)
			}
		})
	}
}

// Refusals measure too, and the socket's own deadline is the whole timeout's.
func TestTripsAreMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(Config{Hurry: true}, func(context.Context, netip.AddrPort, time.Time) (socket, error) {
			time.Sleep(20 * time.Millisecond)
			return nil, syscall.ECONNREFUSED
		})
		for range enoughTrips {
			do(t.Context(), n, anywhere, &conversationtest.Talk{})
		}
		if p := n.trips.patience(); p != resend+leastRTO {
			t.Errorf("%v", p)
		}
	})
}
