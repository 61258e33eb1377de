package conversationtest

import (
	"context"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Replay is a transport without a network: it plays transcripts. An endpoint
// that Answer knows nothing of refuses. Go ends the exchange before it
// returns, the strictest case for a caller, unless Async is set.
type Replay struct {
	// Answer gives the transcript of the nth connection (from 0) to an endpoint.
	Answer func(to netip.AddrPort, nth int) (Transcript, bool)
	Async  bool

	mu    sync.Mutex
	count map[netip.AddrPort]int
}

var _ conversation.Transport = (*Replay)(nil)

// Go implements conversation.Transport.
func (r *Replay) Go(ctx context.Context, x *conversation.Exchange) {
	if r.Async {
		go r.play(ctx, x)
		return
	}
	r.play(ctx, x)
}

func (r *Replay) play(ctx context.Context, x *conversation.Exchange) {
	r.mu.Lock()
	nth := r.count[x.Addr]
	if r.count == nil {
		r.count = map[netip.AddrPort]int{}
	}
	r.count[x.Addr]++
	r.mu.Unlock()

	x.At = time.Now()
	t, ok := r.Answer(x.Addr, nth)
	switch {
	case ctx.Err() != nil:
		x.Status = x.Conv.End(record.Cancelled)
	case !ok:
		x.Status = x.Conv.End(record.Refused)
	default:
		x.Connected = true
		var sent []byte
		x.Status, sent = Play(x.Conv, t, nil)
		x.Sent = int64(len(sent))
		for _, turn := range t.Turns {
			x.Received += int64(len(turn))
		}
	}
	x.Took = time.Since(x.At)
	x.Ended(x)
}

// Connections is how many connections each endpoint had.
func (r *Replay) Connections() map[netip.AddrPort]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[netip.AddrPort]int, len(r.count))
	maps.Copy(out, r.count)
	return out
}

// Record wraps c and writes down what the server says and when the client
// answers, so that a real server is asked once and replayed for ever. The
// transcript is whole after End.
func Record(c conversation.Conversation) (conversation.Conversation, func() Transcript) {
	r := &recorder{inner: c}
	return r, func() Transcript { return r.t }
}

type recorder struct {
	inner conversation.Conversation
	t     Transcript
	fresh bool // the client has spoken since the last bytes: a new turn
	broke bool // the client has spoken into a silence, and nothing came since
	still bool // there is silence
}

func (r *recorder) spoken(s conversation.Step) conversation.Step {
	r.fresh = r.fresh || len(s.Send) > 0
	return s
}

func (r *recorder) Open() conversation.Step {
	r.fresh = true
	return r.spoken(r.inner.Open())
}

func (r *recorder) Feed(in []byte) conversation.Step {
	if r.fresh {
		r.t.Turns = append(r.t.Turns, nil)
		r.fresh = false
	}
	r.still, r.broke = false, false
	last := &r.t.Turns[len(r.t.Turns)-1]
	*last = append(*last, in...)
	return r.spoken(r.inner.Feed(in))
}

func (r *recorder) Quiet() conversation.Step {
	r.fresh, r.still = true, true
	s := r.spoken(r.inner.Quiet())
	r.broke = len(s.Send) > 0
	return s
}

func (r *recorder) End(why record.Status) record.Status {
	r.t.Then = why
	switch {
	case why == record.OK:
		r.t.Then = record.Closed // the client left first
	case r.broke:
		r.t.Turns = append(r.t.Turns, []byte{})
		r.t.Abrupt = true
	default:
		r.t.Abrupt = !r.still && len(r.t.Turns) > 0
	}
	return r.inner.End(why)
}
