package tlsprobe

import (
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Handshake is one ClientHello and its answer, as a conversation of its own:
// for a protocol that turns its connection into TLS on the way (STARTTLS),
// which carries it on from Open when the server is ready.
type Handshake struct{ *client }

var _ conversation.Conversation = Handshake{}

// NewHandshake sends the first hello of the probe, with SNI when name is not empty.
func NewHandshake(name string) (Handshake, error) {
	k := defaultKeys()
	hello, err := k.fullHello(serverName(name), 0, nil)
	return Handshake{newClient(k, serverName(name), hello)}, err
}

// Answer is what the server said, once End was called; ok is false if it was nothing.
func (h Handshake) Answer() (t record.TLS, ok bool) {
	return h.out, len(h.out.Messages) > 0 || len(h.out.Alerts) > 0 || len(h.out.Raw) > 0
}
