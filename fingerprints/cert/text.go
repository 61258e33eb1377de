package cert

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hostkin/hostkin/fingerprints/value"
)

// shortName is the usual abbreviation of an attribute type (RFC 4514 section
// 3, RFC 4519, RFC 2985); others are written as dotted numbers.
func shortName(oid string) string {
	switch oid {
	case "2.5.4.3":
		return "CN"
	case "2.5.4.4":
		return "SN"
	case "2.5.4.5":
		return "SERIALNUMBER"
	case "2.5.4.6":
		return "C"
	case "2.5.4.7":
		return "L"
	case "2.5.4.8":
		return "ST"
	case "2.5.4.9":
		return "STREET"
	case "2.5.4.10":
		return "O"
	case "2.5.4.11":
		return "OU"
	case "2.5.4.12":
		return "T"
	case "2.5.4.42":
		return "GN"
	case "0.9.2342.19200300.100.1.1":
		return "UID"
	case "0.9.2342.19200300.100.1.25":
		return "DC"
	case "1.2.840.113549.1.9.1":
		return "E"
	}
	return oid
}

func asIs(s string) string { return s }

// nameText writes a name as "C=US,O=Example\, Inc.,CN=a": as RFC 4514, but in
// the order of the certificate (RFC 4514 turns it round), and with everything
// unprintable escaped as in a Go string. change is applied to the values.
func nameText(name []rdn, change func(string) string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, a := range r {
			if j > 0 {
				b.WriteByte('+')
			}
			b.WriteString(shortName(a.oid))
			b.WriteByte('=')
			if s, ok := a.text(); ok {
				b.WriteString(escape(change(s), `,+"\<>;`))
			} else {
				b.WriteString("#" + hex.EncodeToString(a.der))
			}
		}
	}
	return b.String()
}

// escape is value.Escaped with a backslash before a space at either end too
// (RFC 4514 section 2.4).
func escape(s, special string) string {
	out := value.Escaped(s, special)
	if strings.HasSuffix(s, " ") {
		out = out[:len(out)-1] + `\ `
	}
	if strings.HasPrefix(s, " ") && len(s) > 1 {
		out = `\` + out
	}
	return out
}

// namesText joins the templates of the DNS names and addresses in
// subjectAltName (RFC 5280 section 4.2.1.6). An IPv6 address is "#:#".
func (c certificate) namesText() string { return c.alternatives(value.Template) }

// dnsNames are the same as they are.
func (c certificate) dnsNames() string { return c.alternatives(asIs) }

func (c certificate) alternatives(change func(string) string) string {
	for _, e := range c.extensions {
		if e.oid != "2.5.29.17" {
			continue
		}
		s := cryptobyte.String(e.value)
		var list cryptobyte.String
		if !s.ReadASN1(&list, tag.SEQUENCE) {
			return ""
		}
		var out []string
		for !list.Empty() && len(out) < maxSANs {
			var content cryptobyte.String
			var kind tag.Tag
			if !list.ReadAnyASN1(&content, &kind) {
				break
			}
			switch kind {
			case tag.Tag(2).ContextSpecific():
				out = append(out, escape(change(string(content)), `,\`))
			case tag.Tag(7).ContextSpecific():
				out = append(out, addressText(content))
			}
		}
		return strings.Join(out, ",")
	}
	return ""
}

func addressText(b []byte) string {
	addr, ok := netip.AddrFromSlice(b)
	switch {
	case !ok:
		return "#x" + strconv.Itoa(len(b))
	case addr.Is4():
		return value.Template(addr.String())
	}
	return "#:#"
}
