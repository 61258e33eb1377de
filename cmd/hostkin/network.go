package main

import (
	"context"
	"errors"
	"iter"
	"net/netip"
	"sync"

	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/tcpprobe"
	"github.com/hostkin/hostkin/scanner/transport"
)

// scoutPorts bounds the connections that wait for their turn at hosts that may
// all be dead: at 500 connections a second, each given up after one or two, and
// four at once to a host, these are more than enough.
const scoutPorts = 8192

// scouts is how many hosts may be waited for beside those that answer.
func (f *scanFlags) scouts() int {
	ports := len(f.ports)
	if f.ports == nil {
		ports = len(scanner.DefaultPorts())
	}
	return min(3*f.workers, max(scoutPorts/max(ports, 1), 64))
}

// network joins the parts that send: the transport with the limits of the
// flags, the guard of the exclusions, the capture of SYN-ACKs, the engine.
type network struct {
	app       *app
	workers   int
	scouts    int
	transport *transport.Net
	progress  *progress
	optOut    *optOut
	least     float64              // share of hosts that must have an open port; 0: any
	hostDone  func(targets.Target) // told of each host beside the progress; nil: nobody
	close     func()
}

// openNetwork gets ready to send to what set allows, and the exclusion lists as
// they are by then; hosts is the number that the progress counts up to.
func (a *app) openNetwork(ctx context.Context, f *scanFlags, set *targets.Set, hosts uint64) *network {
	n := &network{app: a, workers: f.workers, scouts: f.scouts(), least: f.minHitrate}
	optOut, unwatch := a.watchOptOut(ctx, f, set)
	n.optOut = optOut
	guard := optOut.allowed
	if f.contact == "" {
		guard = a.warnBeyondLoopback(guard)
	}
	config := transport.Config{Rate: f.rate, PerHost: f.perHost, PerNet: f.perNet, SlowStart: true, Hurry: true, Timeout: f.timeout,
		Guard: guard, Log: a.logger()}
	closeCapture := func() {}
	if capture, err := tcpprobe.Open(a.logger()); err != nil {
		a.log.Verbose().Msgf("SYN-ACKs are not captured, TCP_INFO is used instead: %v", err)
	} else {
		a.log.Verbose().Msg("SYN-ACKs of our connections are captured")
		config.Handshake = capture.Handshake
		closeCapture = func() { capture.Close() }
	}
	n.transport = transport.New(config)
	wound := a.interrupt.scans(func() {
		a.log.Warning().Msg("no more hosts are begun; those under way are being finished. Ctrl-C again ends now, with what is known")
	})
	n.progress = startProgress(a.screen, hosts)
	n.close = func() {
		wound()
		unwatch()
		n.progress.finish()
		closeCapture()
		n.tell()
	}
	return n
}

// warnBeyondLoopback warns once, before the first connection to a host that
// has no way to find out who scans it.
func (a *app) warnBeyondLoopback(guard func(netip.Addr) error) func(netip.Addr) error {
	var once sync.Once
	return func(addr netip.Addr) error {
		if err := guard(addr); err != nil || addr.IsLoopback() {
			return err
		}
		once.Do(func() {
			a.log.Warning().Msg("no --contact: those who are scanned cannot find out by whom, or ask you to stop (RFC 9511)")
		})
		return nil
	}
}

// scan runs the engine; it may be called again when it has returned. Where too
// few hosts answer, and where the user wants no more hosts, it ends with a
// stopped error.
func (n *network) scan(ctx context.Context, hosts iter.Seq[targets.Target], next scanner.Next, emit func(record.Observation)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	drained, a := false, n.app
	hits := hitrate{least: n.least, stop: stop}
	err := scanner.Run(ctx, scanner.Config{
		Transport: n.transport,
		Next:      next,
		Workers:   n.workers,
		Scouts:    n.scouts,
		Emit: func(o record.Observation) {
			n.progress.observed(o)
			hits.observed(o)
			emit(o)
		},
		HostDone: func(t targets.Target) {
			n.progress.hostDone()
			if n.hostDone != nil {
				n.hostDone(t)
			}
			hits.hostDone(t)
		},
		Resolve: resolve,
		Log:     n.app.logger(),
	}, a.interrupt.untilDrained(hosts, &drained))
	if err == nil && drained {
		return stopped{"stopped before the end, as asked; the hosts under way were finished and are in the output"}
	}
	if why := (stopped{}); err != nil && errors.As(context.Cause(ctx), &why) {
		return why
	}
	return err
}

// tell sums up what was sent.
func (n *network) tell() {
	s := n.transport.Stats()
	n.app.log.Info().Msgf("%d hosts looked at, %d connections, %d bytes sent, %d received",
		n.progress.done.Load(), s.Connections, s.Sent, s.Received)
}
