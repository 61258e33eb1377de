package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// do runs one exchange to its end.
func do(ctx context.Context, n *Net, to netip.AddrPort, conv conversation.Conversation) *conversation.Exchange {
	ended := make(chan struct{})
	x := &conversation.Exchange{Addr: to, Conv: conv, Ended: func(*conversation.Exchange) { close(ended) }}
	n.Go(ctx, x)
	<-ended
	return x
}

// piped is a connector whose connections are pipes; handle is the server.
func piped(handle func(c net.Conn)) connector {
	return func(ctx context.Context, _ netip.AddrPort, deadline time.Time) (socket, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			handle(far)
		}()
		return newNetSocket(ctx, near, deadline)
	}
}

var anywhere = netip.MustParseAddrPort("192.0.2.1:80")

// Exact clocks: the gap counts from the last bytes, the deadline from the dial.
func TestGapsAndDeadlineByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNet(Config{Timeout: 5 * time.Second}, piped(func(c net.Conn) {
			time.Sleep(300 * time.Millisecond)
			io.WriteString(c, "banner")
			io.Copy(io.Discard, c)
		}))
		var at []time.Duration
		begun := time.Now()
		step := func(gap time.Duration) conversation.Step {
			at = append(at, time.Since(begun))
			return conversation.Step{Gap: gap}
		}
		talk := &conversationtest.Talk{}
		talk.OnOpen = func() conversation.Step { return step(500 * time.Millisecond) }
		talk.OnFeed = func([]byte) conversation.Step { return step(500 * time.Millisecond) }
		talk.OnQuiet = func() conversation.Step { return step(time.Duration(2*(1-talk.Quiets)) * time.Second) }
		x := do(t.Context(), n, anywhere, conversationtest.Check(t, talk))
		want := []time.Duration{0, 300 * time.Millisecond, 800 * time.Millisecond}
		if len(at) != len(want) {
			t.Fatalf("steps at %v, want %v", at, want)
		}
		for i := range want {
			if at[i] != want[i] && at[i] != want[i]+time.Millisecond { // late's millisecond
				t.Errorf("steps at %v, want %v", at, want)
			}
		}
		if x.Status != record.Timeout || x.Took < 5*time.Second || x.Took > 5*time.Second+time.Millisecond {
			t.Errorf("ended as %q after %v, want timeout after 5 s", x.Status, x.Took)
		}
	})
}

// A machine without descriptors or ports is waited out.
func TestLocalTroubleIsNotADeadHost(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.EADDRNOTAVAIL} {
		synctest.Test(t, func(t *testing.T) {
			healthy := piped(func(c net.Conn) { io.WriteString(c, "up") })
			fails := 5
			n := newNet(Config{}, func(ctx context.Context, to netip.AddrPort, deadline time.Time) (socket, error) {
				if fails--; fails >= 0 {
					return nil, errno
				}
				return healthy(ctx, to, deadline)
			})
			x := do(t.Context(), n, anywhere, &conversationtest.Talk{})
			if x.Status != record.Closed || x.Received != 2 {
				t.Errorf("%v: %q, %d bytes", errno, x.Status, x.Received)
			}
			if s := n.Stats(); s.Connections != 1 || s.Starved != 5 {
				t.Errorf("%v: stats %+v", errno, s)
			}
		})
	}
}

