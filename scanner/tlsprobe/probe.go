// Package tlsprobe asks a server for one TLS handshake and keeps its answer
// whole: version, suite, extensions with their values, alerts, the certificate
// chain. TLS 1.2 and below is read in the clear up to ServerHelloDone; TLS 1.3
// is shaken hands with to the end, by a client of hostkin's own that verifies
// nothing but the server's Finished (RFC 8446).
//
// Wrap puts TLS around another protocol's conversation.
package tlsprobe

import (
	"io"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Probe is the TLS probe. The zero Probe draws its keys from crypto/rand, once
// in the life of the program.
type Probe struct{ keys *keys }

// New returns a Probe whose keys come from random, of which it reads a fixed
// number of bytes: with equal bytes it sends equal hellos, so that recorded
// answers can be replayed.
func New(random io.Reader) (Probe, error) {
	k, err := newKeys(random)
	return Probe{k}, err
}

// Name is "tls".
func (Probe) Name() string { return "tls" }

// Start begins a handshake with an endpoint. SNI is sent when the host has a
// name. An endpoint with a ServerHello in seen is not asked again.
func (p Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	r := &run{keys: p.keys, at: at, sni: serverName(at.Host.Name)}
	if r.keys == nil {
		r.keys = defaultKeys()
	}
	if seen.TLS != nil && len(seen.TLS.ServerHello) > 0 {
		r.asked, r.known = 2, true
	}
	return r
}

// run makes one connection, and a second one with a plainer hello when the
// first was refused in TLS's own words.
type run struct {
	keys  *keys
	at    record.Endpoint
	sni   string
	known bool

	asked, ended int
	clients      [2]*client
	status       [2]record.Status
}

var _ conversation.Run = (*run)(nil)

func (r *run) Next(x *conversation.Exchange) bool {
	if r.keys == nil || r.asked > r.ended || r.asked == 2 || r.asked == 1 && !r.plainer() {
		return false
	}
	hello := r.keys.plainHello(r.sni)
	if r.asked == 0 {
		var err error
		if hello, err = r.keys.fullHello(r.sni, 0, nil); err != nil {
			return false
		}
	}
	c := newClient(r.keys, r.sni, hello)
	r.clients[r.asked] = c
	r.asked++
	x.Addr, x.Conv = r.at.AddrPort(), c
	x.Limits.Bytes = maxReceived
	return true
}

// plainer reports whether the first hello was refused in a way that another
// one may cure: by an alert before any ServerHello, but not because of the
// name (unrecognized_name) or of us (access_denied).
func (r *run) plainer() bool {
	c := r.clients[0]
	if r.status[0] != record.Alert || c.seenHello || len(c.out.Alerts) == 0 {
		return false
	}
	switch c.out.Alerts[len(c.out.Alerts)-1].Code {
	case 0, 49, 112:
		return false
	}
	return true
}

func (r *run) Ended(x *conversation.Exchange) {
	r.status[r.ended] = x.Status
	r.ended++
}

// Fold writes what the connection brought that got a ServerHello, or the first
// one. Alerts are those of both, the first hello's first.
func (r *run) Fold(a *record.Answer) record.Status {
	switch {
	case r.known:
		return record.OK
	case r.ended == 0:
		return record.Cancelled
	}
	out, status := r.clients[0].out, r.status[0]
	if r.ended == 2 {
		second := r.clients[1].out
		alerts := append(out.Alerts, second.Alerts...)
		if r.clients[1].seenHello {
			out, status = second, r.status[1]
		}
		out.Alerts = alerts
	}
	if len(out.Messages) > 0 || len(out.Alerts) > 0 || len(out.Raw) > 0 {
		a.TLS = &out
	}
	return status
}
