package transport

import (
	"sync"
	"time"
)

// Linux, macOS and Windows send a SYN again after a second (RFC 6298 section 2).
// Who gives up before its answer has come takes each lost packet for a dead host.
const (
	// MostPatience is the longest that a transport in a hurry waits for a host of
	// which nothing is known.
	MostPatience = resend + firstRTO

	resend      = time.Second
	firstRTO    = time.Second            // RFC 6298 (2.1): before anything was measured
	leastRTO    = 250 * time.Millisecond // room for a machine that is slow to answer a SYN
	enoughTrips = 8                      // answers before the measure is believed
)

// trips measures the round trips of a scan as TCP does those of a connection
// (RFC 6298 section 2), over all hosts: their spread is the variance.
type trips struct {
	mu       sync.Mutex
	n        int
	mean     time.Duration // SRTT
	variance time.Duration // RTTVAR
}

// add takes in how long a host took to answer a SYN.
func (t *trips) add(r time.Duration) {
	if r >= resend {
		return // Karn's algorithm: which of the two SYNs was answered is not known
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n++; t.n == 1 {
		t.mean, t.variance = r, r/2
		return
	}
	t.variance += ((t.mean - r).Abs() - t.variance) / 4
	t.mean += (r - t.mean) / 8
}

// patience is how long to wait for the answer of a host that may not be there:
// until that of a second SYN would have come.
func (t *trips) patience() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n < enoughTrips {
		return MostPatience
	}
	return resend + min(max(t.mean+4*t.variance, leastRTO), firstRTO)
}
