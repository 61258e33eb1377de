package lineprobe

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

const (
	settle   = 200 * time.Millisecond // silence that ends the reading of what is not the protocol
	maxRaw   = 512                    // bytes kept of what is not the protocol
	maxReply = 8 << 10                // bytes of a reply
)

// connection is one connection: greeting, list, upgrade and TLS handshake, or
// a farewell. It says nothing before the server has greeted.
type connection struct {
	dialect
	sni string // for the handshake after an upgrade
	us  string // the name in EHLO
	tls bool   // inside TLS already: no upgrade

	buf    []byte // received, not yet read
	out    []byte // to send with the next step
	now    stage
	reply  record.Reply  // under way
	status record.Status // of the greeting, once it is whole

	answer   record.Lines
	secured  bool // handshake was opened
	shake    tlsprobe.Handshake
	shakeGap time.Duration
}

// stage is what the connection waits for.
type stage uint8

const (
	greeting stage = iota
	list
	consent // to the upgrade
	leaving
	junk      // the end of what is not the protocol
	stray     // TLS, after whatever else the server says although it has agreed to it
	handshake // TLS
	done
)

// Open implements conversation.Conversation.
func (c *connection) Open() conversation.Step { return c.step() }

// Feed implements conversation.Conversation.
func (c *connection) Feed(in []byte) conversation.Step {
	c.out = c.out[:0]
	c.buf = append(c.buf, in...)
	for c.now < junk && c.readLine() {
	}
	switch c.now {
	case junk:
		if len(c.buf) >= maxRaw {
			c.now = done
		}
	case stray:
		c.skipText()
	}
	if c.now == handshake && len(c.buf) > 0 {
		c.take(c.shake.Feed(c.buf))
		c.buf = c.buf[:0]
	}
	return c.step()
}

// Quiet implements conversation.Conversation: of what is not the protocol no
// more comes. In TLS it is the handshake's.
func (c *connection) Quiet() conversation.Step {
	c.out = c.out[:0]
	if c.secured {
		c.take(c.shake.Quiet())
	} else {
		c.now = done
	}
	return c.step()
}

// End implements conversation.Conversation: how the server greeted, whatever
// came after.
func (c *connection) End(why record.Status) record.Status {
	if c.secured {
		c.shake.End(why)
	}
	if len(c.buf) > 0 && c.now != handshake {
		c.reply.Text = append(c.reply.Text, c.buf...)
	}
	isJunk := c.now == junk || c.status == record.Malformed || c.status == record.Truncated
	switch {
	case isJunk || c.now == greeting:
		if len(c.reply.Text) > 0 {
			c.answer.Raw = slices.Clone(c.reply.Text[:min(maxRaw, len(c.reply.Text))])
		}
	case c.now == stray && len(c.reply.Text) > 0:
		c.keep(record.Malformed)
	case c.now == list || c.now == consent || c.now == leaving && len(c.reply.Text) > 0:
		c.keep(why)
	}
	c.buf = nil
	switch {
	case c.status != "":
		return c.status
	case c.now == junk:
		return record.Malformed
	}
	return why
}

func (c *connection) step() conversation.Step {
	s := conversation.Step{Send: c.out}
	switch c.now {
	case junk:
		s.Gap = settle
	case stray, handshake:
		s.Gap = c.shakeGap
	case done:
		s.Do = conversation.Done
	}
	return s
}

// readLine reads one line of a reply; false: more bytes are needed, or it is over.
func (c *connection) readLine() bool {
	if len(c.buf) == 0 {
		return false
	}
	if c.now == greeting && len(c.reply.Text) == 0 && !c.fits(c.buf) {
		c.spoil(record.Malformed)
		return false
	}
	room := maxReply - len(c.reply.Text)
	end := bytes.IndexByte(c.buf[:min(room, len(c.buf))], '\n') + 1
	if end == 0 {
		if len(c.buf) >= room {
			c.spoil(record.Truncated)
		}
		return false
	}
	line := c.buf[:end]
	c.reply.Text = append(c.reply.Text, line...)
	first := c.reply.Text[:bytes.IndexByte(c.reply.Text, '\n')+1]
	how := c.read(c.reply.Command, first, line)
	c.buf = c.buf[end:]
	switch how {
	case unfinished:
	case broken:
		c.spoil(record.Malformed)
	default:
		c.replied(how)
	}
	return true
}

