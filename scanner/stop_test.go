package scanner

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

func TestCancel(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	var opened atomic.Int64
	to := livetest.Listen(t, "127.0.0.1:0", func(c net.Conn) {
		if opened.Add(1) <= 20 {
			return // the first hosts are done at once
		}
		c.Write([]byte("part"))
		if opened.Load() >= 28 {
			cancel()
		}
		untilClosed(c)
	})
	done := 0
	begun := time.Now()
	got, _, err := collected(t, ctx, Config{
		Transport: transport.New(transport.Config{Timeout: time.Minute}),
		Workers:   8,
		Next: func(_ targets.Target, seen []record.Observation) []Ask {
			if len(seen) > 0 {
				return nil
			}
			return []Ask{{to.Port(), fake{name: "one", connections: 1}}}
		},
		HostDone: func(targets.Target) { done++ },
	}, func(yield func(targets.Target) bool) {
		for yield(targets.Target{Host: record.Host{IP: netip.MustParseAddr("127.0.0.1")}}) {
		}
	})
	if err != context.Canceled || time.Since(begun) > 20*time.Second {
		t.Errorf("error %v after %v", err, time.Since(begun))
	}
	status := map[record.Status]int{}
	for _, o := range got {
		if o.Probe == "one" {
			status[o.Status]++
		}
	}
	// 20 finished; of the eight that the cancel met, those that had connected say so.
	if status[record.OK] != 20 || done != 20 || status[record.Cancelled] == 0 || len(status) != 2 {
		t.Errorf("%v, %d hosts done", status, done)
	}
	cancel()
	noLeak(t, before+1) // the server's accept
}

// The cancel meets a probe between two connections: it makes no more, and
// what it has by then is not taken for the whole.
func TestCancelInTheMiddleOfAProbe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	started := 0
	tr := transportFunc(func(_ context.Context, x *conversation.Exchange) {
		started++
		x.At, x.Connected = time.Now(), true
		x.Conv.Open()
		if started < 3 {
			x.Conv.Feed([]byte("part"))
			x.Status = x.Conv.End(record.Closed)
		} else {
			cancel()
			x.Status = x.Conv.End(record.Cancelled)
		}
		x.Ended(x)
	})
	got, _, err := collected(t, ctx, Config{
		Transport: tr,
		Next:      asked([]Ask{{80, fake{name: "one", connections: 9}}, {80, fake{name: "two", connections: 1}}}, []Ask{{80, fake{name: "three", connections: 1}}}),
	}, hostsAt("192.0.2.1"))
	if err != context.Canceled || started != 3 { // one, two, one

		t.Errorf("%v, %d connections", err, started)
	}
	if len(got) < 2 || line(got[1]) != `192.0.2.1:80 one cancelled 2 "part"` {
		t.Errorf("%q", lines(got))
	}
	if s := statuses(got, 80); strings.Contains(s, "three") {
		t.Errorf("asked another wave: %q", s)
	}
}

func TestCancelledBeforehand(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tr := answers(true, map[string]string{"192.0.2.1:80": "b"})
	got, _, err := collected(t, ctx, Config{Transport: tr, Next: asked([]Ask{{80, fake{name: "one", connections: 1}}})}, hostsAt("192.0.2.1"))
	if err != context.Canceled || len(got) != 0 || len(tr.Connections()) != 0 {
		t.Errorf("%v, %q", err, lines(got))
	}
}

func TestPanicsAreObservations(t *testing.T) {
	for _, method := range []string{"Start", "Next", "Open", "Feed", "End", "Ended", "Fold"} {
		tr := answers(true, map[string]string{"192.0.2.1:80": "b"})
		got, log, err := collected(t, t.Context(), Config{
			Transport: tr,
			Next: asked(
				[]Ask{{80, fake{name: "bad", connections: 2, together: true, panicIn: method}}, {80, fake{name: "good", connections: 1}}},
				[]Ask{{80, fake{name: "after", connections: 1}}},
			),
		}, hostsAt("192.0.2.1"))
		if err != nil {
			t.Errorf("%s: %v", method, err)
		}
		rest := slices.DeleteFunc(lines(got), func(l string) bool { return strings.Contains(l, " bad ") || strings.Contains(l, " tcp ") })
		if want := []string{`192.0.2.1:80 good ok 1 "b"`, `192.0.2.1:80 after ok 1 "b"`}; !slices.Equal(rest, want) {
			t.Errorf("%s: %q", method, lines(got))
		}
		i := slices.IndexFunc(got, func(o record.Observation) bool { return o.Probe == "bad" })
		if i < 0 || got[i].Status != record.Malformed || got[i].Answer != (record.Answer{}) {
			t.Errorf("%s: no malformed observation in %q", method, lines(got))
		}
		if !strings.Contains(log, "in "+method) || !strings.Contains(log, "fake_test.go") {
			t.Errorf("%s: no stack in the log: %s", method, log)
		}
	}
}

func TestPanicOfTheCallerEndsTheScan(t *testing.T) {
	before := runtime.NumGoroutine()
	var hosts atomic.Int64
	_, _, err := collected(t, t.Context(), Config{
		Transport: answers(true, nil),
		Workers:   2,
		Next: func(targets.Target, []record.Observation) []Ask {
			hosts.Add(1)
			panic("the plan")
		},
	}, hostsAt(slices.Repeat([]string{"192.0.2.1"}, 100)...))
	if err == nil || !strings.Contains(err.Error(), "the plan") || !strings.Contains(err.Error(), "stop_test.go") {
		t.Errorf("error %v", err)
	}
	if n := hosts.Load(); n > 50 {
		t.Errorf("%d hosts were asked after the panic", n)
	}
	noLeak(t, before)
}

func TestEndlessAsking(t *testing.T) {
	tr := answers(false, map[string]string{"192.0.2.1:80": "b"})
	got, log, err := collected(t, t.Context(), Config{
		Transport: tr,
		Next: func(targets.Target, []record.Observation) []Ask {
			return []Ask{{80, fake{name: "one", connections: 1}}}
		},
	}, hostsAt("192.0.2.1"))
	if err != nil || len(got) != maxWaves+1 || !strings.Contains(log, "without end") {
		t.Errorf("%v, %d observations, log %s", err, len(got), log)
	}
	tr = answers(false, map[string]string{"192.0.2.1:80": "b"})
	if _, _, err = collected(t, t.Context(), Config{Transport: tr, Next: asked([]Ask{{80, fake{name: "one", connections: 1 << 30}}})}, hostsAt("192.0.2.1")); err != nil {
		t.Error(err)
	}
	if n := tr.Connections()[netip.MustParseAddrPort("192.0.2.1:80")]; n != maxConnections {
		t.Errorf("%d connections of one run", n)
	}
}

func noLeak(t *testing.T, before int) {
	t.Helper()
	for until := time.Now().Add(3 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(until); {
		time.Sleep(5 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines before, %d after:\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
	}
}
