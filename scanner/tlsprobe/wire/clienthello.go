package wire

import (
	"golang.org/x/crypto/cryptobyte"
)

// ParseClientHello reads a ClientHello that is one record, header and all
// (RFC 8446 section 4.1.2). Its slices are those of the record.
func ParseClientHello(b []byte) (h ClientHello, ok bool) {
	s := cryptobyte.String(b)
	var content, kind uint8
	var fragment, body, id, suites, compression cryptobyte.String
	if !s.ReadUint8(&content) || content != Handshake || !s.ReadUint16(&h.RecordVersion) || h.RecordVersion>>8 != 3 ||
		!s.ReadUint16LengthPrefixed(&fragment) || !s.Empty() ||
		!fragment.ReadUint8(&kind) || kind != TypeClientHello || !fragment.ReadUint24LengthPrefixed(&body) || !fragment.Empty() ||
		!body.ReadUint16(&h.Version) || !body.ReadBytes(&h.Random, 32) || !body.ReadUint8LengthPrefixed(&id) ||
		!body.ReadUint16LengthPrefixed(&suites) || !body.ReadUint8LengthPrefixed(&compression) {
		return h, false
	}
	h.SessionID = id
	for !suites.Empty() {
		var suite uint16
		if !suites.ReadUint16(&suite) {
			return h, false
		}
		h.Suites = append(h.Suites, suite)
	}
	if body.Empty() {
		return h, true
	}
	h.Extensions, ok = ParseExtensions(&body)
	return h, ok && body.Empty()
}

// ServerName is the host name in the server_name extension (RFC 6066 section 3).
func (h ClientHello) ServerName() (name string, ok bool) {
	data, _ := Find(h.Extensions, ExtServerName)
	s := cryptobyte.String(data)
	var list, host cryptobyte.String
	var kind uint8
	if !s.ReadUint16LengthPrefixed(&list) || !list.ReadUint8(&kind) || kind != 0 || !list.ReadUint16LengthPrefixed(&host) {
		return "", false
	}
	return string(host), printable(host)
}

// printable: a record holds text, and names are of ASCII.
func printable(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}
