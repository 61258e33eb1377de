package rdpprobe

import (
	"bytes"
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hostkin/hostkin/scanner/conversation/opening"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

const (
	credSSPVersion = 6       // ours: the newest that there is
	maxTSRequest   = 8 << 10 // bytes; a challenge has some hundred
)

// ntlmSignature and the type after it begin every NTLM message (MS-NLMP 2.2.1).
const (
	ntlmSignature = "NTLMSSP\x00"
	ntlmChallenge = "NTLMSSP\x00\x02\x00\x00\x00"
)

// credssp is spoken inside TLS: our NTLM NEGOTIATE, the server's CHALLENGE.
type credssp struct {
	opening.Opening
	tls *record.TLSAnswer // the handshake around it; nil if it failed

	version   int
	errorCode uint32
	challenge []byte
}

var _ tlsprobe.Witness = (*credssp)(nil)

func newCredSSP() *credssp {
	c := &credssp{}
	c.Opening = opening.Opening{Ask: tsRequest(negotiate()), Length: derLength, Then: c.replied}
	return c
}

// Handshake implements tlsprobe.Witness.
func (c *credssp) Handshake(a record.TLSAnswer) { c.tls = &a }

func (c *credssp) replied(message []byte) opening.Next {
	version, token, errorCode, ok := parseTSRequest(message)
	if !ok {
		return opening.Next{Verdict: record.Malformed}
	}
	c.version, c.errorCode = version, errorCode
	switch {
	case bytes.HasPrefix(token, []byte(ntlmChallenge)):
		c.challenge = slices.Clone(token)
		return opening.Next{Verdict: record.OK}
	case errorCode != 0:
		return opening.Next{Verdict: record.Alert}
	}
	return opening.Next{Verdict: record.Malformed}
}

// negotiate is NEGOTIATE_MESSAGE (MS-NLMP 2.2.1.1) without names. The flags
// are those of Windows' own client; the version, of no use but to ask for the
// server's, is left at zero.
func negotiate() []byte {
	const (
		flags    = 0xe20882b7 // 56, key exchange, 128, version, extended session security, always sign, NTLM, LM key, seal, sign, target, OEM, Unicode
		names    = 8 + 8      // domain and workstation: empty
		revision = 15         // NTLMSSP_REVISION_W2K3, last byte of the version
	)
	b := binary.LittleEndian.AppendUint32([]byte(ntlmSignature), 1)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = append(b, make([]byte, names+7)...)
	return append(b, revision)
}

// Fields of TSRequest (MS-CSSP 2.2.1).
func field(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// tsRequest is a TSRequest with one token.
func tsRequest(token []byte) []byte {
	var b cryptobyte.Builder
	type builder = *cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b builder) {
		b.AddASN1(field(0), func(b builder) { b.AddASN1Int64(credSSPVersion) })
		b.AddASN1(field(1), func(b builder) {
			b.AddASN1(asn1.SEQUENCE, func(b builder) {
				b.AddASN1(asn1.SEQUENCE, func(b builder) {
					b.AddASN1(field(0), func(b builder) { b.AddASN1OctetString(token) })
				})
			})
		})
	})
	return b.BytesOrPanic() // of constant shape and length
}

// derLength is that of the SEQUENCE which b begins with. The indefinite form
// of BER is none: nobody sends it here, and it has no end to wait for.
func derLength(b []byte) int {
	if b[0] != byte(asn1.SEQUENCE) {
		return opening.Not
	}
	if len(b) < 2 {
		return 0
	}
	n, octets := int(b[1]), 0
	if n >= 0x80 {
		octets, n = n&0x7f, 0
		if octets < 1 || octets > 2 {
			return opening.Not
		}
		if len(b) < 2+octets {
			return 0
		}
		for _, octet := range b[2 : 2+octets] {
			n = n<<8 | int(octet)
		}
	}
	if n > maxTSRequest {
		return opening.Not
	}
	return 2 + octets + n
}

// parseTSRequest reads version, first token and error of a TSRequest; the last
// two may be missing.
func parseTSRequest(message []byte) (version int, token []byte, errorCode uint32, ok bool) {
	in := cryptobyte.String(message)
	var body, skipped, list, item, octets cryptobyte.String
	var tokens bool
	var status int64
	switch {
	case !in.ReadASN1(&body, asn1.SEQUENCE),
		!body.ReadASN1(&octets, field(0)) || !octets.ReadASN1Integer(&version) || version < 0 || version > 1<<16,
		!body.ReadOptionalASN1(&list, &tokens, field(1)),
		tokens && !(list.ReadASN1(&list, asn1.SEQUENCE) && list.ReadASN1(&item, asn1.SEQUENCE) &&
			item.ReadASN1(&item, field(0)) && item.ReadASN1(&item, asn1.OCTET_STRING)),
		!body.ReadOptionalASN1(&skipped, nil, field(2)), // authInfo
		!body.ReadOptionalASN1(&skipped, nil, field(3)), // pubKeyAuth
		!body.ReadOptionalASN1Integer(&status, field(4), int64(0)):
		return 0, nil, 0, false
	}
	return version, item, uint32(status), true // an NTSTATUS, as a negative number or not
}
