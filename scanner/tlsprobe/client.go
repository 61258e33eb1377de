package tlsprobe

import (
	"encoding/binary"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// What one server may make us keep.
const (
	maxHandshake = 256 << 10 // bytes of handshake messages
	maxMessages  = 64
	maxCerts     = 32
	maxAlerts    = 8
	maxCCS       = 8
	maxRaw       = 512
	maxReceived  = 320 << 10 // of the connection: a handshake and its framing
)

// rawGap is how long a server that does not speak TLS may go on talking.
const rawGap = 300 * time.Millisecond

// client is one connection: a ClientHello, whatever comes back, and what the
// server makes of a stimulus after that.
type client struct {
	keys  *keys  // nil: somebody else's connection, watched
	sni   string // in hello
	hello []byte // record
	odd   bool   // an early ChangeCipherSpec follows the server's flight
	out   record.TLSAnswer

	records  wire.Records
	messages wire.Messages
	send     []byte
	verdict  record.Status // set when there is nothing more to wait for
	raw      []byte        // the answer, once it is known not to be TLS
	notTLS   bool
	ccs      int

	v13        *handshake13 // after the ServerHello of TLS 1.3
	retryHello []byte       // message, the second ClientHello
	seenHello  bool
	over       bool             // the server's flight is, and the stimulus is next
	after      *record.TLSAfter // the stimulus is sent
}

// newClient is a connection with the hello of a letter. odd: D has a stimulus.
func newClient(k *keys, sni, letter string, odd bool) *client {
	hello := padded(k.build(letter, sni))
	return &client{keys: k, sni: sni, hello: hello, odd: odd && letter == helloD,
		out: record.TLSAnswer{Hello: letter}, messages: wire.Messages{Max: maxHandshake}}
}

var _ conversation.Conversation = (*client)(nil)

// Open sends the ClientHello.
func (c *client) Open() conversation.Step { return conversation.Step{Send: c.hello} }

// Feed reads records until the server's flight is whole.
func (c *client) Feed(in []byte) conversation.Step {
	c.send = c.send[:0]
	for len(in) > 0 && c.verdict == "" && !c.notTLS {
		r, rest, ok, err := c.records.Next(in)
		switch {
		case err == wire.ErrNotTLS:
			c.notTLS = true
			c.raw = append(c.raw, c.records.Pending()...)
		case err != nil:
			c.verdict = record.Malformed
		case ok:
			c.record(r)
		}
		in = rest
	}
	if c.notTLS {
		return c.collect(in)
	}
	return c.step()
}

func (c *client) step() conversation.Step {
	s := conversation.Step{Send: c.send}
	switch {
	case c.verdict != "":
		s.Do = conversation.Done
	case c.after != nil:
		s.Gap = reaction
	case c.over:
		s.Gap = quiet
	}
	return s
}

// collect keeps the first bytes of an answer that is not TLS: up to a limit,
// or to the first silence.
func (c *client) collect(in []byte) conversation.Step {
	c.raw = append(c.raw, in[:min(len(in), maxRaw-len(c.raw))]...)
	if len(c.raw) == maxRaw {
		c.verdict = record.Malformed
	}
	s := c.step()
	s.Gap = rawGap
	return s
}

// Quiet is asked for when the answer is not TLS, which is over then, and
// around the stimulus.
func (c *client) Quiet() conversation.Step {
	switch {
	case c.notTLS:
		c.verdict = record.Malformed
	case c.over && c.after == nil:
		return c.stimulate()
	default:
		c.react(record.Timeout)
		c.verdict = record.OK
	}
	return conversation.Step{Do: conversation.Done}
}

// End tells how the handshake went. What was read of it is kept in any case.
func (c *client) End(why record.Status) record.Status {
	c.keep(why)
	c.out.Status = c.judge(why)
	return c.out.Status
}

func (c *client) judge(why record.Status) record.Status {
	switch {
	case c.verdict != "":
		return c.verdict
	case c.over:
		return c.reacted(why)
	case (why == record.Closed || why == record.Reset) && len(c.out.Alerts) > 0 && !c.seenHello:
		return record.Alert // it said why before it hung up
	}
	return why
}

// keep takes what is worth having of an answer that was broken off.
func (c *client) keep(why record.Status) {
	if c.notTLS {
		c.out.Raw = c.raw
		if why != record.Cancelled {
			c.verdict = record.Malformed
		}
	} else if p := c.records.Pending(); !c.records.Begun() && len(p) > 0 {
		c.out.Raw = append([]byte(nil), p...)
	}
	if p := c.messages.Pending(); why == record.Timeout && len(c.out.Messages) == 0 && len(c.out.Raw) == 0 && len(p) > 0 {
		c.out.Raw = append([]byte(nil), p[:min(len(p), maxRaw)]...) // a message that never ended is not silence
	}
	if p := c.messages.Pending(); c.seenHello && c.out.Certificates == nil && len(p) > 4 && p[0] == wire.TypeCertificate {
		c.out.Certificates, _ = parseCertificates(p[4:], c.v13 != nil) // the first of a long chain are worth having
	}
}

func (c *client) record(r wire.Record) {
	switch r.Type() {
	case wire.ChangeCipherSpec: // means nothing here (RFC 8446 appendix D.4)
		if c.ccs++; c.ccs > maxCCS {
			c.verdict = record.Malformed
		}
	case wire.Alert:
		c.alert(r.Body)
	case wire.Handshake:
		if c.v13 != nil {
			c.verdict = record.Malformed
			return
		}
		c.drain(c.messages.Add(r.Body))
	case wire.ApplicationData:
		c.protected(r)
	}
}

func (c *client) alert(body []byte) {
	if len(body) == 0 {
		return
	}
	if len(body) != 2 || len(c.out.Alerts) == maxAlerts {
		c.verdict = record.Malformed
		return
	}
	alert := record.TLSAlert{Level: body[0], Code: body[1]}
	if c.after != nil {
		c.reactedWith(alert)
		return
	}
	c.out.Alerts = append(c.out.Alerts, alert)
	if body[0] != 1 || c.v13 != nil { // anything but a warning ends it; TLS 1.3 knows no warnings
		c.verdict = record.Alert
	}
}

// drain handles the messages that are whole. added is what adding the last
// record's bytes brought.
func (c *client) drain(added error) {
	for c.verdict == "" {
		msg := c.messages.Next()
		if msg == nil {
			break
		}
		if len(c.out.Messages) == maxMessages || c.after != nil && len(c.after.Messages) == maxMessages {
			c.verdict = record.Malformed
			return
		}
		if c.after != nil {
			c.after.Messages = append(c.after.Messages, msg[0])
			continue
		}
		c.out.Messages = append(c.out.Messages, msg[0])
		c.message(msg)
	}
	if c.verdict != "" {
		return
	}
	p := c.messages.Pending()
	if !c.seenHello && c.after == nil && len(p) > 0 && p[0] != wire.TypeServerHello && p[0] != wire.TypeHelloRequest {
		c.verdict = record.Malformed
		return
	}
	if added != nil {
		c.verdict = record.Truncated
	}
}

func (c *client) message(msg []byte) {
	switch {
	case msg[0] == wire.TypeHelloRequest: // RFC 5246 section 7.4.1.1: to be ignored
	case c.over:
		c.verdict = record.Malformed
	case !c.seenHello:
		c.serverHello(msg)
	case c.v13 != nil:
		c.message13(msg)
	default:
		c.message12(msg)
	}
}

func (c *client) serverHello(msg []byte) {
	h, ok := wire.ParseServerHello(msg)
	if !ok || len(msg) > wire.MaxServerHello {
		c.verdict = record.Malformed
		return
	}
	version := h.Negotiated()
	if version == 0x0304 && h.Retry() {
		c.retry(msg, h)
		return
	}
	c.seenHello = true
	c.out.ServerHello, c.out.Version, c.out.Suite, c.out.Extensions = msg, version, h.Suite, h.Extensions
	c.selectALPN(h.Extensions)
	switch {
	case version > 0x0304:
		c.verdict = record.Malformed
	case version == 0x0304 && c.keys == nil:
		c.verdict = record.OK // the rest is not for us to read
	case version == 0x0304:
		c.start13(msg, h)
	}
}

func (c *client) selectALPN(list []record.Extension) {
	if b, ok := wire.Find(list, wire.ExtALPN); ok && len(b) > 3 && int(b[2]) == len(b)-3 {
		c.out.ALPN = string(b[3:])
	}
}

// message12 reads the flight of TLS 1.2 and below, which comes in the clear
// (RFC 5246 section 7.3).
func (c *client) message12(msg []byte) {
	body, ok := msg[4:], true
	switch msg[0] {
	case wire.TypeServerHello, wire.TypeFinished:
		ok = false
	case wire.TypeCertificate:
		c.out.Certificates, ok = parseCertificates(body, false)
	case wire.TypeServerKeyExchange:
		c.out.KeyExchange = body
	case wire.TypeCertificateRequest:
		c.out.CertificateRequest = body
	case wire.TypeServerHelloDone:
		c.finish()
	}
	if !ok {
		c.verdict = record.Malformed
	}
}

// parseCertificates reads the body of a Certificate message (RFC 5246 section
// 7.4.2, RFC 8446 section 4.4.2) and returns the first DERs, also those of a
// body that ends too early; ok is false for such a body.
func parseCertificates(body []byte, v13 bool) (certs [][]byte, ok bool) {
	s := cryptobyte.String(body)
	var context, list cryptobyte.String
	if v13 && !s.ReadUint8LengthPrefixed(&context) {
		return nil, false
	}
	var n uint32
	if !s.ReadUint24(&n) {
		return nil, false
	}
	whole := int(n) == len(s)
	list = s[:min(int(n), len(s))]
	for !list.Empty() && len(certs) < maxCerts {
		var der, extensions cryptobyte.String
		if !list.ReadUint24LengthPrefixed(&der) || v13 && !list.ReadUint16LengthPrefixed(&extensions) {
			return certs, false
		}
		certs = append(certs, der)
	}
	return certs, whole
}

// keyShare reads the key_share extension of a ServerHello.
func keyShare(h wire.ServerHello) (group uint16, key []byte, ok bool) {
	b, _ := wire.Find(h.Extensions, wire.ExtKeyShare)
	if len(b) < 4 || int(binary.BigEndian.Uint16(b[2:])) != len(b)-4 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(b), b[4:], true
}
