package tlsserver

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"

	"golang.org/x/crypto/cryptobyte"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// serverHello is what a ServerHello says (RFC 8446 section 4.1.3).
type serverHello struct {
	random      []byte
	suite       uint16
	compression uint8
	extensions  []record.Extension
}

// retryRandom marks a HelloRetryRequest: the SHA-256 of that word.
const retryRandom = "\xCF\x21\xAD\x74\xE5\x9A\x61\x11\xBE\x1D\x8C\x02\x1E\x65\xB8\x91" +
	"\xC2\xA2\x11\x16\x7A\xBB\x8C\x5E\x07\x9E\x09\xE2\xC8\xA8\x33\x9C"

// parse reads a ServerHello message with its 4-byte header.
func parse(msg []byte) (h serverHello, ok bool) {
	h.random = make([]byte, 32)
	s := cryptobyte.String(msg)
	var id cryptobyte.String
	if !s.Skip(4+2) || !s.CopyBytes(h.random) || !s.ReadUint8LengthPrefixed(&id) || !s.ReadUint16(&h.suite) || !s.ReadUint8(&h.compression) {
		return h, false
	}
	h.extensions, _ = extensionList(&s)
	return h, true
}

func extensionList(s *cryptobyte.String) (list []record.Extension, ok bool) {
	var block cryptobyte.String
	if !s.ReadUint16LengthPrefixed(&block) {
		return nil, false
	}
	for !block.Empty() {
		var e record.Extension
		if !block.ReadUint16(&e.Type) || !block.ReadUint16LengthPrefixed((*cryptobyte.String)(&e.Data)) {
			return list, false
		}
		list = append(list, e)
	}
	return list, true
}

// agreement is how the two sides come to a key.
type agreement struct {
	group  string // number of the group; "dh" and bits of the prime; "" none
	detail string // of the prime: the hash of a published one, or "own"
	scheme string // of the signature on it
}

func (a agreement) text() string {
	if a.group == "" {
		return ""
	}
	return a.group + "," + a.detail + "," + a.scheme
}

// exchange reads a ServerKeyExchange (RFC 5246 section 7.4.3 and RFC 8422
// section 5.4).
func exchange(a *record.TLSAnswer) (out agreement) {
	if len(a.KeyExchange) == 0 {
		return out
	}
	out.group = "malformed"
	s := cryptobyte.String(a.KeyExchange)
	if ecdhe(a.Suite) {
		var kind uint8
		var curve uint16
		var point cryptobyte.String
		if !s.ReadUint8(&kind) || kind != 3 || !s.ReadUint16(&curve) || !s.ReadUint8LengthPrefixed(&point) { // named_curve
			return out
		}
		out.group = strconv.Itoa(int(curve))
	} else {
		var p, g, share cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&p) || !s.ReadUint16LengthPrefixed(&g) || !s.ReadUint16LengthPrefixed(&share) {
			return out
		}
		out.group = fmt.Sprintf("dh%d", 8*len(p))
		out.detail = "own"
		if published(p) {
			out.detail = value.SHA256(string(p) + "," + string(g))[:16]
		}
	}
	var scheme uint16
	if a.Version == 0x0303 && s.ReadUint16(&scheme) {
		out.scheme = fmt.Sprintf("%04x", scheme)
	}
	return out
}

// published reports whether a prime is one of RFC 2409, 3526 or 7919, which all
// begin and end with 64 bits set. Others are made by the operator or, by stunnel,
// anew every day: they are no part of a signature.
func published(p []byte) bool {
	const ones = "\xff\xff\xff\xff\xff\xff\xff\xff"
	return bytes.HasPrefix(p, []byte(ones)) && bytes.HasSuffix(p, []byte(ones))
}

// ecdhe reports whether a suite before TLS 1.3 agrees on a curve, of those
// that have a ServerKeyExchange at all.
func ecdhe(suite uint16) bool {
	return suite>>8 == 0xc0 && (suite < 0xc09c || suite > 0xc0a3) || suite>>8 == 0xcc && suite != 0xccaa
}

// group is what was agreed on: of key_share, else of the ServerKeyExchange.
func group(a *record.TLSAnswer) string {
	list := a.Extensions
	if a.ServerHello == nil {
		h, _ := parse(a.HelloRetry)
		list = h.extensions
	}
	for _, e := range list {
		if e.Type == 51 && len(e.Data) >= 2 {
			return strconv.Itoa(int(binary.BigEndian.Uint16(e.Data)))
		}
	}
	if g := exchange(a).group; g != "" {
		return g
	}
	return "-"
}
