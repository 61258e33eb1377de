// Package jarmprobe sends the ten Client Hellos of JARM, defined by
// https://github.com/salesforce/jarm (jarm.py), and keeps the ServerHello that
// each of them gets. A ServerHello is read by record and message length: it may
// come in any number of segments and records, which breaks the reference.
//
// As in the reference, and so that values compare with published ones, the
// server_name sent is the target as given, an address literal included.
package jarmprobe

import (
	"math/rand/v2"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// maxReceived bounds one connection: a ServerHello and what a server may have
// sent along with it.
const maxReceived = 128 << 10

// Probe is the JARM probe. Seed decides the random bytes and GREASE values of
// the hellos; the reference draws them anew each time. With equal seeds the
// hellos are equal, so that recorded answers can be replayed.
type Probe struct{ Seed uint64 }

// Name is "jarm".
func (Probe) Name() string { return "jarm" }

// Start begins the ten connections. They are made at once, but for the first:
// when it cannot be established, or what answers does not speak TLS, there are
// no more.
func (p Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	r := &run{seed: p.Seed, at: at, sni: at.Host.Name, known: seen.JARM != nil}
	if r.sni == "" {
		r.sni = at.Host.IP.String()
	}
	return r
}

type run struct {
	seed  uint64
	at    record.Endpoint
	sni   string
	known bool // seen before

	asked, ended int
	stopped      bool
	connected    bool
	clients      [Count]*client
	status       [Count]record.Status
}

var _ conversation.Run = (*run)(nil)

func (r *run) Next(x *conversation.Exchange) bool {
	if r.known || r.stopped || r.asked == Count || r.asked == 1 && r.ended == 0 {
		return false
	}
	c := &client{index: r.asked, messages: wire.Messages{Max: wire.MaxServerHello}}
	c.hello = hellos()[r.asked].record(r.sni, &random{rand.New(rand.NewPCG(r.seed, uint64(r.asked)))})
	r.clients[r.asked] = c
	r.asked++
	x.Addr, x.Conv = r.at.AddrPort(), c
	x.Limits.Bytes = maxReceived
	return true
}

func (r *run) Ended(x *conversation.Exchange) {
	i := x.Conv.(*client).index
	r.status[i] = x.Status
	r.connected = r.connected || x.Connected
	r.ended++
	if i == 0 && (!x.Connected || x.Status == record.Malformed) || x.Status == record.Cancelled || x.Status == record.Excluded {
		r.stopped = true
	}
}

// Fold writes the ten answers, unless no connection was ever established. The
// status is OK if there is any ServerHello, else that of the first connection.
func (r *run) Fold(a *record.Answer) record.Status {
	switch {
	case r.known:
		return record.OK
	case r.ended == 0:
		return record.Cancelled
	}
	status := r.status[0]
	j := &record.JARM{SNI: r.sni}
	for i, c := range r.clients[:r.asked] {
		answer := record.JARMAnswer{Status: r.status[i]}
		if answer.Status == record.OK {
			answer.ServerHello = c.answer
			status = record.OK
		}
		j.Answers = append(j.Answers, answer)
	}
	if r.connected {
		a.JARM = j
	}
	return status
}

// client is one connection: it reads the first handshake message or the first alert.
type client struct {
	index    int
	hello    []byte
	answer   []byte // ServerHello message
	records  wire.Records
	messages wire.Messages
	verdict  record.Status
}

var _ conversation.Conversation = (*client)(nil)

// Open sends the ClientHello.
func (c *client) Open() conversation.Step { return conversation.Step{Send: c.hello} }

// Feed reads up to the end of the ServerHello.
func (c *client) Feed(in []byte) conversation.Step {
	for len(in) > 0 && c.verdict == "" {
		r, rest, ok, err := c.records.Next(in)
		switch {
		case err != nil:
			c.verdict = record.Malformed
		case ok:
			c.record(r)
		}
		in = rest
	}
	if c.verdict != "" {
		return conversation.Step{Do: conversation.Done}
	}
	return conversation.Step{}
}

func (c *client) record(r wire.Record) {
	switch {
	case r.Type() == wire.Alert && len(r.Body) > 0: // a warning too: what follows one is no answer to the reference
		c.verdict = record.Alert
	case r.Type() != wire.Handshake:
		c.verdict = record.Malformed
	case c.messages.Add(r.Body) != nil:
		c.verdict = record.Malformed
	}
	if p := c.messages.Pending(); c.verdict == "" && len(p) > 0 && p[0] != wire.TypeServerHello {
		c.verdict = record.Malformed
	}
	if msg := c.messages.Next(); c.verdict == "" && msg != nil {
		c.verdict = record.Malformed
		if _, ok := wire.ParseServerHello(msg); ok {
			c.answer, c.verdict = msg, record.OK
		}
	}
}

// Quiet is never asked for.
func (c *client) Quiet() conversation.Step { return conversation.Step{} }

// End tells whether there was a ServerHello.
func (c *client) End(why record.Status) record.Status {
	if c.verdict != "" {
		return c.verdict
	}
	return why
}

// random draws what the hellos hold at random.
type random struct{ *rand.Rand }

func (r *random) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// grease is one of the values of RFC 8701.
func (r *random) grease() uint16 { return 0x0a0a + 0x1010*uint16(r.IntN(16)) }
