package transport

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// slowStart is the time over which the rate grows from a tenth to the whole.
const slowStart = 5 * time.Second

// burst is how far a rate may lag behind and catch up: timers wake late by
// about a millisecond, which must not lower a high rate.
const burst = 10 * time.Millisecond

// pace hands out the moments at which connections may start: evenly spaced
// over all (rate) and within one network (perNet).
type pace struct {
	rate, perNet float64 // a second; 0 no limit
	slowStart    bool

	mu    sync.Mutex
	begun time.Time // of the slow start
	next  time.Time // free moment over all
	nets  map[netip.Prefix]time.Time
	limit int // sweep nets when it is larger
}

// wait returns at the moment when a connection to addr may start, or with the
// error of ctx. The network's moment comes first, so that a busy network does
// not hold back moments of the whole.
func (p *pace) wait(ctx context.Context, addr netip.Addr) error {
	if p.perNet > 0 && !addr.IsLoopback() {
		if err := sleep(ctx, p.network(addr)); err != nil {
			return err
		}
	}
	if p.rate > 0 {
		return sleep(ctx, p.all(p.slowStart && !addr.IsLoopback()))
	}
	return ctx.Err()
}

// all takes the next free moment over all.
func (p *pace) all(slowly bool) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	at := later(p.next, now.Add(-burst))
	rate := p.rate
	if slowly {
		if p.begun.IsZero() {
			p.begun = now
			at = now
		}
		// The rate of the moment handed out, not of now: many may wait ahead of it.
		rate *= min(1, max(.1, float64(at.Sub(p.begun))/float64(slowStart)))
	}
	p.next = at.Add(interval(rate))
	return at
}

// network takes the next free moment of addr's /24 or /48.
func (p *pace) network(addr netip.Addr) time.Time {
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	prefix, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return time.Time{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	at := later(p.nets[prefix], now)
	if p.nets == nil {
		p.nets = map[netip.Prefix]time.Time{}
	}
	p.nets[prefix] = at.Add(interval(p.perNet))
	if len(p.nets) > p.limit {
		// Networks that are free again need no memory: a scan of the
		// whole Internet has sixteen million.
		for net, next := range p.nets {
			if !next.After(now) {
				delete(p.nets, net)
			}
		}
		p.limit = 2*len(p.nets) + 1024
	}
	return at
}

func interval(rate float64) time.Duration {
	return time.Duration(min(float64(time.Second)/rate, float64(time.Hour)))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sleep waits until a moment or the end of ctx, whose error it returns.
func sleep(ctx context.Context, until time.Time) error {
	wait := time.Until(until)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
