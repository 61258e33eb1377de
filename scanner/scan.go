// Package scanner is the engine: a pool of workers takes hosts, asks what to
// probe on them wave by wave, and hands on what was observed as it comes.
package scanner

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/panjf2000/ants/v2"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// DefaultWorkers is how many hosts are looked at at once.
const DefaultWorkers = 256

// Ask is one probe of one port.
type Ask struct {
	Port  uint16
	Probe conversation.Probe
}

// Next says what to ask a host, given all that was observed of it in this
// scan. It is called again when a wave of asks has ended, until it returns
// none. Calls for different hosts overlap; seen is the scanner's: read only.
type Next func(t targets.Target, seen []record.Observation) []Ask

// Config is what a scan needs. Transport, Next and Emit are required.
type Config struct {
	Transport conversation.Transport
	Next      Next
	Workers   int                      // hosts at once that answer; 0 means DefaultWorkers
	Scouts    int                      // hosts at once beside them of which no port is open so far, so that silent ones hold no worker
	Emit      func(record.Observation) // never overlaps with itself or HostDone
	HostDone  func(targets.Target)     // nothing more will be asked of the target; not called for what was cancelled
	// Resolve finds the addresses of a name; nil: the system's resolver.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	Log     *slog.Logger // nil: nobody
}

// Bounds against a Next or a probe without end, and against a name with a
// zone file behind it.
const (
	maxWaves       = 64
	maxConnections = 512 // of one run
	maxAddresses   = 32  // of one name
	resolveTimeout = 10 * time.Second
)

// Run scans hosts. Every endpoint that accepts a connection yields one
// observation of the probe "tcp", before the first of another probe; every ask
// that made a connection, or was not allowed to, yields one of its own. Those
// of one wave come in the order of its asks, a host's waves one after the
// other; hosts overlap.
//
// When ctx ends, Run asks nothing more, emits what is known by then (status
// cancelled where an answer is cut short) and returns ctx's error.
func Run(ctx context.Context, c Config, hosts iter.Seq[targets.Target]) error {
	if c.Workers <= 0 {
		c.Workers = DefaultWorkers
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Resolve == nil {
		c.Resolve = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
		}
	}
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &scan{Config: c, ctx: inner, stop: stop, busy: make(chan struct{}, c.Workers)}
	if err := s.pool(hosts); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.Cause(inner)
}

// scan is one Run.
type scan struct {
	Config
	ctx  context.Context
	stop context.CancelCauseFunc
	out  sync.Mutex    // around Emit and HostDone
	busy chan struct{} // one element for each host that answers
}

func (s *scan) pool(hosts iter.Seq[targets.Target]) error {
	// Without purging no worker is made twice, and no goroutine purges.
	pool, err := ants.NewPool(s.Workers+max(s.Scouts, 0), ants.WithDisablePurge(true))
	if err != nil {
		return fmt.Errorf("starting the workers: %w", err)
	}
	var all sync.WaitGroup
	for t := range hosts {
		if s.ctx.Err() != nil {
			break
		}
		all.Add(1)
		if err := pool.Submit(func() { // waits for a free worker
			defer all.Done()
			s.target(t)
		}); err != nil {
			all.Done()
			s.stop(fmt.Errorf("giving a host to a worker: %w", err))
			break
		}
	}
	all.Wait()
	// All workers are idle: this waits for their goroutines only.
	return pool.ReleaseContext(context.WithoutCancel(s.ctx))
}

// target scans one target: the addresses behind it. A fault of the caller's
// functions ends the whole scan with an error; those of probes are caught
// where they are called.
func (s *scan) target(t targets.Target) {
	defer func() {
		if fault := recover(); fault != nil {
			s.stop(fmt.Errorf("scanning %s: panic: %v\n%s", name(t), fault, debug.Stack()))
		}
	}()
	if s.ctx.Err() != nil {
		return
	}
	for _, host := range s.addresses(t) {
		newHost(s, targets.Target{Host: host, Ports: t.Ports, Also: t.Also}).run()
	}
	if s.ctx.Err() == nil && s.HostDone != nil {
		s.out.Lock()
		defer s.out.Unlock()
		s.HostDone(t)
	}
}

func name(t targets.Target) string {
	if t.Host.IP.IsValid() {
		return t.Host.IP.String()
	}
	return t.Host.Name
}

// addresses resolves a target that is a name. Each address is a host of its own.
func (s *scan) addresses(t targets.Target) []record.Host {
	if t.Host.IP.IsValid() {
		return []record.Host{t.Host}
	}
	ctx, cancel := context.WithTimeout(s.ctx, resolveTimeout)
	defer cancel()
	found, err := s.Resolve(ctx, t.Host.Name)
	if err != nil && s.ctx.Err() == nil {
		s.Log.Warn("cannot resolve a name", "name", t.Host.Name, "error", err)
	}
	var out []record.Host
	for _, ip := range found {
		host := record.Host{IP: ip.Unmap(), Name: t.Host.Name}
		if !ip.IsValid() || slices.Contains(out, host) {
			continue
		}
		if len(out) == maxAddresses {
			s.Log.Warn("a name has too many addresses; the others are left out", "name", t.Host.Name, "addresses", len(found), "used", maxAddresses)
			break
		}
		out = append(out, host)
	}
	return out
}

func (s *scan) emit(o record.Observation) {
	s.out.Lock()
	defer s.out.Unlock()
	s.Emit(o)
}
