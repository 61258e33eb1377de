// Package opening is how many protocols begin: one message of the server,
// asked for or not, and then perhaps another conversation on the same
// connection, such as TLS or a second message.
package opening

import (
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

const (
	settle = 200 * time.Millisecond // silence that ends the reading of what is not the protocol
	maxRaw = 512                    // bytes kept of it
)

// Opening waits for one whole message and hands it to Then.
type Opening struct {
	Ask []byte // sent first; empty if the server speaks first
	// Length is that of the message which b, at least one byte, begins with:
	// 0 while b is too short to tell, Not if it is none. It bounds what is kept.
	// What it says of b it must say of b with more after it, unless that was 0.
	Length func(b []byte) int
	// Then takes the message, valid during the call only, and says what is next.
	Then func(message []byte) Next

	Raw []byte // after End: first bytes of an answer that was not the protocol, or broke off

	buf     []byte
	junk    bool
	verdict record.Status
	inner   conversation.Conversation // what goes on after the message
}

// Not is the length of what is not a message of the protocol.
const Not = -1

// Next is what follows a message: a verdict, or Send and then Inner.
type Next struct {
	Verdict record.Status
	Send    []byte
	Inner   conversation.Conversation
}

var _ conversation.Conversation = (*Opening)(nil)

// Open implements conversation.Conversation.
func (o *Opening) Open() conversation.Step { return conversation.Step{Send: o.Ask} }

// Feed implements conversation.Conversation.
func (o *Opening) Feed(in []byte) conversation.Step {
	if o.inner != nil {
		return o.inner.Feed(in)
	}
	o.buf = append(o.buf, in...)
	if !o.junk {
		switch n := o.Length(o.buf); {
		case n < 0:
			o.junk = true
		case n > 0 && n <= len(o.buf):
			return o.take(n)
		}
	}
	switch {
	case !o.junk:
		return conversation.Step{}
	case len(o.buf) >= maxRaw:
		return o.end(record.Malformed)
	}
	return conversation.Step{Gap: settle}
}

// take hands on the message, and what came after it to whatever follows.
func (o *Opening) take(n int) conversation.Step {
	next := o.Then(o.buf[:n])
	if next.Verdict != "" {
		return o.end(next.Verdict)
	}
	rest := o.buf[n:]
	o.inner, o.buf = next.Inner, nil
	step := o.inner.Open()
	send := append(next.Send[:len(next.Send):len(next.Send)], step.Send...)
	if step.Do == conversation.More && len(rest) > 0 {
		step = o.inner.Feed(rest)
		send = append(send, step.Send...)
	}
	step.Send = send
	return step
}

func (o *Opening) end(verdict record.Status) conversation.Step {
	o.verdict = verdict
	return conversation.Step{Do: conversation.Done}
}

// Quiet implements conversation.Conversation.
func (o *Opening) Quiet() conversation.Step {
	if o.inner != nil {
		return o.inner.Quiet()
	}
	return o.end(record.Malformed)
}

// End implements conversation.Conversation: the verdict of Then or of what
// followed. What is not the protocol is Malformed however it ended.
func (o *Opening) End(why record.Status) record.Status {
	switch {
	case o.inner != nil:
		return o.inner.End(why)
	case o.verdict == "" && o.junk && why != record.Cancelled:
		o.verdict = record.Malformed
	case o.verdict == "":
		o.verdict = why
		o.junk = true // what there is broke off
	}
	if o.junk || o.verdict == record.Malformed {
		o.Raw = append([]byte(nil), o.buf[:min(maxRaw, len(o.buf))]...)
	}
	o.buf = nil
	return o.verdict
}
