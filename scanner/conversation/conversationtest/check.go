package conversationtest

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Check wraps c so that a transport that breaks a rule of Conversation fails
// tb: calls never overlap, Open is first, Feed brings bytes, Quiet comes only
// after a Gap, only End follows Done, End is called once and last.
func Check(tb testing.TB, c conversation.Conversation) conversation.Conversation {
	return &checked{tb: tb, inner: c}
}

type checked struct {
	tb            testing.TB
	inner         conversation.Conversation
	inside        atomic.Bool
	opened, ended bool
	step          conversation.Step
}

func (c *checked) enter(call string) func() {
	if !c.inside.CompareAndSwap(false, true) {
		c.tb.Errorf("%s during another call", call)
	}
	if c.ended {
		c.tb.Errorf("%s after End", call)
	}
	if call != "End" && c.opened && c.step.Do == conversation.Done {
		c.tb.Errorf("%s after Done", call)
	}
	if (call == "Open") == c.opened && call != "End" {
		c.tb.Errorf("%s, opened: %v", call, c.opened)
	}
	return func() { c.inside.Store(false) }
}

func (c *checked) Open() conversation.Step {
	defer c.enter("Open")()
	c.opened = true
	c.step = c.inner.Open()
	return c.step
}

func (c *checked) Feed(in []byte) conversation.Step {
	defer c.enter("Feed")()
	if len(in) == 0 {
		c.tb.Error("Feed without bytes")
	}
	c.step = c.inner.Feed(in)
	return c.step
}

func (c *checked) Quiet() conversation.Step {
	defer c.enter("Quiet")()
	if c.step.Gap == 0 {
		c.tb.Error("Quiet without a Gap")
	}
	c.step = c.inner.Quiet()
	return c.step
}

func (c *checked) End(why record.Status) record.Status {
	defer c.enter("End")()
	c.ended = true
	done := c.opened && c.step.Do == conversation.Done
	if done != (why == record.OK) {
		c.tb.Errorf("End(%q), the conversation said Done: %v", why, done)
	}
	if !c.opened && slices.Contains([]record.Status{record.OK, record.Truncated, record.Closed}, why) {
		c.tb.Errorf("End(%q) without Open", why)
	}
	return c.inner.End(why)
}

// Talk is a conversation made of functions; those that are nil wait for more,
// and a nil Verdict agrees with the transport. It keeps what it was told, to
// be read after End.
type Talk struct {
	OnOpen  func() conversation.Step
	OnFeed  func(in []byte) conversation.Step
	OnQuiet func() conversation.Step
	Verdict func(why record.Status) record.Status

	Opened bool
	Got    []byte
	Quiets int
	Why    record.Status
}

// Open implements conversation.Conversation.
func (t *Talk) Open() conversation.Step {
	t.Opened = true
	if t.OnOpen == nil {
		return conversation.Step{}
	}
	return t.OnOpen()
}

// Feed implements conversation.Conversation.
func (t *Talk) Feed(in []byte) conversation.Step {
	t.Got = append(t.Got, in...)
	if t.OnFeed == nil {
		return conversation.Step{}
	}
	return t.OnFeed(in)
}

// Quiet implements conversation.Conversation.
func (t *Talk) Quiet() conversation.Step {
	t.Quiets++
	if t.OnQuiet == nil {
		return conversation.Step{}
	}
	return t.OnQuiet()
}

// End implements conversation.Conversation.
func (t *Talk) End(why record.Status) record.Status {
	t.Why = why
	if t.Verdict == nil {
		return why
	}
	return t.Verdict(why)
}