// spoil ends the connection because of a reply that cannot be read. What is
// not the protocol from the start is read on for a moment: it is the evidence.
func (c *connection) spoil(how record.Status) {
	switch {
	case c.now != greeting:
		c.keep(how)
		c.now = done
	case how == record.Malformed:
		c.buf = append(c.reply.Text, c.buf...)
		c.reply.Text, c.status, c.now = nil, how, junk
	default:
		c.status, c.now = how, done
	}
}

// keep puts the reply under way into the answer.
func (c *connection) keep(how record.Status) {
	c.reply.Status = how
	c.answer.Replies = append(c.answer.Replies, c.reply)
	c.reply = record.Reply{}
}

// replied goes on after a whole reply.
func (c *connection) replied(how outcome) {
	status := record.OK
	if how == denied {
		status = record.Alert
	}
	if c.now == greeting {
		c.greeted(status)
		return
	}
	old := status == record.Alert && c.askOld != "" && c.reply.Text[0] == '5' && len(c.answer.Replies) == 0
	c.keep(status)
	reply := c.answer.Replies[len(c.answer.Replies)-1]
	switch {
	case c.now == list && old:
		c.say(list, strings.Replace(c.askOld, "%s", c.us, 1)) // RFC 5321 section 3.2
	case c.now == list && !c.tls && c.offers(reply):
		c.say(consent, c.upgrade)
	case c.now == consent && status == record.OK:
		c.secure()
	case c.now == leaving:
		c.now = done
	default:
		c.say(leaving, c.leave)
	}
}

func (c *connection) greeted(status record.Status) {
	if other := Recognise(c.reply.Text, true); other != "" && other != c.name {
		c.spoil(record.Malformed)
		return
	}
	c.answer.Greeting, c.status = c.reply.Text, status
	c.reply = record.Reply{}
	if status == record.OK {
		c.say(list, strings.Replace(c.ask, "%s", c.us, 1))
	} else {
		c.say(leaving, c.leave) // RFC 5321 section 3.1: nothing else is of use
	}
}

func (c *connection) say(then stage, command string) {
	c.now, c.reply.Command = then, command
	c.out = append(append(c.out, command...), "\r\n"...)
}

// secure begins TLS.
func (c *connection) secure() {
	shake := tlsprobe.NewHandshake(c.sni)
	c.shake, c.secured, c.now = shake, true, stray
	c.take(shake.Open())
}

// skipText reads what comes in plain text after the server agreed to TLS, as
// a reply to no command: nobody may take it for something said in TLS. A
// server's first record is a handshake message or an alert (RFC 8446 section 5.1).
func (c *connection) skipText() {
	isRecord := func(r rune) bool { return r >= 0x14 && r <= 0x17 }
	end := bytes.IndexFunc(c.buf, isRecord)
	if end < 0 {
		end = len(c.buf)
	}
	room := maxReply - len(c.reply.Text)
	c.reply.Text = append(c.reply.Text, c.buf[:min(end, room)]...)
	c.buf = c.buf[end:]
	switch {
	case end >= room:
		c.keep(record.Truncated)
		c.now = done
	case len(c.buf) > 0:
		if len(c.reply.Text) > 0 {
			c.keep(record.Malformed)
		}
		c.now = handshake
	}
}

// take passes on what the handshake wants.
func (c *connection) take(s conversation.Step) {
	c.out = append(c.out, s.Send...)
	c.shakeGap = s.Gap
	if s.Do == conversation.Done {
		c.now = done
	}
}

// result is what the server said; ok is false if it was nothing.
func (c *connection) result() (l record.Lines, ok bool) {
	l = c.answer
	l.TLS = c.tls
	return l, len(l.Greeting)+len(l.Raw) > 0
}
