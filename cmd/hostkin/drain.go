package main

import (
	"context"
	"iter"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/hostkin/hostkin/scanner/targets"
)

// interrupt gives a user three ways to end a scan. The first Ctrl-C begins no more
// hosts and lets those under way finish; the second, or SIGTERM, cuts connections
// and keeps what is known; after that signals have their usual effect, and kill.
// What does not scan ends at the first.
type interrupt struct {
	now   context.CancelFunc
	drain chan struct{} // closed by the first

	mu       sync.Mutex
	scanning func() // tells the user that hosts are being finished; nil: no scan is under way
	drained  bool
}

// watchSignals makes the interrupt of a process, whose end the context is.
func watchSignals(ctx context.Context) (context.Context, *interrupt) {
	ctx, cancel := context.WithCancel(ctx)
	i := &interrupt{now: cancel, drain: make(chan struct{})}
	came := make(chan os.Signal, 2)
	signal.Notify(came, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(came)
		for {
			select {
			case s := <-came:
				i.came(s)
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, i
}

func (i *interrupt) came(s os.Signal) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.scanning == nil || i.drained || s != os.Interrupt {
		i.now()
		return
	}
	i.drained = true
	close(i.drain)
	i.scanning()
}

// scans says that a scan begins, which can be wound down, until end is called.
func (i *interrupt) scans(tell func()) (end func()) {
	if i == nil {
		return func() {}
	}
	set := func(f func()) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.scanning = f
	}
	set(tell)
	return func() { set(nil) }
}

func (i *interrupt) draining() bool {
	if i == nil {
		return false
	}
	select {
	case <-i.drain:
		return true
	default:
		return false
	}
}

// untilDrained begins no more hosts once the scan is to be wound down, and notes that some
// may be left.
func (i *interrupt) untilDrained(hosts iter.Seq[targets.Target], drained *bool) iter.Seq[targets.Target] {
	return func(yield func(targets.Target) bool) {
		if *drained = i.draining(); *drained {
			return
		}
		for t := range hosts {
			if !yield(t) {
				return
			}
			// Asked after a host rather than before: one that was taken is scanned.
			if *drained = i.draining(); *drained {
				return
			}
		}
	}
}
