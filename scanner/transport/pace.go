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
	nets  map[netip.Prefix]*network
	limit int // sweep nets when it is larger
}

// wait returns at the moment when a connection to addr may start, or with the
// error of ctx. The network's moment comes first, so that a busy network does
// not hold back moments of the whole.
func (p *pace) wait(ctx context.Context, addr netip.Addr) error {
	if prefix, ok := p.limited(addr); ok {
		if err := sleep(ctx, p.moment(prefix)); err != nil {
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

// moment takes the next free moment of a network.
func (p *pace) moment(prefix netip.Prefix) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nets[prefix]
	if n == nil {
		n = p.add(prefix)
	}
	at := later(n.next, time.Now())
	n.next = at.Add(interval(n.rate(p.perNet)))
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
