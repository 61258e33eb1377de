// Package redisprobe asks Redis, and what speaks its protocol, for a PONG. It
// sends no other command and no password.
package redisprobe

import (
	"bytes"
	"slices"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/opening"
	"github.com/hostkin/hostkin/scanner/record"
)

// ping is an inline command: every version understands it.
const ping = "PING\r\n"

const (
	maxLine     = 2 << 10 // bytes; the longest known, that of protected mode, has a thousand
	maxReceived = 4 << 10 // bytes of a connection
)

// Probe is the Redis probe: one connection, one line.
type Probe struct{}

var _ conversation.Probe = Probe{}

// Name is "redis".
func (Probe) Name() string { return "redis" }

// Start implements conversation.Probe. The status is OK if the server answers
// in its protocol, Alert if it does so by turning every client away.
func (Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	r := &conversation.Single{At: at, Bytes: maxReceived}
	if seen.Redis == nil || len(seen.Redis.Reply) == 0 {
		c := newConnection()
		r.Conv, r.Write = c, c.write
	}
	return r
}

func (c *connection) write(a *record.Answer) {
	if got := (record.Redis{Reply: c.reply, Raw: c.Raw}); got.Reply != nil || got.Raw != nil {
		a.Redis = &got
	}
}

// connection is one line of the server.
type connection struct {
	opening.Opening
	reply []byte
}

func newConnection() *connection {
	c := &connection{}
	c.Opening = opening.Opening{Ask: []byte(ping), Length: lineLength, Then: c.answered}
	return c
}

func (c *connection) answered(line []byte) opening.Next {
	c.reply = slices.Clone(line)
	if bytes.HasPrefix(line, []byte("-DENIED")) {
		return opening.Next{Verdict: record.Alert}
	}
	return opening.Next{Verdict: record.OK}
}

// lineLength is that of an answer to PING: +PONG, or an error, which begins
// with a word in capitals (RESP). Others greet with '+' or '-' as well (POP3),
// so any other word after '+' is not Redis.
func lineLength(b []byte) int {
	if b[0] != '-' {
		const pong = "+PONG\r\n"
		n := min(len(b), len(pong))
		switch {
		case string(b[:n]) != pong[:n]:
			return opening.Not
		case n < len(pong):
			return 0
		}
		return n
	}
	word := 0
	for word+1 < len(b) && 'A' <= b[word+1] && b[word+1] <= 'Z' {
		word++
	}
	if after := word + 1; after < len(b) && (word == 0 || b[after] != ' ' && b[after] != '\r') {
		return opening.Not
	}
	switch end := bytes.IndexByte(b[:min(len(b), maxLine)], '\n'); {
	case end >= 0:
		return end + 1
	case len(b) >= maxLine:
		return opening.Not
	}
	return 0
}
