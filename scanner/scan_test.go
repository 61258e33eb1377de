package scanner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

// line is an observation in short.
func line(o record.Observation) string {
	s := fmt.Sprintf("%s:%d %s %s", o.Host.IP, o.Port, o.Probe, o.Status)
	if o.Connections > 0 {
		s += fmt.Sprintf(" %d", o.Connections)
	}
	if o.Detect != nil {
		s += fmt.Sprintf(" %q", o.Detect.Banner)
	}
	return s
}

func lines(list []record.Observation) (out []string) {
	for _, o := range list {
		out = append(out, line(o))
	}
	return out
}

func wantLines(t *testing.T, got []record.Observation, want ...string) {
	t.Helper()
	if g := lines(got); !slices.Equal(g, want) {
		t.Errorf("observations\n\t%s\nwant\n\t%s", strings.Join(g, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestWaves(t *testing.T) {
	for _, async := range []bool{false, true} {
		tr := answers(async, map[string]string{"192.0.2.1:22": "a", "192.0.2.1:80": "b"})
		var seen [][]string
		plan := asked(
			[]Ask{{80, fake{name: "one", connections: 3, together: true}}, {22, fake{name: "two", connections: 2}}, {22, fake{name: "three", connections: 1}}},
			[]Ask{{22, fake{name: "four", connections: 0}}, {80, fake{name: "five", connections: 1}}},
			[]Ask{{22, fake{name: "six", connections: 1}}},
		)
		done := 0
		got, log, err := collected(t, t.Context(), Config{
			Transport: tr,
			Next: func(host targets.Target, o []record.Observation) []Ask {
				seen = append(seen, lines(o))
				return plan(host, o)
			},
			HostDone: func(targets.Target) { done++ },
		}, hostsAt("192.0.2.1"))
		if err != nil || log != "" || done != 1 {
			t.Errorf("error %v, %d hosts done, log %s", err, done, log)
		}
		want := []string{
			"192.0.2.1:80 tcp ok", `192.0.2.1:80 one ok 3 "bbb"`,
			"192.0.2.1:22 tcp ok", `192.0.2.1:22 two ok 2 "aa"`, `192.0.2.1:22 three ok 1 "a"`,
			`192.0.2.1:80 five ok 1 "b"`,
			`192.0.2.1:22 six ok 1 "a"`,
		}
		wantLines(t, got, want...)
		// What made no connection is no line of the output, but known to Next.
		if len(seen) != 4 || len(seen[0]) != 0 || !slices.Equal(seen[1], want[:5]) || !slices.Contains(seen[2], `192.0.2.1:22 four  ""`) {
			t.Errorf("Next was shown %q", seen)
		}
		for _, o := range got {
			if o.Schema != record.Schema || o.At.IsZero() || o.At.Location() != time.UTC || o.Ms < 0 {
				t.Errorf("observation %+v", o)
			}
		}
	}
}

// A port whose first connection fails is not connected again, by no probe.
func TestDeadPort(t *testing.T) {
	for _, async := range []bool{false, true} {
		tr := answers(async, map[string]string{"192.0.2.1:80": "b"})
		got, _, err := collected(t, t.Context(), Config{
			Transport: tr,
			Next: asked(
				[]Ask{{22, fake{name: "one", connections: 5, together: true}}, {22, fake{name: "two", connections: 1}}, {80, fake{name: "three", connections: 1}}},
				[]Ask{{22, fake{name: "four", connections: 1}}, {80, fake{name: "five", connections: 1}}},
				[]Ask{{22, fake{name: "six", connections: 1}}}, // nothing is left to ask: the end
				[]Ask{{80, fake{name: "never", connections: 1}}},
			),
		}, hostsAt("192.0.2.1"))
		if err != nil {
			t.Error(err)
		}
		wantLines(t, got, `192.0.2.1:22 one refused 1 ""`, "192.0.2.1:80 tcp ok", `192.0.2.1:80 three ok 1 "b"`, `192.0.2.1:80 five ok 1 "b"`)
		if n := tr.Connections()[netip.MustParseAddrPort("192.0.2.1:22")]; n != 1 {
			t.Errorf("%d connections to a port that refused", n)
		}
	}
}

// As soon as the first connection opens, the port's other probes go ahead:
// the server speaks only when all four are connected.
func TestOpenPortIsAskedAtOnce(t *testing.T) {
	var connected atomic.Int64
	all := make(chan struct{})
	to := livetest.Listen(t, "127.0.0.1:0", func(c net.Conn) {
		if connected.Add(1) == 4 {
			close(all)
		}
		<-all
		c.Write([]byte("x"))
	})
	got, _, err := collected(t, t.Context(), Config{
		Transport: transport.New(transport.Config{}),
		Next:      asked([]Ask{{to.Port(), fake{name: "one", connections: 2, together: true}}, {to.Port(), fake{name: "two", connections: 2, together: true}}}),
	}, hostsAt("127.0.0.1"))
	if err != nil {
		t.Error(err)
	}
	p := fmt.Sprintf("127.0.0.1:%d", to.Port())
	wantLines(t, got, p+" tcp ok", p+` one ok 2 "xx"`, p+` two ok 2 "xx"`)
	if runtime.GOOS == "linux" && (got[0].TCP == nil || got[0].TCP.Info == nil) {
		t.Error("no TCP facts")
	}
}

// A scan has no goroutine of its own left when it returns, or the bubble fails.
func TestScanInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := transportFunc(func(ctx context.Context, x *conversation.Exchange) {
			go func() {
				x.At = time.Now()
				time.Sleep(time.Second)
				x.Connected = true
				x.Conv.Open()
				x.Took, x.Status = time.Since(x.At), x.Conv.End(record.Closed)
				x.Ended(x)
			}()
		})
		var now, most atomic.Int64
		begun := time.Now()
		got, _, err := collected(t, t.Context(), Config{
			Transport: slow,
			Workers:   4,
			Next: func(t targets.Target, seen []record.Observation) []Ask {
				if len(seen) > 0 {
					now.Add(-1)
					return nil
				}
				most.Store(max(most.Load(), now.Add(1)))
				return []Ask{{80, fake{name: "one", connections: 1}}}
			},
		}, hostsAt(slices.Repeat([]string{"192.0.2.1"}, 20)...))
		if err != nil || len(got) != 40 || most.Load() != 4 || time.Since(begun) != 5*time.Second {
			t.Errorf("%v; %d observations, %d hosts at once, in %v", err, len(got), most.Load(), time.Since(begun))
		}
		if got[1].Ms != 1000 || got[1].At != begun.UTC() {
			t.Errorf("took %v ms from %v", got[1].Ms, got[1].At)
		}
	})
}

// Inside a wave observations keep the order of the asks, whoever ends first,
// and come as soon as that allows.
func TestOrderInsideAWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := map[uint16]time.Duration{1: 2 * time.Second, 2: time.Second, 3: 4 * time.Second, 4: 3 * time.Second}
		begun := time.Now()
		var got []string
		err := Run(t.Context(), Config{
			Transport: transportFunc(func(ctx context.Context, x *conversation.Exchange) {
				go func() {
					time.Sleep(takes[x.Addr.Port()])
					x.Status = x.Conv.End(record.Refused)
					x.Ended(x)
				}()
			}),
			Next: asked([]Ask{{1, fake{name: "one", connections: 1}}, {2, fake{name: "one", connections: 1}}, {3, fake{name: "one", connections: 1}}, {4, fake{name: "one", connections: 1}}}),
			Emit: func(o record.Observation) { got = append(got, fmt.Sprintf("%d after %v", o.Port, time.Since(begun))) },
		}, hostsAt("192.0.2.1"))
		if want := []string{"1 after 2s", "2 after 2s", "3 after 4s", "4 after 4s"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %q, want %q", err, got, want)
		}
	})
}

