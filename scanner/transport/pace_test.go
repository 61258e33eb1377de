package transport

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// start waits n times at once and returns the moments, in order, from now.
func start(t *testing.T, p *pace, addr string, n int) []time.Duration {
	t.Helper()
	begun := time.Now()
	var mu sync.Mutex
	var at []time.Duration
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			if err := p.wait(t.Context(), netip.MustParseAddr(addr)); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Since(begun))
		})
	}
	all.Wait()
	return at
}

func TestRateIsSpacedEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := start(t, &pace{rate: 100}, "127.0.0.1", 201)
		for i, d := range at {
			// 10 ms of catching up, two connections of it.
			if want := time.Duration(i)*10*time.Millisecond - burst; d < want || d > want+burst {
				t.Fatalf("connection %d after %v, want %v", i, d, want)
			}
		}
	})
}

func TestPerNetworkRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{perNet: 50}
		took := func(addrs ...string) time.Duration {
			begun := time.Now()
			var all sync.WaitGroup
			for _, a := range addrs {
				all.Go(func() {
					if err := p.wait(t.Context(), netip.MustParseAddr(a)); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			return time.Since(begun)
		}
		for _, c := range []struct {
			name  string
			addrs []string
			want  time.Duration
		}{
			{"one /24", []string{"198.51.100.1", "198.51.100.9", "198.51.100.255"}, 40 * time.Millisecond},
			{"three /24", []string{"203.0.113.1", "192.0.2.1", "8.8.8.8"}, 0},
			{"one /48", []string{"2001:db8:1:1::1", "2001:db8:1:2::1", "2001:db8:1:ffff::"}, 40 * time.Millisecond},
			{"two /48", []string{"2001:db8:2::1", "2001:db8:3::1"}, 0},
			{"loopback", []string{"127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "::1", "::1"}, 0},
		} {
			if got := took(c.addrs...); got != c.want {
				t.Errorf("%s took %v, want %v", c.name, got, c.want)
			}
		}
	})
}

// The moments of a busy network are not taken from the others.
func TestBusyNetworkDoesNotHoldBackTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{rate: 1000, perNet: 1}
		ctx, cancel := context.WithCancel(t.Context())
		for range 500 {
			go p.wait(ctx, netip.MustParseAddr("198.51.100.1"))
		}
		synctest.Wait()
		begun := time.Now()
		if err := p.wait(ctx, netip.MustParseAddr("192.0.2.1")); err != nil || time.Since(begun) > 10*time.Millisecond {
			t.Errorf("waited %v (%v)", time.Since(begun), err)
		}
		cancel()
	})
}

func TestSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{rate: 1000, slowStart: true}
		at := start(t, p, "192.0.2.1", 6000)
		count := func(from, to time.Duration) (n int) {
			for _, d := range at {
				if d >= from && d < to {
					n++
				}
			}
			return n
		}
		// From a tenth of the rate at the beginning to the whole after 5 s:
		// 110 in the first second, 100+300+500+700+900 in all five.
		if n := count(0, time.Second); n < 100 || n > 200 {
			t.Errorf("%d connections in the first second, want some 120", n)
		}
		if n := count(0, slowStart); n < 2300 || n > 2700 {
			t.Errorf("%d connections during the slow start, want some 2500", n)
		}
		if n := count(slowStart, slowStart+time.Second); n < 990 || n > 1010 {
			t.Errorf("%d connections in the second after, want 1000", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		at := start(t, &pace{rate: 1000, slowStart: true}, "127.0.0.1", 1000)
		if last := at[len(at)-1]; last > time.Second {
			t.Errorf("1000 connections to loopback took %v", last)
		}
	})
}

func TestCancelledWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{rate: .001}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		addr := netip.MustParseAddr("192.0.2.1")
		first, second := p.wait(ctx, addr), p.wait(ctx, addr)
		if first != nil || second != context.DeadlineExceeded || time.Since(begun) != time.Second {
			t.Errorf("waits returned %v, then %v after %v", first, second, time.Since(begun))
		}
	})
}

// A scan of many networks must not remember them all.
func TestNetworksAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{perNet: 50}
		for i := range 20_000 {
			addr := netip.MustParseAddr(fmt.Sprintf("100.%d.%d.1", i>>8, i&255))
			if err := p.wait(t.Context(), addr); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		if n := len(p.nets); n > 1100 {
			t.Errorf("%d networks are remembered, 20 are busy", n)
		}
	})
}
