// Package transport drives conversations over the operating system's TCP. It
// owns everything that a protocol must not know: connecting, deadlines, byte
// caps, rates, who may be contacted, and counting.
package transport

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Defaults of Config.Timeout and Config.Bytes: no connection is without limits.
const (
	DefaultTimeout = 5 * time.Second
	DefaultBytes   = 1 << 20
)

// Config says how politely and how long to talk. The zero Config limits
// nothing but the time and bytes of a connection.
type Config struct {
	Rate      float64                                        // connections per second over all; 0 no limit
	PerHost   int                                            // connections at once to one address; 0 no limit
	PerNet    float64                                        // connections per second to one /24 or /48; 0 no limit; loopback has none
	SlowStart bool                                           // ramp up to Rate over the first seconds; never for loopback
	Timeout   time.Duration                                  // default of Limits.Timeout; 0 means DefaultTimeout
	Hurry     bool                                           // give up connecting early where an exchange allows it, by the round trips seen
	Bytes     int64                                          // default of Limits.Bytes; 0 means DefaultBytes
	Guard     func(netip.Addr) error                         // asked right before each connect, unmapped address; an error ends it as Excluded
	Handshake func(local, remote netip.AddrPort) *record.TCP // captured SYN-ACK of a connection, must not wait; nil: TCP_INFO alone (linux)
	Log       *slog.Logger                                   // told when the machine runs out of sockets or ports; nil: nobody
}

// Net is a conversation.Transport over the operating system's sockets, with
// one goroutine for each connection under way. Go never blocks: what exceeds
// the limit per host waits in a queue without a goroutine.
type Net struct {
	cfg     Config
	connect connector
	pace    pace
	files   chan struct{} // one element for each socket under way, so that descriptors last

	mu    sync.Mutex
	hosts map[netip.Addr]*host

	trips    trips
	shortage shortage

	count  counters
	slowed moan
}

var _ conversation.Transport = (*Net)(nil)

// connector makes a socket of the platform: connected, or an error from which
// statusOf tells the status. It gives up at the deadline or when ctx ends.
type connector func(ctx context.Context, to netip.AddrPort, deadline time.Time) (socket, error)

// New makes a transport. Its rates start to count with its first connection.
func New(c Config) *Net { return newNet(c, connect) }

