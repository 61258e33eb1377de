// Package postgresprobe asks PostgreSQL what it answers before a user is named:
// whether it speaks TLS, with which certificate, and how it words the refusal
// of a protocol version that does not exist, in which stands the line of its
// source. (PostgreSQL documentation, "Frontend/Backend Protocol".)
package postgresprobe

import (
	"encoding/binary"
	"slices"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/opening"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

const (
	maxError    = 8 << 10   // bytes of an ErrorResponse; two hundred are usual
	maxReceived = 384 << 10 // bytes of a connection: a TLS handshake
)

// Probe is the PostgreSQL probe: one connection, and another one if the first
// turned into TLS.
type Probe struct {
	First bool // the first only: what it answers to SSLRequest, and the certificate
}

var _ conversation.Probe = Probe{}

// Name is "postgres".
func (Probe) Name() string { return "postgres" }

// Start implements conversation.Probe.
func (p Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	r := &run{at: at, first: p.First}
	if s := seen.Postgres; s != nil {
		r.ssl, r.error = s.SSL != "", s.Error != nil
	}
	return r
}

// run asks one endpoint, one connection after the other.
type run struct {
	at         record.Endpoint
	first      bool
	ssl, error bool // known, or not to be asked
	now        *connection

	answer  record.Postgres
	tls     *record.TLS
	failure record.Status // the first
}

// Next implements conversation.Run.
func (r *run) Next(x *conversation.Exchange) bool {
	switch {
	case r.now != nil:
		return false
	case !r.ssl:
		r.ssl = true
		r.now = askSSL(r.at.Host.Name)
	case !r.error && !r.first:
		r.error = true
		r.now = askVersion()
	default:
		return false
	}
	x.Addr, x.Conv = r.at.AddrPort(), r.now
	x.Limits.Bytes = maxReceived
	return true
}

// Ended implements conversation.Run. A server that did not answer, or is none,
// is not asked again.
func (r *run) Ended(x *conversation.Exchange) {
	c := r.now
	r.now = nil
	if c.ssl != "" {
		r.answer.SSL = c.ssl
	}
	if c.error != nil {
		r.answer.Error = c.error
	}
	if r.answer.Raw == nil {
		r.answer.Raw = slices.Concat(c.Raw, c.version.Raw) // one of them at most
	}
	if c.tls != nil {
		if t, ok := c.tls.Answer(); ok {
			r.tls = &t
		}
	}
	r.error = r.error || c.error != nil || c.ssl == ""
	if x.Status != record.OK && r.failure == "" {
		r.failure = x.Status
	}
}

// Fold implements conversation.Run.
func (r *run) Fold(a *record.Answer) record.Status {
	a.TLS = r.tls
	if got := r.answer; got.SSL != "" || got.Error != nil || got.Raw != nil {
		a.Postgres = &got
	}
	if r.failure != "" {
		return r.failure
	}
	return record.OK
}

// connection begins with either question. After "N" to the first it goes on in
// the clear, so that the second needs no connection of its own.
type connection struct {
	opening.Opening
	version *opening.Opening
	name    string // server name for TLS, or ""
	ssl     string
	error   []byte
	tls     *tlsprobe.Handshake
}

func newConnection() *connection {
	c := &connection{}
	c.version = &opening.Opening{Ask: badVersion(), Length: errorLength, Then: c.refused}
	return c
}

func askSSL(name string) *connection {
	c := newConnection()
	c.name = name
	c.Opening = opening.Opening{Ask: sslRequest(), Length: sslLength, Then: c.sslAnswered}
	return c
}

func askVersion() *connection {
	c := newConnection()
	c.Opening, c.version = *c.version, &opening.Opening{}
	return c
}

// sslRequest is the request for TLS: length and the code 1234.5679.
func sslRequest() []byte { return binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8}, 80877103) }

// badVersion is a startup message of protocol 255.255 without parameters: a
// higher major version is refused before anything else is looked at.
func badVersion() []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0, 0, 0, 9}, 255<<16|255), 0)
}

// sslLength: one byte answers, or an error of a server that knows no TLS.
func sslLength(b []byte) int {
	switch b[0] {
	case 'S', 'N':
		return 1
	}
	return errorLength(b)
}

// errorLength is that of an ErrorResponse: type, length with itself, fields.
func errorLength(b []byte) int {
	const header = 5
	switch {
	case b[0] != 'E':
		return opening.Not
	case len(b) < header:
		return 0
	}
	n := binary.BigEndian.Uint32(b[1:])
	if n < 5 || n > maxError {
		return opening.Not
	}
	return 1 + int(n)
}

func (c *connection) sslAnswered(message []byte) opening.Next {
	c.ssl = string(message[:1])
	switch c.ssl {
	case "N":
		return opening.Next{Inner: c.version}
	case "S":
		h := tlsprobe.NewHandshake(c.name)
		c.tls = &h
		return opening.Next{Inner: h}
	}
	return c.refused(message)
}

// refused takes an ErrorResponse: it is what was asked for.
func (c *connection) refused(message []byte) opening.Next {
	c.error = slices.Clone(message[5:])
	return opening.Next{Verdict: record.OK}
}
