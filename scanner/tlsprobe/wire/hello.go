package wire

import (
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"

	"github.com/hostkin/hostkin/scanner/record"
)

// Handshake message types (RFC 8446 section 4 and RFC 5246 section 7.4).
const (
	TypeHelloRequest        = 0
	TypeClientHello         = 1
	TypeServerHello         = 2
	TypeEncryptedExtensions = 8
	TypeCertificate         = 11
	TypeServerKeyExchange   = 12
	TypeCertificateRequest  = 13
	TypeServerHelloDone     = 14
	TypeCertificateVerify   = 15
	TypeFinished            = 20
	TypeCompressed          = 25 // CompressedCertificate, RFC 8879
	TypeMessageHash         = 254
)

// Extension numbers that hostkin reads or sends by name (IANA TLS ExtensionType Values).
const (
	ExtServerName          = 0
	ExtMaxFragmentLength   = 1
	ExtStatusRequest       = 5
	ExtSupportedGroups     = 10
	ExtPointFormats        = 11
	ExtSignatureAlgorithms = 13
	ExtHeartbeat           = 15
	ExtALPN                = 16
	ExtStatusRequestV2     = 17
	ExtSCT                 = 18
	ExtPadding             = 21
	ExtEncryptThenMAC      = 22
	ExtExtendedMaster      = 23
	ExtCompressCertificate = 27
	ExtRecordSizeLimit     = 28
	ExtSessionTicket       = 35
	ExtSupportedVersions   = 43
	ExtCookie              = 44
	ExtPSKModes            = 45
	ExtKeyShare            = 51
	ExtRenegotiation       = 0xff01
)

// CompressionZlib is a certificate compression algorithm of RFC 8879.
const CompressionZlib = 1

// MaxServerHello is the longest ServerHello taken, with its header: a session
// id and one extension block of 64 KiB.
const MaxServerHello = 1<<16 + 128

// ClientHello is what a ClientHello says (RFC 8446 section 4.1.2), extensions in wire order.
type ClientHello struct {
	RecordVersion uint16
	Version       uint16 // legacy_version
	Random        []byte // 32 bytes
	SessionID     []byte
	Suites        []uint16
	Extensions    []record.Extension
}

// Record is the hello as one record, header and all.
func (h ClientHello) Record() []byte {
	size := 5 + 4 + 2 + 32 + 1 + len(h.SessionID) + 2 + 2*len(h.Suites) + 2 + 2
	for _, e := range h.Extensions {
		size += 4 + len(e.Data)
	}
	b := make([]byte, 0, size)
	b = append(b, Handshake)
	b = binary.BigEndian.AppendUint16(b, h.RecordVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(size-5))
	b = append(b, TypeClientHello, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(size-9))
	b = binary.BigEndian.AppendUint16(b, h.Version)
	b = append(b, h.Random...)
	b = append(b, byte(len(h.SessionID)))
	b = append(b, h.SessionID...)
	b = binary.BigEndian.AppendUint16(b, uint16(2*len(h.Suites)))
	for _, s := range h.Suites {
		b = binary.BigEndian.AppendUint16(b, s)
	}
	b = append(b, 1, 0) // the null compression method only
	b = binary.BigEndian.AppendUint16(b, uint16(size-len(b)-2))
	for _, e := range h.Extensions {
		b = binary.BigEndian.AppendUint16(b, e.Type)
		b = binary.BigEndian.AppendUint16(b, uint16(len(e.Data)))
		b = append(b, e.Data...)
	}
	return b
}

// ServerName is the server_name extension for a host name (RFC 6066 section 3).
func ServerName(name string) record.Extension {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(name)+3))
	b = append(b, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
	return record.Extension{Type: ExtServerName, Data: append(b, name...)}
}

// List16 is values of 16 bits after their length in bytes, of width 1 or 2.
func List16(width int, values ...uint16) []byte {
	b := []byte{byte(2 * len(values))}
	if width == 2 {
		b = []byte{byte(2 * len(values) >> 8), byte(2 * len(values))}
	}
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return b
}

// ALPN is the application_layer_protocol_negotiation extension (RFC 7301).
func ALPN(protocols ...string) record.Extension {
	b := []byte{0, 0}
	for _, p := range protocols {
		b = append(b, byte(len(p)))
		b = append(b, p...)
	}
	binary.BigEndian.PutUint16(b, uint16(len(b)-2))
	return record.Extension{Type: ExtALPN, Data: b}
}

// KeyShare is one KeyShareEntry (RFC 8446 section 4.2.8).
type KeyShare struct {
	Group uint16
	Key   []byte
}

