package scanner

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// A thousand silent hosts go by on two workers while two hosts talk for long.
func TestSilentHostsHoldNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var talking, most atomic.Int64
		tr := transportFunc(func(_ context.Context, x *conversation.Exchange) {
			go func() {
				x.At = time.Now()
				if x.Addr.Addr().As4()[3] < 4 {
					x.Connected = true
					x.Conv.Open()
					if n := talking.Add(1); n > most.Load() {
						most.Store(n)
					}
					time.Sleep(time.Minute)
					talking.Add(-1)
					x.Status = x.Conv.End(record.Closed)
				} else {
					time.Sleep(time.Second)
					x.Status = x.Conv.End(record.Timeout)
				}
				x.Ended(x)
			}()
		})
		addrs := []string{"198.51.100.1", "198.51.100.2"}
		for n := range 1000 {
			addrs = append(addrs, fmt.Sprintf("100.64.%d.%d", n>>7, 8+n&127))
		}
		begun := time.Now()
		got, _, err := collected(t, t.Context(), Config{Transport: tr, Workers: 2, Scouts: 100,
			Next: asked([]Ask{{80, fake{name: "one", connections: 1}}})}, hostsAt(addrs...))
		if err != nil || len(got) != 1004 {
			t.Errorf("%v, %d observations", err, len(got))
		}
		// 1000 seconds of silence on 100 places are over before the talk is.
		if took := time.Since(begun); took != time.Minute || most.Load() != 2 {
			t.Errorf("took %v, %d hosts talked at once", took, most.Load())
		}
	})
}

// Hosts that answer are no more at once than there are workers, when all go on.
func TestNoMoreHostsAreAskedOnThanThereAreWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var second, most atomic.Int64
		tr := transportFunc(func(_ context.Context, x *conversation.Exchange) {
			go func() {
				x.At, x.Connected = time.Now(), true
				x.Conv.Open()
				if x.Addr.Port() == 81 { // of the second wave
					if n := second.Add(1); n > most.Load() {
						most.Store(n)
					}
					time.Sleep(time.Second)
					second.Add(-1)
				}
				x.Status = x.Conv.End(record.Closed)
				x.Ended(x)
			}()
		})
		var addrs []string
		for n := range 60 {
			addrs = append(addrs, fmt.Sprintf("198.51.100.%d", n))
		}
		begun := time.Now()
		_, _, err := collected(t, t.Context(), Config{Transport: tr, Workers: 3, Scouts: 30,
			Next: asked([]Ask{{80, fake{name: "one", connections: 1}}}, []Ask{{81, fake{name: "two", connections: 1}}})}, hostsAt(addrs...))
		if err != nil || most.Load() != 3 || time.Since(begun) != 20*time.Second {
			t.Errorf("%v, %d hosts at once, %v", err, most.Load(), time.Since(begun))
		}
	})
}

// One port of a host that is there gets the whole timeout, none of one that is not.
func TestOneSilentPortOfALiveHostIsGivenTime(t *testing.T) {
	var granted, refused atomic.Int64
	tr := transportFunc(func(_ context.Context, x *conversation.Exchange) {
		x.At = time.Now()
		why := record.Timeout
		switch {
		case !x.Hurry:
			t.Errorf("%v: is not known to be there", x.Addr)
		case x.Addr.Port() == 22 && x.Addr.Addr() == netip.MustParseAddr("192.0.2.1"):
			why = record.Refused
		case x.Patient():
			granted.Add(1)
		default:
			refused.Add(1)
		}
		x.Status = x.Conv.End(why)
		x.Ended(x)
	})
	probe := fake{name: "one", connections: 1}
	_, _, err := collected(t, t.Context(), Config{Transport: tr, Next: asked([]Ask{{22, probe}, {80, probe}, {443, probe}, {8080, probe}})},
		hostsAt("192.0.2.1", "192.0.2.2"))
	if err != nil || granted.Load() != 1 || refused.Load() != 2+4 {
		t.Errorf("%v, %d granted, %d refused", err, granted.Load(), refused.Load())
	}
}
