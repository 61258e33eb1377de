package cert

import (
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// rdn is a relative distinguished name: usually one attribute.
type rdn []attribute

type attribute struct {
	oid   string
	kind  tag.Tag
	value []byte
	der   []byte
}

// readName reads a Name (RFC 5280 section 4.1.2.4), order as encoded, as far
// as it can be read.
func readName(element cryptobyte.String) (out []rdn, ok bool) {
	var list cryptobyte.String
	if !element.ReadASN1(&list, tag.SEQUENCE) {
		return nil, false
	}
	for n := 0; !list.Empty(); {
		var set cryptobyte.String
		if !list.ReadASN1(&set, tag.SET) {
			return out, false
		}
		var r rdn
		for !set.Empty() {
			var pair, value cryptobyte.String
			var a attribute
			if n++; n > maxRDNs || !set.ReadASN1(&pair, tag.SEQUENCE) {
				return out, false
			}
			if a.oid, ok = readOID(&pair); !ok || !pair.ReadAnyASN1Element(&value, &a.kind) {
				return out, false
			}
			a.der = value
			if !value.ReadAnyASN1(&value, &a.kind) {
				return out, false
			}
			a.value = value
			r = append(r, a)
		}
		out = append(out, r)
	}
	return out, true
}

// Tags that cryptobyte does not name (X.680 section 8.4).
const (
	numericString = tag.Tag(18)
	visibleString = tag.Tag(26)
	bmpString     = tag.Tag(30)
)

// text decodes the string types of ASN.1; ok is false for other types.
func (a attribute) text() (s string, ok bool) {
	switch a.kind {
	case tag.UTF8String, tag.PrintableString, tag.IA5String, numericString, visibleString:
		return string(a.value), true
	case tag.T61String: // Latin-1, as it is used
		r := make([]rune, len(a.value))
		for i, b := range a.value {
			r[i] = rune(b)
		}
		return string(r), true
	case bmpString:
		units := make([]uint16, len(a.value)/2)
		for i := range units {
			units[i] = uint16(a.value[2*i])<<8 | uint16(a.value[2*i+1])
		}
		return string(utf16.Decode(units)), len(a.value)%2 == 0
	}
	return "", false
}

// typeLetter is the string type in one letter, '?' for another type.
func (a attribute) typeLetter() string {
	switch a.kind {
	case tag.UTF8String:
		return "u"
	case tag.PrintableString:
		return "p"
	case tag.IA5String:
		return "i"
	case tag.T61String:
		return "t"
	case bmpString:
		return "b"
	case numericString:
		return "n"
	case visibleString:
		return "v"
	}
	return "?"
}
