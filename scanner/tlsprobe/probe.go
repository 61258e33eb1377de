// Package tlsprobe sends a server five ClientHellos of hostkin's own, each on a
// connection of its own, and keeps the answers whole: version, suite,
// extensions with their values, alerts, the certificate chain, how the server
// takes a message that does not belong there. TLS 1.2 and below is read in the
// clear up to ServerHelloDone; TLS 1.3 is shaken hands with to the end, by a
// client that verifies nothing but the server's Finished (RFC 8446).
//
// Wrap puts TLS around another protocol's conversation.
package tlsprobe

import (
	"io"
	"slices"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Probe is the TLS probe. The zero Probe draws its keys from crypto/rand, once
// in the life of the program.
type Probe struct {
	keys  *keys
	Brief bool // hello C only, and A where it finds no common ground: what it takes to see a certificate
	Odd   bool // an early ChangeCipherSpec to hello D, which looks like a test for CVE-2014-0224
}

// New returns a Probe whose keys come from random, of which it reads a fixed
// number of bytes: with equal bytes it sends equal hellos, so that recorded
// answers can be replayed.
func New(random io.Reader) (Probe, error) {
	k, err := newKeys(random)
	return Probe{keys: k}, err
}

// Name is "tls".
func (Probe) Name() string { return "tls" }

// Start begins to ask an endpoint. SNI is sent when the host has a name. Hellos
// with an answer in seen are not sent again, but their answers are repeated
// beside the new ones, so that one record holds all five.
func (p Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	r := &run{Probe: p, at: at, sni: serverName(at.Host.Name)}
	if r.keys == nil {
		r.keys = defaultKeys()
	}
	for i, letter := range letters() {
		r.answers[i] = answerTo(seen.TLS, letter)
	}
	return r
}

// run asks C first, and the others at once after it.
type run struct {
	Probe
	at      record.Endpoint
	sni     string
	clients [5]*client           // in the order of letters
	answers [5]*record.TLSAnswer // seen before, or ended
	first   record.Status        // of the first connection
	stopped bool
}

var _ conversation.Run = (*run)(nil)

func (r *run) Next(x *conversation.Exchange) bool {
	for i, letter := range letters() {
		if r.clients[i] != nil || r.answers[i] != nil {
			continue
		}
		if !r.wants(i) {
			return false
		}
		c := newClient(r.keys, r.sni, letter, r.Odd)
		r.clients[i] = c
		x.Addr, x.Conv = r.at.AddrPort(), c
		x.Limits.Bytes = maxReceived
		return true
	}
	return false
}

// wants tells whether the nth hello is to be sent now. Nothing more is sent to
// what does not speak TLS. One that hangs up on C without a word may still be
// a server of TLS 1.3 only, for which there is A, or one that cannot do what
// both ask for (lighttpd with wolfSSL and status_request), for which there is D.
func (r *run) wants(n int) bool {
	c := r.answers[0]
	switch {
	case r.stopped:
		return false
	case n == 0:
		return true
	case c == nil:
		return false
	case r.Brief:
		return n == 1 && spoke(c) && c.ServerHello == nil
	case slices.ContainsFunc(r.answers[:n], spoke):
		return true
	}
	return n <= 2 && hungUp(r.answers[n-1])
}

func hungUp(a *record.TLSAnswer) bool {
	return a != nil && len(a.Raw) == 0 && (a.Status == record.Closed || a.Status == record.Reset)
}

// spoke reports whether there was any TLS in an answer.
func spoke(a *record.TLSAnswer) bool {
	return a != nil && (len(a.Messages) > 0 || len(a.Alerts) > 0)
}

func (r *run) Ended(x *conversation.Exchange) {
	if r.first == "" {
		r.first = x.Status
		r.stopped = !x.Connected
	}
	if x.Status == record.Cancelled || x.Status == record.Excluded {
		r.stopped = true
	}
	for i, c := range r.clients {
		if c == x.Conv {
			c.out.Status = x.Status
			r.answers[i] = &c.out
		}
	}
}

// Fold writes all answers, those seen before among them, if a hello was sent
// and anything was ever said. The status is OK if one handshake went as far as
// was wanted or nothing was left to ask, else that of the first connection.
func (r *run) Fold(a *record.Answer) record.Status {
	status := r.first
	var answers []*record.TLSAnswer
	said := false
	for _, answer := range r.answers {
		if answer == nil || answer.Status == record.Cancelled && !spoke(answer) {
			continue
		}
		if answer.Status == record.OK {
			status = record.OK
		}
		said = said || spoke(answer) || len(answer.Raw) > 0
		answers = append(answers, answer)
	}
	if said && r.first != "" {
		a.TLS = together(r.sni, answers)
	}
	switch {
	case status != "":
		return status
	case len(answers) > 0: // all of them seen before
		return record.OK
	}
	return record.Cancelled
}
