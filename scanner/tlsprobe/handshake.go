package tlsprobe

import (
	"bytes"
	"errors"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// Handshake is one ClientHello and its answer, as a conversation of its own.
type Handshake struct{ *client }

var _ conversation.Conversation = Handshake{}

// NewHandshake is for a protocol that turns its connection into TLS on the way
// (STARTTLS), which carries it on from Open when the server is ready. It sends
// helloS, with SNI when name is not empty, and ends when the server's flight is
// over. The answer's Hello is "": it is none of the probe's five.
func NewHandshake(name string) Handshake {
	return Handshake{newClient(defaultKeys(), serverName(name), helloS, false)}
}

var errNoHello = errors.New("tlsprobe: not a ClientHello in one record")

// Watch follows a handshake that somebody else makes, given the record of the
// ClientHello: Feed gets what the server says, Quiet tells that the client
// wrote once more, End how it ended (OK: the client left first). Steps mean
// nothing: it never sends and, having no keys, reads TLS 1.3 up to the
// ServerHello. A hello of the probe's is known for what it is, whoever sent
// it: the answer's Hello is its letter, and what is written after hello D's flight
// is the early ChangeCipherSpec.
func Watch(hello []byte) (Handshake, error) {
	h, ok := wire.ParseClientHello(hello)
	if !ok {
		return Handshake{}, errNoHello
	}
	c := &client{hello: hello, sni: h.ServerName(), messages: wire.Messages{Max: maxHandshake}}
	for _, letter := range letters() {
		if bytes.Equal(h.Record(), hello) && bytes.Equal(h.Constant(), defaultKeys().build(letter, "").Constant()) {
			c.out.Hello, c.odd = letter, letter == helloD
		}
	}
	if c.out.Hello == helloD {
		c.sni = "" // nobody's
	}
	return Handshake{c}, nil
}

// Quiet see Watch and conversation.Conversation.
func (h Handshake) Quiet() conversation.Step {
	if h.keys == nil && (!h.over || h.after != nil) {
		return conversation.Step{} // the client goes on as clients do
	}
	return h.client.Quiet()
}

// End see Watch and conversation.Conversation.
func (h Handshake) End(why record.Status) record.Status {
	if h.keys == nil && h.verdict == "" && why == record.OK {
		switch {
		case h.after != nil:
			h.react(record.Timeout) // it was still open
		case !h.over: // the client gave up waiting
			why = record.Timeout
		}
	}
	return h.client.End(why)
}

// Answer is what the server said, once End was called; ok is false if it was nothing.
func (h Handshake) Answer() (t record.TLS, ok bool) {
	out := h.out
	if out.Hello == helloS {
		out.Hello = ""
	}
	return record.TLS{SNI: h.sni, TLSAnswer: out}, spoke(&h.out) || len(h.out.Raw) > 0
}