func newNet(c Config, how connector) *Net {
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Bytes <= 0 {
		c.Bytes = DefaultBytes
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Net{
		cfg:     c,
		connect: how,
		pace:    pace{rate: c.Rate, perNet: c.PerNet, slowStart: c.SlowStart},
		files:   make(chan struct{}, socketsAtOnce()),
		hosts:   map[netip.Addr]*host{},
	}
}

// host is what is under way to one address and what waits for it.
type host struct {
	active  int
	waiting []*waiter
}

type waiter struct {
	ctx   context.Context
	x     *conversation.Exchange
	stop  func() bool // of the watch on ctx
	taken bool        // started or cancelled; guarded by Net.mu
}

// Go makes the connection of x as soon as the limits allow and returns at once.
func (n *Net) Go(ctx context.Context, x *conversation.Exchange) {
	if n.cfg.PerHost <= 0 {
		go n.run(ctx, x)
		return
	}
	ip := x.Addr.Addr().Unmap()
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[ip]
	if h == nil {
		h = &host{}
		n.hosts[ip] = h
	}
	if h.active < n.cfg.PerHost {
		h.active++
		go n.run(ctx, x)
		return
	}
	w := &waiter{ctx: ctx, x: x}
	w.stop = context.AfterFunc(ctx, func() { n.giveUp(w) })
	h.waiting = append(h.waiting, w)
}

// giveUp ends an exchange that was cancelled while it waited for its host.
func (n *Net) giveUp(w *waiter) {
	n.mu.Lock()
	taken := w.taken
	w.taken = true
	n.mu.Unlock()
	if !taken {
		w.x.At = time.Now()
		n.end(w.x, record.Cancelled)
	}
}

// leave frees a place at a host and starts who waits for it. The next exchange
// gets a goroutine of its own: the Ended of this one may take its time.
func (n *Net) leave(ip netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[ip]
	for len(h.waiting) > 0 {
		w := h.waiting[0]
		h.waiting = h.waiting[1:]
		if w.taken {
			continue
		}
		w.taken = true
		w.stop()
		go n.run(w.ctx, w.x)
		return
	}
	if h.active--; h.active == 0 {
		delete(n.hosts, ip)
	}
}

// run is the life of one exchange. Its place at the host and its descriptor
// are free again before Ended is called, so that Ended may call Go.
func (n *Net) run(ctx context.Context, x *conversation.Exchange) {
	why := n.exchange(ctx, x)
	if n.cfg.PerHost > 0 {
		n.leave(x.Addr.Addr().Unmap())
	}
	n.end(x, why)
}

func (n *Net) end(x *conversation.Exchange, why record.Status) {
	x.Took = time.Since(x.At)
	x.Status = x.Conv.End(why)
	n.count.ended(x)
	if x.Ended != nil {
		x.Ended(x)
	}
}

// exchange waits for its turn, connects and talks. The result is what the
// transport has to say; the verdict is the conversation's.
func (n *Net) exchange(ctx context.Context, x *conversation.Exchange) record.Status {
	to := netip.AddrPortFrom(x.Addr.Addr().Unmap(), x.Addr.Port())
	x.At = time.Now()
	if !to.IsValid() {
		return record.Unreachable
	}
	if n.pace.wait(ctx, to.Addr()) != nil {
		return record.Cancelled
	}
	select {
	case n.files <- struct{}{}:
		defer func() { <-n.files }()
	case <-ctx.Done():
		return record.Cancelled
	}
	limits := x.Limits
	if limits.Timeout <= 0 {
		limits.Timeout = n.cfg.Timeout
	}
	if limits.Bytes <= 0 {
		limits.Bytes = n.cfg.Bytes
	}
	s, deadline, why := n.dial(ctx, x, to, limits.Timeout)
	n.heard(to.Addr(), s != nil, why)
	if s == nil {
		return why
	}
	n.count.open.Add(1)
	defer n.count.open.Add(-1)
	defer s.close()
	d := driver{ctx: ctx, socket: s, x: x, deadline: deadline, left: limits.Bytes}
	d.facts(n.cfg.Handshake, to)
	return d.drive()
}

// heard lets the network's pace follow its answers. That there is no route, or
// nothing was sent, says neither.
func (n *Net) heard(addr netip.Addr, connected bool, why record.Status) {
	answered := connected || why == record.Refused || why == record.Reset
	if !answered && why != record.Timeout {
		return
	}
	if net, rate, slower := n.pace.heard(addr, answered); slower && n.slowed.now() {
		n.cfg.Log.Warn("a network that answered has fallen silent, so its pace is halved until it answers", "network", net, "connections_per_second", rate)
	}
}

// dial connects. A lack of descriptors or local ports says nothing about the
// host: it is waited out, however long it takes.
func (n *Net) dial(ctx context.Context, x *conversation.Exchange, to netip.AddrPort, timeout time.Duration) (socket, time.Time, record.Status) {
	hurry := n.cfg.Hurry && x.Hurry
	n.count.connections.Add(1)
	for {
		if n.shortage.wait(ctx) != nil {
			return nil, time.Now(), record.Cancelled
		}
		x.At = time.Now()
		if n.cfg.Guard != nil && n.cfg.Guard(to.Addr()) != nil {
			return nil, x.At, record.Excluded
		}
		deadline, giveUp := x.At.Add(timeout), timeout
		if hurry {
			giveUp = min(timeout, n.trips.patience())
		}
		s, err := n.connect(ctx, to, x.At.Add(giveUp))
		why := record.OK
		if err != nil {
			why = statusOf(err, record.Unreachable)
		}
		switch {
		case err == nil:
			n.shortage.over()
			n.trips.add(time.Since(x.At))
			x.Connected = true
			if giveUp < timeout {
				_ = s.deadlineAt(deadline) // fails on closed files only, and the first read says so
			}
			return s, deadline, record.OK
		case ctx.Err() != nil:
			return nil, deadline, record.Cancelled
		case localTrouble(err, to):
			n.count.starved.Add(1)
			n.shortage.hit(n.cfg.Log, err)
		case why == record.Timeout && giveUp < timeout && x.Patient != nil && x.Patient():
			hurry = false
			n.count.connections.Add(1)
			if n.pace.wait(ctx, to.Addr()) != nil {
				return nil, deadline, record.Cancelled
			}
		default:
			if why == record.Refused {
				n.trips.add(time.Since(x.At))
			}
			return nil, deadline, why
		}
	}
}