// However long it lasts, no host is taken for dead; it is told now and then.
func TestLastingLocalTroubleIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		well := time.Now().Add(50 * time.Second)
		healthy := piped(func(c net.Conn) { io.WriteString(c, "up") })
		var attempts atomic.Int64
		n := newNet(Config{Timeout: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(ctx context.Context, to netip.AddrPort, deadline time.Time) (socket, error) {
			if attempts.Add(1); time.Now().Before(well) {
				return nil, syscall.EMFILE
			}
			return healthy(ctx, to, deadline)
		})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if x := do(t.Context(), n, anywhere, conversationtest.Check(t, &conversationtest.Talk{})); x.Status != record.Closed || x.Took > time.Second {
					t.Errorf("%q after %v", x.Status, x.Took)
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if x := do(ctx, n, anywhere, &conversationtest.Talk{}); x.Status != record.Cancelled || x.Took > 200*time.Millisecond {
			t.Errorf("cancelled: %q after %v", x.Status, x.Took)
		}
		all.Wait()
		if took := time.Since(well); took < 0 || took > 2*mostPause {
			t.Errorf("went on after %v", took)
		}
		if s := n.Stats(); s.ByStatus[record.Closed] != 20 || s.Connections != 21 || attempts.Load() > 21*60 {
			t.Errorf("%d attempts, stats %+v", attempts.Load(), s)
		}
		if lines := strings.Count(log.String(), "ulimit -n"); lines != 2 {
			t.Errorf("told %d times in 50 s:\n%s", lines, log.String())
		}
	})
}

// No source address for a kind of destination is no shortage of ports: it would
// be waited for for ever.
func TestNoSourceAddressIsNoShortage(t *testing.T) {
	if localTrouble(syscall.EADDRNOTAVAIL, netip.AddrPort{}) {
		t.Error("an address that no packet can be sent to")
	}
	if !localTrouble(syscall.EADDRNOTAVAIL, netip.MustParseAddrPort("127.0.0.1:9")) {
		t.Error("loopback: there is an address, so a port is short")
	}
}

func TestGuardIsAskedAgainBeforeEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		n := newNet(Config{Guard: func(netip.Addr) error {
			if asked++; asked > 2 {
				return errors.New("excluded since")
			}
			return nil
		}}, func(context.Context, netip.AddrPort, time.Time) (socket, error) { return nil, syscall.EMFILE })
		if x := do(t.Context(), n, anywhere, &conversationtest.Talk{}); x.Status != record.Excluded || asked != 3 {
			t.Errorf("%q after %d questions", x.Status, asked)
		}
	})
}

func TestDialErrors(t *testing.T) {
	for err, want := range map[error]record.Status{
		syscall.ECONNREFUSED:               record.Refused,
		syscall.EHOSTUNREACH:               record.Unreachable,
		syscall.ENETUNREACH:                record.Unreachable,
		syscall.EACCES:                     record.Unreachable,
		syscall.EPERM:                      record.Unreachable,
		syscall.EINVAL:                     record.Unreachable,
		syscall.ETIMEDOUT:                  record.Timeout,
		context.DeadlineExceeded:           record.Timeout,
		&net.OpError{Err: errors.New("x")}: record.Unreachable,
	} {
		n := newNet(Config{}, func(context.Context, netip.AddrPort, time.Time) (socket, error) { return nil, err })
		talk := &conversationtest.Talk{}
		if x := do(t.Context(), n, anywhere, conversationtest.Check(t, talk)); x.Status != want {
			t.Errorf("%v: %q, want %q", err, x.Status, want)
		}
	}
	n := New(Config{})
	if x := do(t.Context(), n, netip.AddrPort{}, &conversationtest.Talk{}); x.Status != record.Unreachable {
		t.Errorf("no address: %q", x.Status)
	}
}

func TestStats(t *testing.T) {
	to := listen(t, func(c net.Conn) { io.WriteString(c, "hello") })
	n := New(Config{})
	open := int64(0)
	for range 3 {
		do(t.Context(), n, to, &conversationtest.Talk{
			OnOpen: func() conversation.Step {
				open = n.Stats().Open
				return conversation.Step{}
			},
			Verdict: func(record.Status) record.Status { return record.Malformed },
		})
	}
	do(t.Context(), n, netip.AddrPortFrom(to.Addr(), 1), &conversationtest.Talk{})
	s := n.Stats()
	if open != 1 || s.Open != 0 || s.Connections != 4 || s.Received != 15 || s.ByStatus[record.Malformed] != 3 || s.ByStatus[record.Refused] != 1 {
		t.Errorf("open %d, then %+v", open, s)
	}
}
