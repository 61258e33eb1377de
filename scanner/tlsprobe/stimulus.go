package tlsprobe

import (
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

const (
	// quiet is the silence before a stimulus: what the server has said by then
	// belongs to its flight.
	quiet = 80 * time.Millisecond
	// reaction is how long a server may take to say or do something (more)
	// about a stimulus: longer than a lost segment takes to be sent again
	// (RFC 6298 section 2.1: a second), and not one of the round numbers of
	// seconds after which servers close by themselves.
	reaction = 1500 * time.Millisecond
)

// finish is called when the server's flight is over.
func (c *client) finish() {
	if !c.odd {
		c.verdict = record.OK
		return
	}
	c.over = true
}

// stimulate sends what does not belong at that point, see Probe.Odd. Servers
// take it in different ways.
func (c *client) stimulate() conversation.Step {
	c.after = &record.TLSAfter{Sent: "ccs"}
	return conversation.Step{Send: []byte(changeCipherSpec), Gap: reaction}
}

// react keeps the reaction with what it came to.
func (c *client) react(end record.Status) {
	c.after.End = end
	c.out.After = c.after
}

func (c *client) reactedWith(alert record.TLSAlert) {
	if len(c.after.Alerts) == maxAlerts {
		c.verdict = record.Malformed
		return
	}
	c.after.Alerts = append(c.after.Alerts, alert)
}

// reacted is the verdict on a connection that ended after the server's flight.
// The reaction is known if the server ended it, or if it was given the time to
// (Quiet). A server that hangs up without a stimulus is another matter.
func (c *client) reacted(why record.Status) record.Status {
	byServer := why == record.Closed || why == record.Reset
	switch {
	case c.after != nil && byServer:
		c.react(why)
	case byServer:
		return why
	}
	return record.OK
}
