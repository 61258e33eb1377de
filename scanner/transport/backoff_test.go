package transport

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
)

// paceOf is the pace of a network by the clock: the time between two moments.
func paceOf(p *pace, addr string) time.Duration {
	prefix, _ := p.limited(netip.MustParseAddr(addr))
	first := p.moment(prefix)
	return p.moment(prefix).Sub(first)
}

func TestANetworkThatFallsSilentIsAskedSlower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{perNet: 50}
		host := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}) }
		for n := range 40 {
			p.heard(host(n), true)
		}
		halved := 0
		for n := 100; n < 250; n++ {
			for range 50 { // ports of one host
				if _, _, slower := p.heard(host(n), false); slower {
					halved++
				}
			}
			if n == 100+leastRow-2 && halved > 0 {
				t.Errorf("slower after %d silent hosts", n-99)
			}
			if n == 100+leastRow-1 && (halved != 1 || paceOf(p, "198.51.100.1") != 40*time.Millisecond) {
				t.Errorf("halved %d times after %d silent hosts, pace %v", halved, leastRow, paceOf(p, "198.51.100.1"))
			}
		}
		if d := paceOf(p, "198.51.100.1"); halved != mostHalving || d != 320*time.Millisecond {
			t.Errorf("halved %d times to one in %v, want one in 320ms", halved, d)
		}
		for want := 160 * time.Millisecond; want >= 20*time.Millisecond; want /= 2 {
			if p.heard(host(1), true); paceOf(p, "198.51.100.1") != want {
				t.Errorf("after an answer one in %v, want one in %v", paceOf(p, "198.51.100.1"), want)
			}
		}
		if d := paceOf(p, "198.51.101.1"); d != 20*time.Millisecond {
			t.Errorf("another network has one in %v", d)
		}
	})
}

// Dead space and sparse networks keep their pace: silence is usual there.
func TestSilenceThatIsUsualSlowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{perNet: 50}
		random := rand.New(rand.NewPCG(1, 2))
		slowed := map[string]int{}
		for net := range 200 {
			for _, n := range random.Perm(256) {
				dead := netip.AddrFrom4([4]byte{100, 64, byte(net), byte(n)})
				sparse := netip.AddrFrom4([4]byte{100, 65, byte(net), byte(n)})
				v6 := netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::%x", net, n))
				for name, slower := range map[string]func() (netip.Prefix, float64, bool){
					"dead":   func() (netip.Prefix, float64, bool) { return p.heard(dead, false) },
					"sparse": func() (netip.Prefix, float64, bool) { return p.heard(sparse, random.IntN(10) == 0) },
					"v6":     func() (netip.Prefix, float64, bool) { return p.heard(v6, random.IntN(3) == 0) },
				} {
					if _, _, yes := slower(); yes {
						slowed[name]++
					}
				}
			}
		}
		if slowed["dead"] > 0 || slowed["sparse"] > 40 || slowed["v6"] > 10 {
			t.Errorf("of 200 networks each were slowed down: %v", slowed)
		}
		if _, limited := p.limited(netip.MustParseAddr("127.0.0.1")); limited {
			t.Error("loopback has a pace of its own")
		}
	})
}

func TestTheTransportTellsThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		up := piped(func(c net.Conn) {})
		n := newNet(Config{PerNet: 1000, Timeout: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(ctx context.Context, to netip.AddrPort, deadline time.Time) (socket, error) {
			switch last := to.Addr().As4()[3]; {
			case last < 20:
				return up(ctx, to, deadline)
			case last < 40:
				return nil, syscall.ECONNREFUSED
			case last < 80:
				return nil, syscall.EHOSTUNREACH // says nothing
			}
			return nil, os.ErrDeadlineExceeded
		})
		ask := func(last int) {
			do(t.Context(), n, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(last)}), 80), &conversationtest.Talk{})
		}
		for last := range 79 {
			ask(last)
		}
		if log.Len() > 0 {
			t.Errorf("told too early: %s", &log)
		}
		for last := 80; last < 100; last++ {
			ask(last)
		}
		if !strings.Contains(log.String(), "network=192.0.2.0/24 connections_per_second=500") {
			t.Errorf("log: %s", &log)
		}
	})
}

func TestAnsweringNetworksAreNotAllRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, most := &pace{perNet: 50}, 0
		for i := range 300_000 {
			p.heard(netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), 1}).Next(), true)
			p.heard(netip.AddrFrom4([4]byte{byte(101 + i>>16), byte(i >> 8), byte(i), 1}), true)
			most = max(most, len(p.nets))
		}
		if most < rememberNets || most > 3*rememberNets {
			t.Errorf("up to %d networks were remembered", most)
		}
	})
}
