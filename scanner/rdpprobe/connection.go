package rdpprobe

import (
	"encoding/binary"
	"slices"

	"github.com/hostkin/hostkin/scanner/conversation/opening"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// Security protocols (MS-RDPBCGR 2.2.1.1.1).
const (
	protocolSSL      = 0x1
	protocolHybrid   = 0x2 // CredSSP inside TLS
	protocolHybridEx = 0x8 // and a word on the outcome
)

// connection is one connection: negotiation, then TLS or CredSSP inside TLS.
type connection struct {
	opening.Opening
	name  string // server name for TLS, or ""
	plain bool   // read the clear text of TLS, whatever is negotiated

	confirm   []byte
	handshake *tlsprobe.Handshake
	credssp   *credssp
}

func newConnection(name string, plain bool) *connection {
	c := &connection{name: name, plain: plain}
	c.Opening = opening.Opening{Ask: connectionRequest(), Length: confirmLength, Then: c.confirmed}
	return c
}

// connectionRequest is the X.224 Connection Request PDU (MS-RDPBCGR 2.2.1.1).
// It has no cookie: that is where clients put the name of a user, and servers
// without a load balancer do not miss it.
func connectionRequest() []byte {
	return []byte{
		3, 0, 0, 19, // TPKT: version, reserved, length
		14, 0xe0, 0, 0, 0, 0, 0, // length of the rest, connection request, references, class 0
		1, 0, 8, 0, protocolSSL | protocolHybrid | protocolHybridEx, 0, 0, 0, // RDP_NEG_REQ
	}
}

// The Connection Confirm PDU (MS-RDPBCGR 2.2.1.2).
const (
	confirmMin  = 11 // bytes of a TPKT header and a connection confirm
	confirmMax  = 256
	negotiation = 11 // offset of RDP_NEG_RSP or RDP_NEG_FAILURE, 8 bytes, which old servers leave out
	negResponse = 2
	negFailure  = 3
)

// confirmLength is what the TPKT header says, of an X.224 connection confirm.
func confirmLength(b []byte) int {
	const codeAt, confirmCode = 5, 0xd0
	if b[0] != 3 {
		return opening.Not
	}
	if len(b) <= codeAt {
		return 0
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < confirmMin || n > confirmMax || b[codeAt]&0xf0 != confirmCode {
		return opening.Not
	}
	return n
}

func (c *connection) confirmed(pdu []byte) opening.Next {
	c.confirm = slices.Clone(pdu)
	if len(pdu) < negotiation+8 {
		return opening.Next{Verdict: record.OK} // security of RDP's own: there is no TLS
	}
	kind, chosen := pdu[negotiation], binary.LittleEndian.Uint32(pdu[negotiation+4:])
	hybrid := chosen == protocolHybrid || chosen == protocolHybridEx
	switch {
	case kind == negFailure:
		return opening.Next{Verdict: record.Alert}
	case kind == negResponse && hybrid && !c.plain:
		c.credssp = newCredSSP()
		return opening.Next{Inner: tlsprobe.Wrap(c.credssp, c.name, nil)}
	case kind == negResponse && (hybrid || chosen == protocolSSL):
		h := tlsprobe.NewHandshake(c.name)
		c.handshake = &h
		return opening.Next{Inner: h}
	}
	return opening.Next{Verdict: record.OK}
}

// answer is what the connection brought, TLS apart.
func (c *connection) answer() record.RDP {
	got := record.RDP{Confirm: c.confirm, Raw: c.Raw}
	if s := c.credssp; s != nil {
		got.CredSSP, got.ErrorCode, got.Challenge, got.Raw = s.version, s.errorCode, s.challenge, s.Raw
	}
	return got
}

// tls is the handshake. That around CredSSP is not one of the tls probe's
// hellos, and has little more than the certificates.
func (c *connection) tls() (record.TLS, bool) {
	switch {
	case c.handshake != nil:
		return c.handshake.Answer()
	case c.credssp != nil && c.credssp.tls != nil:
		return record.TLS{SNI: c.name, TLSAnswer: *c.credssp.tls}, true
	}
	return record.TLS{}, false
}
