package transport

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// watched is a context that shows who watches it (see context.AfterFunc).
type watched struct {
	context.Context
	done chan struct{}

	mu    sync.Mutex
	funcs map[int]func()
	made  int
}

func watch(ctx context.Context) *watched {
	return &watched{Context: ctx, done: make(chan struct{}), funcs: map[int]func(){}}
}

func (w *watched) Done() <-chan struct{} { return w.done }

func (w *watched) AfterFunc(f func()) func() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	id := w.made
	w.funcs[id] = f
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		_, there := w.funcs[id]
		delete(w.funcs, id)
		return there
	}
}

func (w *watched) watchers() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.funcs)
}

// listen serves loopback until the test ends.
func listen(t *testing.T, handle func(c net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// A long scan has one context: what watches it must go with the exchange.
func TestNothingWatchesTheContextAfterwards(t *testing.T) {
	to := listen(t, func(c net.Conn) { io.WriteString(c, "hi") })
	for name, n := range map[string]*Net{"file": New(Config{PerHost: 1}), "net": NewOverNet(Config{PerHost: 1})} {
		ctx := watch(t.Context())
		var all sync.WaitGroup
		for range 5 {
			all.Add(1)
			n.Go(ctx, &conversation.Exchange{Addr: to, Conv: &conversationtest.Talk{}, Ended: func(*conversation.Exchange) { all.Done() }})
		}
		all.Wait()
		if ctx.made == 0 || ctx.watchers() != 0 {
			t.Errorf("%s: %d watches were made, %d are left", name, ctx.made, ctx.watchers())
		}
	}
}

// The cancel of a waiting exchange meets its start: it may end only once.
func TestCancelMeetsTheStart(t *testing.T) {
	to := listen(t, func(c net.Conn) { io.WriteString(c, "hi") })
	n := New(Config{PerHost: 1})
	var waits []*waiter
	var ends atomic.Int64
	var all sync.WaitGroup
	all.Add(2)
	n.Go(t.Context(), &conversation.Exchange{
		Addr: to,
		Conv: &conversationtest.Talk{OnOpen: func() conversation.Step {
			n.Go(t.Context(), &conversation.Exchange{
				Addr: to,
				Conv: conversationtest.Check(t, &conversationtest.Talk{OnOpen: func() conversation.Step {
					for _, w := range waits {
						n.giveUp(w) // was on its way when leave stopped the watch
					}
					return conversation.Step{}
				}}),
				Ended: func(x *conversation.Exchange) {
					if ends.Add(1) == 1 {
						all.Done()
					}
				},
			})
			waits = n.hosts[to.Addr()].waiting
			return conversation.Step{}
		}},
		Ended: func(*conversation.Exchange) { all.Done() },
	})
	all.Wait()
	if len(waits) != 1 || ends.Load() != 1 {
		t.Errorf("%d waited, ended %d times", len(waits), ends.Load())
	}
}

// faucet is a socket that is always past its deadline and never empty.
type faucet struct{ netSocket }

func (f *faucet) late(int) (*buffer, int, error) { return buffers.Get().(*buffer), 1, nil }

// A peer that has one byte more at every look does not prolong a connection
// beyond its deadline.
func TestLateBytesEnd(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	n := newNet(Config{Timeout: time.Millisecond}, func(ctx context.Context, _ netip.AddrPort, deadline time.Time) (socket, error) {
		s, err := newNetSocket(ctx, near, deadline)
		return &faucet{*s.(*netSocket)}, err
	})
	talk := &conversationtest.Talk{}
	x := do(t.Context(), n, anywhere, conversationtest.Check(t, talk))
	if x.Status != record.Timeout || x.Received != lateReads {
		t.Errorf("%q after %d late bytes", x.Status, x.Received)
	}
}
