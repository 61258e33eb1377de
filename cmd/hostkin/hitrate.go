package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// hitrateAfter is how many hosts are looked at before their share of open ones
// means anything. Hosts come in a permuted order, so they are a sample of all.
const hitrateAfter = 4096

// stopped ends a command before its end, for a reason of its own: exit code 3.
type stopped struct{ why string }

func (s stopped) Error() string { return s.why }

// Is makes it a kind of context.Canceled: what was found by then is kept.
func (stopped) Is(target error) bool { return target == context.Canceled }

// hitrate stops a scan of which too few hosts have an open port: its list is
// wrong, or somebody on the way drops our packets. Sending on helps nobody.
type hitrate struct {
	least float64 // share; 0: any
	stop  func(error)

	mu         sync.Mutex
	open       map[string]bool // hosts under scan that have an open port
	hosts, hit int
}

func (h *hitrate) observed(o record.Observation) {
	if h.least == 0 || o.Probe != "tcp" || o.Status != record.OK {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == nil {
		h.open = map[string]bool{}
	}
	h.open[hitKey(o.Host)] = true
}

func (h *hitrate) hostDone(t targets.Target) {
	if h.least == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hosts++
	if key := hitKey(t.Host); h.open[key] {
		delete(h.open, key)
		h.hit++
	}
	if share := float64(h.hit) / float64(h.hosts); h.hosts >= hitrateAfter && share < h.least {
		h.stop(stopped{fmt.Sprintf("stopped: %d of %d hosts have an open port, %.3g %%, which is less than --min-hitrate %g (%g %%). "+
			"Are these the right targets, and does this network let the connections out? A case goes on with the same command and a lower --min-hitrate",
			h.hit, h.hosts, 100*share, h.least, 100*h.least)})
	}
}

// hitKey is the same for a target that is a name and its addresses.
func hitKey(h record.Host) string {
	if h.Name != "" {
		return h.Name
	}
	return h.IP.String()
}