func TestKnown(t *testing.T) {
	raw, plain := at(80, "tls", record.Malformed, rawTLS), at(80, "http", record.OK, badRequest)
	hello, inside := at(80, "tls", record.OK, helloTLS), at(80, "http", record.OK, overTLS)
	for name, c := range map[string]struct {
		seen []record.Observation
		want *record.HTTP
	}{
		"plain":             {[]record.Observation{raw, plain}, plain.HTTP},
		"plain before TLS":  {[]record.Observation{plain, hello}, nil},
		"plain, TLS, HTTPS": {[]record.Observation{plain, hello, inside}, inside.HTTP},
		"HTTPS":             {[]record.Observation{hello, inside}, inside.HTTP},
		"other port":        {[]record.Observation{hello, at(81, "http", record.OK, overTLS)}, nil},
	} {
		if got := known(c.seen, 80); got.HTTP != c.want {
			t.Errorf("%s: HTTP %+v, want %+v", name, got.HTTP, c.want)
		}
	}
}

type transportFunc func(ctx context.Context, x *conversation.Exchange)

func (f transportFunc) Go(ctx context.Context, x *conversation.Exchange) { f(ctx, x) }

func TestNames(t *testing.T) {
	tr := answers(false, map[string]string{"192.0.2.1:80": "b", "[2001:db8::1]:80": "c"})
	done := []string{}
	got, log, err := collected(t, t.Context(), Config{
		Transport: tr,
		Next: func(t targets.Target, seen []record.Observation) []Ask {
			if len(seen) > 0 {
				return nil
			}
			return []Ask{{t.Ports[0], fake{name: "one", connections: 1}}}
		},
		Resolve: func(_ context.Context, name string) ([]netip.Addr, error) {
			if name != "two.example" {
				return nil, errors.New("no such host")
			}
			return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("2001:db8::1"), {}}, nil
		},
		HostDone: func(t targets.Target) { done = append(done, t.Host.Name) },
	}, slices.Values([]targets.Target{
		{Host: record.Host{Name: "two.example"}, Ports: []uint16{80}},
		{Host: record.Host{Name: "none.example"}, Ports: []uint16{80}},
	}))
	if err != nil {
		t.Error(err)
	}
	wantLines(t, got, "192.0.2.1:80 tcp ok", `192.0.2.1:80 one ok 1 "b"`, "2001:db8::1:80 tcp ok", `2001:db8::1:80 one ok 1 "c"`)
	for _, o := range got {
		if o.Host.Name != "two.example" {
			t.Errorf("name %q", o.Host.Name)
		}
	}
	slices.Sort(done)
	if !slices.Equal(done, []string{"none.example", "two.example"}) || !strings.Contains(log, "none.example") {
		t.Errorf("done %q, log %s", done, log)
	}
}

