package tlsserver

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// Canonical is everything in an answer that depends on the server's software
// and its configuration, and nothing that is drawn anew or belongs to one
// certificate: fields "name=value" in a fixed order, joined by semicolons,
// empty ones left out. It is what components are hashed from.
//
// Left out are random values, session ids, shares, signatures, tickets,
// certificates and what is stapled to them, the layout of records, padding.
func Canonical(a *record.TLSAnswer) string {
	var t text
	t.add("status", string(a.Status))
	t.add("messages", numbers(a.Messages))
	t.add("retry", hello(a.HelloRetry))
	if h := hello(a.ServerHello); h != "" {
		t.add("version", fmt.Sprintf("%04x", a.Version))
		t.add("hello", h)
		t.add("extensions", extensions(a.Extensions))
		t.add("name", acknowledged(a))
		t.add("downgrade", downgrade(a.ServerHello))
	}
	t.add("encrypted", extensions(a.Encrypted))
	t.add("exchange", exchange(a).text())
	t.add("request", request(a))
	if a.SignatureScheme != 0 {
		t.add("verify", fmt.Sprintf("%04x", a.SignatureScheme))
	}
	t.add("alerts", alerts(a.Alerts))
	return strings.Join(t, ";")
}

// acknowledged tells whether the name of hello D, the one that all hosts are
// sent, was acknowledged (RFC 6066 section 3).
func acknowledged(a *record.TLSAnswer) string {
	if a.Hello == "d" && slices.ContainsFunc(a.Extensions, func(e record.Extension) bool { return e.Type == 0 }) {
		return "acknowledged"
	}
	return ""
}

// text is the fields.
type text []string

func (t *text) add(name, value string) {
	if value != "" {
		*t = append(*t, name+"="+value)
	}
}

func numbers(list []uint8) string {
	var out []string
	for _, n := range list {
		out = append(out, strconv.Itoa(int(n)))
	}
	return strings.Join(out, ",")
}

func alerts(list []record.TLSAlert) string {
	var out []string
	for _, a := range list {
		out = append(out, fmt.Sprintf("%d/%d", a.Level, a.Code))
	}
	return strings.Join(out, ",")
}

// after is the reaction to a stimulus.
func after(a *record.TLSAfter) string {
	return strings.Join([]string{a.Sent, numbers(a.Messages), alerts(a.Alerts), string(a.End)}, ":")
}

// hello is suite and compression of a ServerHello message. Of a
// HelloRetryRequest it is also the extensions, which a record keeps nowhere else.
func hello(msg []byte) string {
	h, ok := parse(msg)
	if !ok {
		return ""
	}
	out := fmt.Sprintf("%04x,%d", h.suite, h.compression)
	if string(h.random) == retryRandom {
		out += "," + extensions(h.extensions)
	}
	return out
}

// extensions are the numbers, with the bytes of those that say how the server
// is set up (RFC 8446 section 4.2 and IANA's list).
func extensions(list []record.Extension) string {
	var out []string
	for _, e := range list {
		switch {
		case e.Type == 0: // the acknowledgement of a name, which only some hosts were sent
		case isGrease(e.Type):
			out = append(out, "grease")
		case e.Type == 44: // a cookie is drawn anew, its length is not
			out = append(out, fmt.Sprintf("44:%d", len(e.Data)))
		case e.Type == 47: // certificate_authorities of a CertificateRequest
			out = append(out, "47:"+short(e.Data))
		case e.Type == 51 && len(e.Data) >= 2:
			out = append(out, fmt.Sprintf("51:%d", binary.BigEndian.Uint16(e.Data)))
		case slices.Contains([]uint16{1, 10, 11, 13, 15, 16, 19, 20, 22, 27, 28, 43, 50, 65281}, e.Type):
			out = append(out, fmt.Sprintf("%d:%s", e.Type, short(ungreased(e))))
		default:
			out = append(out, strconv.Itoa(int(e.Type)))
		}
	}
	return strings.Join(out, ",")
}

// short is bytes in hex, of many of them the hash.
func short(b []byte) string {
	if len(b) > 64 {
		return "sha256-" + value.SHA256(b)[:16]
	}
	return hex.EncodeToString(b)
}

// ungreased is the data of an extension. In lists of 16 bits, which these
// numbers have, the reserved values of RFC 8701 become one.
func ungreased(e record.Extension) []byte {
	if e.Type != 10 && e.Type != 13 && e.Type != 50 {
		return e.Data
	}
	b := slices.Clone(e.Data)
	for i := 2; i+1 < len(b); i += 2 {
		if isGrease(binary.BigEndian.Uint16(b[i:])) {
			b[i], b[i+1] = 0x0a, 0x0a
		}
	}
	return b
}

func isGrease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// downgrade is what a server that could do better leaves in its random value
// (RFC 8446 section 4.1.3): the version that it was kept from.
func downgrade(msg []byte) string {
	h, _ := parse(msg)
	switch string(h.random[24:]) {
	case "DOWNGRD\x01":
		return "0303"
	case "DOWNGRD\x00":
		return "0302"
	}
	return ""
}

// request is what a CertificateRequest asks for: types, schemes, authorities
// (RFC 5246 section 7.4.4), or extensions in TLS 1.3 (RFC 8446 section 4.3.2).
func request(a *record.TLSAnswer) string {
	if len(a.CertificateRequest) == 0 {
		return ""
	}
	s := cryptobyte.String(a.CertificateRequest)
	var types, schemes, authorities cryptobyte.String
	ok := s.ReadUint8LengthPrefixed(&types)
	if a.Version >= 0x0304 {
		list, whole := extensionList(&s)
		if !ok || !whole {
			return "malformed"
		}
		return "asked," + extensions(list)
	}
	if ok && a.Version == 0x0303 {
		ok = s.ReadUint16LengthPrefixed(&schemes)
	}
	if !ok || !s.ReadUint16LengthPrefixed(&authorities) || !s.Empty() {
		return "malformed"
	}
	return strings.Join([]string{hex.EncodeToString(types), short(schemes), short(authorities)}, ",")
}
