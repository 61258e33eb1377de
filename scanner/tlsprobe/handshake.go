package tlsprobe

import (
	"bytes"
	"errors"
	"slices"

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
// it: the answer's Hello is its letter, and a second write is its stimulus.
func Watch(hello []byte) (Handshake, error) {
	h, ok := wire.ParseClientHello(hello)
	if !ok {
		return Handshake{}, errNoHello
	}
	c := &client{hello: hello, messages: wire.Messages{Max: maxHandshake}}
	if name, ok := wire.Find(h.Extensions, wire.ExtServerName); ok && len(name) > 5 {
		c.sni = string(name[5:])
	}
	for _, letter := range letters() {
		if bytes.Equal(h.Record(), hello) && bytes.Equal(anonymous(h), anonymous(defaultKeys().build(letter, ""))) {
			c.out.Hello, c.stimulus = letter, stimulusOf(letter, true)
		}
	}
	if c.out.Hello == helloD {
		c.sni = "" // nobody's
	}
	return Handshake{c}, nil
}

// anonymous is a hello without what differs from one run of the probe, or one
// host, to the next.
func anonymous(h wire.ClientHello) []byte {
	h.Random, h.SessionID = make([]byte, 32), make([]byte, len(h.SessionID))
	h.Suites = slices.Clone(h.Suites)
	ungrease(h.Suites)
	var kept []record.Extension
	for _, e := range h.Extensions {
		switch {
		case e.Type == wire.ExtServerName, e.Type == wire.ExtPadding:
			continue
		case isGrease(e.Type):
			e.Type = 0x0a0a
		case e.Type == wire.ExtKeyShare:
			e.Data = make([]byte, len(e.Data))
		case e.Type == wire.ExtSupportedGroups:
			e.Data = ungreased(2, e.Data)
		case e.Type == wire.ExtSupportedVersions:
			e.Data = ungreased(1, e.Data)
		}
		kept = append(kept, e)
	}
	h.Extensions = kept
	return h.Record()
}

// ungreased is a list of 16 bits after its length, of width bytes, with one
// value for all of GREASE.
func ungreased(width int, list []byte) []byte {
	list = bytes.Clone(list)
	for i := width; i+1 < len(list); i += 2 {
		if isGrease(uint16(list[i])<<8 | uint16(list[i+1])) {
			list[i], list[i+1] = 0x0a, 0x0a
		}
	}
	return list
}

func ungrease(list []uint16) {
	for i, v := range list {
		if isGrease(v) {
			list[i] = 0x0a0a
		}
	}
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