// What a name was given with holds for its addresses.
func TestNamesKeepTheirPorts(t *testing.T) {
	_, _, err := collected(t, t.Context(), Config{
		Transport: answers(false, nil),
		Next: func(target targets.Target, _ []record.Observation) []Ask {
			if !slices.Equal(target.Also, []uint16{81}) || target.Host.Name != "two.example" || !target.Host.IP.IsValid() {
				t.Errorf("asked about %+v", target)
			}
			return nil
		},
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
		},
	}, slices.Values([]targets.Target{{Host: record.Host{Name: "two.example"}, Also: []uint16{81}}}))
	if err != nil {
		t.Error(err)
	}
}

// A name with a zone file behind it does not make a scan of its own.
func TestNameWithManyAddresses(t *testing.T) {
	got, log, err := collected(t, t.Context(), Config{
		Transport: answers(false, nil),
		Next:      asked([]Ask{{80, fake{name: "one", connections: 1}}}),
		Resolve: func(context.Context, string) (out []netip.Addr, _ error) {
			for i := range 1000 {
				out = append(out, netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}))
			}
			return out, nil
		},
	}, slices.Values([]targets.Target{{Host: record.Host{Name: "many.example"}}}))
	if err != nil || len(got) != maxAddresses || !strings.Contains(log, "many.example") {
		t.Errorf("%v, %d observations, log %s", err, len(got), log)
	}
}

func TestExcluded(t *testing.T) {
	got, _, err := collected(t, t.Context(), Config{
		Transport: transport.New(transport.Config{Guard: func(netip.Addr) error { return errors.New("no") }}),
		Next:      asked([]Ask{{80, fake{name: "one", connections: 1}}}),
	}, hostsAt("192.0.2.1"))
	if err != nil {
		t.Error(err)
	}
	wantLines(t, got, `192.0.2.1:80 one excluded ""`)
}

// A reset that a transport could not tell from a failed connect leaves the
// port to the other probes.
func TestResetWhileConnecting(t *testing.T) {
	n := 0
	tr := transportFunc(func(ctx context.Context, x *conversation.Exchange) {
		x.At = time.Now()
		if n++; n == 1 {
			x.Status = x.Conv.End(record.Reset)
		} else {
			x.Connected = true
			x.Status, _ = conversationtest.Play(x.Conv, conversationtest.Transcript{Turns: [][]byte{[]byte("b")}}, nil)
		}
		x.Ended(x)
	})
	got, _, err := collected(t, t.Context(), Config{
		Transport: tr,
		Next:      asked([]Ask{{80, fake{name: "one", connections: 1}}, {80, fake{name: "two", connections: 1}}}),
	}, hostsAt("192.0.2.1"))
	if err != nil {
		t.Error(err)
	}
	wantLines(t, got, `192.0.2.1:80 one reset 1 ""`, "192.0.2.1:80 tcp ok", `192.0.2.1:80 two ok 1 "b"`)
}
