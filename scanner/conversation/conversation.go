// Package conversation is what probes and transports agree on.
//
// A probe's connection is a Conversation: a small state machine that never
// sees a socket or a clock. A Transport connects, moves bytes and keeps time.
// So the same protocol code runs over Go's net, inside TLS, over a recorded
// transcript, byte by byte in a test, and under the fuzzer.
package conversation

import (
	"context"
	"net/netip"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
)

// Action is what happens to the connection after a Step's bytes are sent.
type Action uint8

// The actions.
const (
	More      Action = iota // keep reading
	HalfClose               // send FIN, keep reading
	Done                    // close; nothing more is wanted
)

// Step is what a conversation wants now. The zero Step waits for bytes until
// the deadline of the connection.
type Step struct {
	Send []byte        // read-only, valid until the next call of the conversation
	Gap  time.Duration // call Quiet if nothing arrives for Gap after Send; 0 never
	Do   Action
}

// Conversation is one connection, seen from the client. Calls never overlap.
type Conversation interface {
	Open() Step          // the connection is established
	Feed(in []byte) Step // new bytes, at least one, valid during the call only
	Quiet() Step         // the Gap of the last Step passed in silence
	// End is called once, last, and also when there was no Open. why is what
	// the transport saw: OK if the conversation said Done, Closed for FIN,
	// else Refused, Unreachable, Timeout, Reset, Truncated, Excluded or
	// Cancelled. The result is the verdict on the connection.
	End(why record.Status) record.Status
}

// Limits bound one connection. Zero fields mean the transport's defaults.
type Limits struct {
	Timeout time.Duration // from the start of the dial to the end
	Bytes   int64         // received; one more byte ends it as Truncated
}

// Exchange is one connection to make and, once Ended is called, what became
// of it.
type Exchange struct {
	Addr   netip.AddrPort
	Conv   Conversation
	Limits Limits
	Ended  func(*Exchange) // called exactly once, may call Transport.Go again
	// Hurry says that nobody knows whether there is anything at Addr, so that a
	// transport may give up connecting as soon as answers usually have come.
	// Patient is asked then, if not nil: true lets it try once more with the
	// whole Timeout. It may be called from any goroutine.
	Hurry   bool
	Patient func() bool

	// Set by the transport before it calls Ended.
	Status    record.Status // what Conv.End returned
	Connected bool
	At        time.Time
	Took      time.Duration
	Sent      int64
	Received  int64
	TCP       *record.TCP // of the handshake, if connected and the transport can tell
}

// Transport makes connections. Go returns at once or when there is room for
// one more; the work goes on until x.Ended is called. A cancelled ctx ends it
// as Cancelled.
type Transport interface {
	Go(ctx context.Context, x *Exchange)
}

// Probe asks one protocol's questions. It is a value without state.
type Probe interface {
	// Name is the "probe" of an observation: lower case, a protocol.
	Name() string
	// Start begins to probe an endpoint. seen is what earlier probes of the
	// same endpoint brought; a probe does not ask again for what is there.
	Start(at record.Endpoint, seen record.Answer) Run
}

// Run is one probe on one endpoint. Calls are serialised.
type Run interface {
	// Next fills in Addr, Conv and (if it has its own) Limits of a
	// connection to make now, or returns false: none now. Several
	// connections may be under way at once.
	Next(x *Exchange) bool
	// Ended tells of a connection that has ended; Next is asked again after.
	Ended(x *Exchange)
	// Fold writes the result into its field of an Answer when no connection
	// is under way and Next said false, and says how the probe went.
	Fold(a *record.Answer) record.Status
}
