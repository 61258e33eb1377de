// Package mysqlprobe keeps what MySQL and MariaDB say before anybody logs in:
// the first packet, and the certificate if they offer TLS. No user is named.
//
// Servers count clients that leave without logging in, and refuse an address
// after max_connect_errors of them in a row (100 by default): a probe is one
// connection.
package mysqlprobe

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/opening"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

const (
	headerSize  = 4         // length, three bytes, and sequence number
	maxPacket   = 4 << 10   // bytes of a first packet; a hundred are usual
	maxReceived = 384 << 10 // bytes of a connection: a TLS handshake after it
)

// What a first packet begins with.
const (
	protocol9  = 9 // MySQL 3.22 and before
	protocol10 = 10
	errPacket  = 0xff
)

// Probe is the MySQL probe: one connection.
type Probe struct{}

var _ conversation.Probe = Probe{}

// Name is "mysql".
func (Probe) Name() string { return "mysql" }

// Start implements conversation.Probe. The status is OK if there is a greeting
// and the TLS that it offers, if any; Alert if the server does not serve us.
func (Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	r := &conversation.Single{At: at, Bytes: maxReceived}
	if seen.MySQL == nil || len(seen.MySQL.Greeting) == 0 {
		c := newConnection(at.Host.Name)
		r.Conv, r.Write = c, c.write
	}
	return r
}

func (c *connection) write(a *record.Answer) {
	if got := (record.MySQL{Greeting: c.greeting, Raw: c.Raw}); got.Greeting != nil || got.Raw != nil {
		a.MySQL = &got
	}
	if c.tls != nil {
		if t, ok := c.tls.Answer(); ok {
			a.TLS = &t
		}
	}
}

// connection is the first packet, and the start of TLS after it.
type connection struct {
	opening.Opening
	name     string // server name for TLS, or ""
	greeting []byte
	tls      *tlsprobe.Handshake
}

func newConnection(name string) *connection {
	c := &connection{name: name}
	c.Opening = opening.Opening{Length: packetLength, Then: c.greeted}
	return c
}

// packetLength is that of a first packet with its header. Servers count
// packets from 0; an ERR may come as the second of a handshake not begun.
func packetLength(b []byte) int {
	if len(b) <= headerSize {
		return 0
	}
	n := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	first := b[headerSize]
	if n == 0 || n > maxPacket || b[3] > 1 || first != protocol10 && first != protocol9 && first != errPacket {
		return opening.Not
	}
	return headerSize + n
}

func (c *connection) greeted(packet []byte) opening.Next {
	payload := packet[headerSize:]
	offered, ok := capabilities(payload)
	if !ok {
		return opening.Next{Verdict: record.Malformed}
	}
	c.greeting = slices.Clone(payload)
	switch {
	case payload[0] == errPacket:
		return opening.Next{Verdict: record.Alert}
	case offered&clientSSL == 0:
		return opening.Next{Verdict: record.OK}
	}
	h := tlsprobe.NewHandshake(c.name)
	c.tls = &h
	return opening.Next{Send: sslRequest(packet[3] + 1), Inner: h}
}

// Capability flags that we have a use for.
const (
	clientLongPassword     = 1 << 0
	clientProtocol41       = 1 << 9
	clientSSL              = 1 << 11
	clientSecureConnection = 1 << 15
	clientPluginAuth       = 1 << 19
)

// capabilities is the lower half of the flags in HandshakeV10: after version,
// thread id (4 bytes), eight bytes of challenge and a filler. Other packets
// have none. ok is false for a greeting that ends before.
func capabilities(payload []byte) (flags uint16, ok bool) {
	if payload[0] == errPacket {
		return 0, len(payload) >= 3 // with its code
	}
	end := bytes.IndexByte(payload[1:], 0)
	if end < 0 {
		return 0, false
	}
	rest := payload[1+end+1:]
	if payload[0] == protocol9 {
		return 0, true
	}
	const at = 4 + 8 + 1
	if len(rest) < at+2 {
		return 0, false
	}
	return binary.LittleEndian.Uint16(rest[at:]), true
}

// sslRequest is the packet that turns the connection into TLS: HandshakeResponse41
// without a user, nor anything else that comes after the flags.
func sslRequest(sequence byte) []byte {
	const (
		size      = 32 // flags, longest packet, character set, 23 zeros
		longest   = 1 << 24
		utf8mb4   = 45
		offsetSet = headerSize + 8
	)
	b := make([]byte, headerSize+size)
	b[0], b[3] = size, sequence
	binary.LittleEndian.PutUint32(b[headerSize:], clientLongPassword|clientProtocol41|clientSSL|clientSecureConnection|clientPluginAuth)
	binary.LittleEndian.PutUint32(b[headerSize+4:], longest)
	b[offsetSet] = utf8mb4
	return b
}
