package scanner

import (
	"runtime/debug"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// task is one ask of a wave.
type task struct {
	host *host
	ask  Ask
	port *port
	run  conversation.Run

	willing  bool // Next may have another connection
	faulty   bool // the probe panicked
	cut      bool // a connection was cancelled
	inFlight int
	started  int // connections handed to the transport

	attempted       int // of them, those that were dialled
	begun, finished time.Time
	connected       *conversation.Exchange // the first that was established
	connectedOrder  int
}

// ended tells that nothing more will come.
func (t *task) ended() bool { return !t.willing && t.inFlight == 0 }

// dropped tells that the task yields no observation: its port turned out dead,
// or the scan was stopped, before it had said anything.
func (t *task) dropped() bool {
	if t.faulty {
		return false
	}
	return t.started == 0 && (t.port.state == dead || t.host.ctx.Err() != nil) || t.cut && t.connected == nil
}

// pump makes all connections that the run wants now. On a port that nothing is
// known of, one connection goes first, and everybody waits whether it opens.
func (t *task) pump() {
	for t.willing {
		switch {
		case t.port.state == dead, t.host.ctx.Err() != nil, t.faulty, t.started == maxConnections:
			t.willing = false
			return
		case t.port.state == trying:
			t.port.held = append(t.port.held, t)
			return
		}
		x := &conversation.Exchange{}
		more := false
		t.guarded("Next", func() { more = t.run.Next(x) })
		if !more {
			t.willing = t.inFlight > 0 && !t.faulty // Ended may change its mind
			return
		}
		t.connect(x)
	}
}

func (t *task) connect(x *conversation.Exchange) {
	c := &call{task: t, inner: x.Conv, order: t.started, first: t.port.state == unknown}
	if c.first {
		t.port.state = trying
		x.Hurry, x.Patient = true, t.host.patient
	}
	t.started++
	t.inFlight++
	x.Conv = c
	x.Ended = func(x *conversation.Exchange) { t.host.box.put(event{task: t, call: c, exchange: x}) }
	t.host.Transport.Go(t.host.ctx, x)
}

// over takes in an exchange that has ended.
func (t *task) over(c *call, x *conversation.Exchange) {
	t.inFlight--
	x.Conv = c.inner // the run may know it by its type
	if c.faulty {
		t.faulty = true
	}
	switch c.why {
	case record.Excluded:
	case record.Cancelled:
		t.cut = true
		if x.Connected {
			t.attempted++
		}
	default:
		t.attempted++
	}
	if t.begun.IsZero() || x.At.Before(t.begun) {
		t.begun = x.At
	}
	if end := x.At.Add(x.Took); end.After(t.finished) {
		t.finished = end
	}
	if x.Connected && (t.connected == nil || c.order < t.connectedOrder) {
		t.connected, t.connectedOrder = x, c.order
	}
	if !t.faulty {
		t.guarded("Ended", func() { t.run.Ended(x) })
	}
}

// fold ends the run. What a probe that panicked would say is not asked.
func (t *task) fold(a *record.Answer) (status record.Status) {
	if !t.faulty {
		t.guarded("Fold", func() { status = t.run.Fold(a) })
	}
	switch {
	case t.faulty:
		*a = record.Answer{}
		return record.Malformed
	case t.cut:
		return record.Cancelled
	}
	return status
}

// guarded calls into the probe. A panic there is a fault of one observation,
// not the end of the scan.
func (t *task) guarded(method string, f func()) {
	defer func() {
		if fault := recover(); fault != nil {
			t.faulty = true
			t.moan(method, fault)
		}
	}()
	f()
}

func (t *task) moan(method string, fault any) {
	t.host.Log.Error("a probe has panicked: this is a bug in hostkin", "probe", t.ask.Probe.Name(), "call", method,
		"host", t.host.target.Host, "port", t.ask.Port, "panic", fault, "stack", string(debug.Stack()))
}

// event tells a host's worker that a first connection opened (no exchange), or
// that an exchange has ended.
type event struct {
	task     *task
	call     *call
	exchange *conversation.Exchange
}

// call is a conversation on its way through the transport: it tells whether
// the port opened, and catches panics.
type call struct {
	task   *task
	inner  conversation.Conversation
	order  int  // among the task's connections
	first  bool // the port's first: others wait for it
	opened bool
	faulty bool
	why    record.Status
}

func (c *call) Open() conversation.Step {
	c.opened = true
	c.task.host.answered.Store(true)
	if c.first {
		c.task.host.box.put(event{task: c.task, call: c})
	}
	return c.step("Open", c.inner.Open)
}

func (c *call) Feed(in []byte) conversation.Step {
	return c.step("Feed", func() conversation.Step { return c.inner.Feed(in) })
}

func (c *call) Quiet() conversation.Step { return c.step("Quiet", c.inner.Quiet) }

func (c *call) End(why record.Status) (verdict record.Status) {
	c.why = why
	if why == record.Refused || why == record.Reset {
		c.task.host.answered.Store(true)
	}
	if c.faulty {
		return record.Malformed
	}
	defer func() {
		if c.caught("End", recover()) {
			verdict = record.Malformed
		}
	}()
	return c.inner.End(why)
}

func (c *call) step(method string, f func() conversation.Step) (s conversation.Step) {
	defer func() {
		if c.caught(method, recover()) {
			s = conversation.Step{Do: conversation.Done}
		}
	}()
	return f()
}

func (c *call) caught(method string, fault any) bool {
	if fault == nil {
		return false
	}
	c.faulty = true
	c.task.moan(method, fault)
	return true
}