// KeyShares is the key_share extension of a ClientHello.
func KeyShares(shares ...KeyShare) record.Extension {
	b := []byte{0, 0}
	for _, s := range shares {
		b = binary.BigEndian.AppendUint16(b, s.Group)
		b = binary.BigEndian.AppendUint16(b, uint16(len(s.Key)))
		b = append(b, s.Key...)
	}
	binary.BigEndian.PutUint16(b, uint16(len(b)-2))
	return record.Extension{Type: ExtKeyShare, Data: b}
}

// ParseClientHello reads a ClientHello from its record, header and all.
func ParseClientHello(b []byte) (h ClientHello, ok bool) {
	s := cryptobyte.String(b)
	var content, kind uint8
	var fragment, body, id, suites, compressions cryptobyte.String
	if !s.ReadUint8(&content) || content != Handshake || !s.ReadUint16(&h.RecordVersion) || !s.ReadUint16LengthPrefixed(&fragment) || !s.Empty() ||
		!fragment.ReadUint8(&kind) || kind != TypeClientHello || !fragment.ReadUint24LengthPrefixed(&body) || !fragment.Empty() {
		return h, false
	}
	if !body.ReadUint16(&h.Version) || !body.ReadBytes(&h.Random, 32) || !body.ReadUint8LengthPrefixed(&id) || len(id) > 32 ||
		!body.ReadUint16LengthPrefixed(&suites) || len(suites)%2 != 0 || !body.ReadUint8LengthPrefixed(&compressions) {
		return h, false
	}
	h.SessionID = id
	for !suites.Empty() {
		var v uint16
		suites.ReadUint16(&v)
		h.Suites = append(h.Suites, v)
	}
	if body.Empty() {
		return h, true
	}
	h.Extensions, ok = ParseExtensions(&body)
	return h, ok && body.Empty()
}

// ServerHello is a parsed ServerHello; its slices are those of the message.
type ServerHello struct {
	Version    uint16 // legacy_version
	Random     []byte
	SessionID  []byte
	Suite      uint16
	Extensions []record.Extension
}

// maxExtensions bounds the extensions of one message.
const maxExtensions = 256

// ParseServerHello reads a ServerHello message with its 4-byte header.
func ParseServerHello(msg []byte) (h ServerHello, ok bool) {
	s := cryptobyte.String(msg)
	var kind, compression uint8
	var body, id cryptobyte.String
	if !s.ReadUint8(&kind) || kind != TypeServerHello || !s.ReadUint24LengthPrefixed(&body) || !s.Empty() ||
		!body.ReadUint16(&h.Version) || h.Version>>8 != 3 || !body.ReadBytes(&h.Random, 32) ||
		!body.ReadUint8LengthPrefixed(&id) || len(id) > 32 ||
		!body.ReadUint16(&h.Suite) || !body.ReadUint8(&compression) {
		return h, false
	}
	h.SessionID = id
	if body.Empty() { // before TLS 1.3 the block may be missing
		return h, true
	}
	h.Extensions, ok = ParseExtensions(&body)
	return h, ok && body.Empty()
}

// ParseExtensions reads one extension block from s.
func ParseExtensions(s *cryptobyte.String) ([]record.Extension, bool) {
	var block cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&block) {
		return nil, false
	}
	var out []record.Extension
	for !block.Empty() {
		var e record.Extension
		var data cryptobyte.String
		if !block.ReadUint16(&e.Type) || !block.ReadUint16LengthPrefixed(&data) || len(out) == maxExtensions {
			return out, false
		}
		if len(data) > 0 {
			e.Data = data
		}
		out = append(out, e)
	}
	return out, true
}

// Find is the data of the first extension of a type.
func Find(list []record.Extension, kind uint16) ([]byte, bool) {
	for _, e := range list {
		if e.Type == kind {
			return e.Data, true
		}
	}
	return nil, false
}

// retryRandom is the Random of a HelloRetryRequest: the SHA-256 of that word
// (RFC 8446 section 4.1.3).
const retryRandom = "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91" +
	"\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C"

// Retry reports whether h is a HelloRetryRequest.
func (h ServerHello) Retry() bool { return string(h.Random) == retryRandom }

// Negotiated is the version chosen: that of supported_versions, else the legacy one.
func (h ServerHello) Negotiated() uint16 {
	if v, ok := Find(h.Extensions, ExtSupportedVersions); ok && len(v) == 2 {
		return binary.BigEndian.Uint16(v)
	}
	return h.Version
}
