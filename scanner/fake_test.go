package scanner

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// fake is a probe that makes some connections, one after the other or all at
// once, and reads until the server closes. Its answer is what was read.
type fake struct {
	name        string
	connections int
	together    bool
	panicIn     string
}

func (f fake) Name() string { return f.name }

func (f fake) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	f.at("Start")
	return &fakeRun{fake: f, to: at.AddrPort(), left: f.connections}
}

func (f fake) at(method string) {
	if f.panicIn == method {
		panic("in " + method)
	}
}

type fakeRun struct {
	fake
	to       netip.AddrPort
	left     int
	inFlight int
	said     bytes.Buffer
	status   record.Status
}

func (r *fakeRun) Next(x *conversation.Exchange) bool {
	r.at("Next")
	if r.left == 0 || r.inFlight > 0 && !r.together {
		return false
	}
	r.left--
	r.inFlight++
	x.Addr, x.Conv = r.to, &fakeConv{fake: r.fake}
	return true
}

func (r *fakeRun) Ended(x *conversation.Exchange) {
	r.at("Ended")
	r.inFlight--
	r.said.Write(x.Conv.(*fakeConv).got) // the probe's own type, not the engine's wrapper
	if r.status == "" || x.Status == record.Closed {
		r.status = x.Status
	}
}

func (r *fakeRun) Fold(a *record.Answer) record.Status {
	a.Detect = &record.Detect{Banner: r.said.Bytes()}
	r.at("Fold")
	if r.status == record.Closed {
		return record.OK
	}
	return r.status
}

type fakeConv struct {
	fake
	got []byte
}

func (c *fakeConv) Open() conversation.Step {
	c.at("Open")
	return conversation.Step{}
}

func (c *fakeConv) Feed(in []byte) conversation.Step {
	c.at("Feed")
	c.got = append(c.got, in...)
	return conversation.Step{}
}

func (c *fakeConv) Quiet() conversation.Step { return conversation.Step{} }

func (c *fakeConv) End(why record.Status) record.Status {
	c.at("End")
	return why
}

// answers is a replay of servers that say one text each.
func answers(async bool, said map[string]string) *conversationtest.Replay {
	return &conversationtest.Replay{
		Async: async,
		Answer: func(to netip.AddrPort, _ int) (conversationtest.Transcript, bool) {
			text, ok := said[to.String()]
			return conversationtest.Transcript{Turns: [][]byte{[]byte(text)}}, ok
		},
	}
}

// asked makes a Next of fixed waves.
func asked(waves ...[]Ask) Next {
	var mu sync.Mutex
	wave := map[netip.Addr]int{}
	return func(t targets.Target, _ []record.Observation) []Ask {
		mu.Lock()
		defer mu.Unlock()
		n := wave[t.Host.IP]
		wave[t.Host.IP]++
		if n >= len(waves) {
			return nil
		}
		return waves[n]
	}
}

func hostsAt(addrs ...string) func(func(targets.Target) bool) {
	var list []targets.Target
	for _, a := range addrs {
		list = append(list, targets.Target{Host: record.Host{IP: netip.MustParseAddr(a)}})
	}
	return slices.Values(list)
}

// collected runs a scan and returns what it emitted and logged.
func collected(t *testing.T, ctx context.Context, c Config, hosts func(func(targets.Target) bool)) ([]record.Observation, string, error) {
	t.Helper()
	var out []record.Observation
	var log bytes.Buffer
	c.Emit = func(o record.Observation) { out = append(out, o) }
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	err := Run(ctx, c, hosts)
	return out, log.String(), err
}

func untilClosed(c net.Conn) { io.Copy(io.Discard, c) }
