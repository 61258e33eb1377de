package sshprobe

import (
	"bytes"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

const (
	// openAfter is the silence after which a server counts as one that goes on
	// waiting. It bears a lost segment, and it is past the two seconds after
	// which paramiko gives up.
	openAfter = 3 * time.Second
	maxReply  = 4 << 10 // bytes kept after the server's identification; its KEXINIT has some 1,500
)

// question is a first line that is no identification of SSH 2.
type question struct{ name, line string }

// questions are asked in this order, one a connection. Protocol 9.9 exists
// nowhere, so no server goes on with it; 2.9 would be taken by most (RFC 4253
// section 5.1) and 1.5 by old ones. The request is one line only: a server
// that closes with bytes unread resets, and a reset may overtake its words.
func questions() []question {
	return []question{
		{"version", "SSH-9.9-hostkin_1.0\r\n"},
		{"http", "GET / HTTP/1.0\r\n"},
	}
}

// odd is one connection that asks a question, once the server has identified
// itself or leaves it to the client to begin. What comes after the server's
// identification is the reply, whether it was sent before or after the
// question arrived: some send their KEXINIT at once.
type odd struct {
	question
	buf    []byte // received, before the end of the identification
	asked  bool
	named  bool // the server has identified itself
	reply  []byte
	ended  bool // by the server, by lasting silence, or because it said too much
	status record.Status
}

// Open implements conversation.Conversation.
func (o *odd) Open() conversation.Step { return conversation.Step{Gap: patience} }

// Feed implements conversation.Conversation.
func (o *odd) Feed(in []byte) conversation.Step {
	if o.named {
		o.reply = append(o.reply, in...)
	} else {
		o.buf = append(o.buf, in...)
		o.readName()
	}
	if len(o.reply) > maxReply || len(o.buf) > maxPreamble {
		o.status, o.ended = record.Truncated, true
		return conversation.Step{Do: conversation.Done}
	}
	if !o.named && !o.asked {
		return conversation.Step{Gap: patience}
	}
	return o.ask()
}

// Quiet implements conversation.Conversation.
func (o *odd) Quiet() conversation.Step {
	if o.asked {
		o.status, o.ended = record.Timeout, true
		return conversation.Step{Do: conversation.Done}
	}
	return o.ask()
}

func (o *odd) ask() conversation.Step {
	s := conversation.Step{Gap: openAfter}
	if !o.asked {
		o.asked = true
		s.Send = []byte(o.line)
	}
	return s
}

// readName drops whole lines up to the identification; what follows that one
// is the reply.
func (o *odd) readName() {
	for !o.named {
		end := bytes.IndexByte(o.buf, '\n') + 1
		if end == 0 {
			return
		}
		o.named = bytes.HasPrefix(o.buf, []byte("SSH-"))
		o.buf = o.buf[end:]
	}
	o.reply, o.buf = append(o.reply, o.buf...), nil
}

// End implements conversation.Conversation.
func (o *odd) End(why record.Status) record.Status {
	if o.status == "" {
		o.status, o.ended = why, why == record.Closed || why == record.Reset
	}
	return o.status
}

// answer is what is to be kept. A server that is too busy to say its name, and
// one that the deadline cut off before its time, have told nothing.
func (o *odd) answer() (record.SSHOdd, bool) {
	return record.SSHOdd{Sent: o.name, Status: o.status, Reply: o.reply}, o.ended && o.named && o.asked
}
