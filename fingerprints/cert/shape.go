package cert

import (
	"bytes"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// shape describes how a certificate was made:
//
//	v3 issuer=2.5.4.6,2.5.4.3 subject=2.5.4.3 ext=2.5.29.15!,2.5.29.37 key=rsa2048
//	sig=1.2.840.113549.1.1.11 valid=7776000 from=second serial=16 self=no
//
// (one line): attribute types of both names in order, a '+' within one RDN;
// extensions in order, '!' if critical; key and signature algorithm; validity
// in seconds or "never" ends (RFC 5280 section 4.1.2.5); what notBefore is rounded to (day, hour or
// second); bytes of the serial number; whether issuer and subject are equal.
func (c certificate) shape() string {
	self := "no"
	if bytes.Equal(c.rawIssuer, c.rawName) {
		self = "yes"
	}
	var extensions []string
	for _, e := range c.extensions {
		s := e.oid
		if e.critical {
			s += "!"
		}
		extensions = append(extensions, s)
	}
	from := "second"
	switch {
	case c.notBefore.Minute() != 0 || c.notBefore.Second() != 0:
	case c.notBefore.Hour() != 0:
		from = "hour"
	default:
		from = "day"
	}
	return fmt.Sprintf("v%d issuer=%s subject=%s ext=%s key=%s sig=%s valid=%s from=%s serial=%d self=%s",
		c.version, types(c.issuer), types(c.subject), strings.Join(extensions, ","), c.key, c.signature,
		c.validity(), from, serialLength(c.serial), self)
}

func (c certificate) validity() string {
	if c.notAfter.Year() == 9999 {
		return "never"
	}
	return strconv.FormatInt(c.notAfter.Unix()-c.notBefore.Unix(), 10) // a time.Duration ends at 292 years
}

func types(name []rdn) string {
	var out []string
	for _, r := range name {
		var set []string
		for _, a := range r {
			set = append(set, a.oid)
		}
		out = append(out, strings.Join(set, "+"))
	}
	return strings.Join(out, ",")
}

// serialLength is the length in bytes of a serial number's magnitude, rounded
// up to an even number above 1: one random serial in 256 has a leading zero
// byte, and a host that draws its serial anew shall not thereby change shape.
func serialLength(serial []byte) int {
	n := len(bytes.TrimLeft(serial, "\x00"))
	if n > 1 {
		n += n % 2
	}
	return n
}

// keyText names a SubjectPublicKeyInfo: "rsa2048", "ec" and the OID of the
// curve, else the OID of the algorithm.
func keyText(spki cryptobyte.String) string {
	var outer, algorithm cryptobyte.String
	if !spki.ReadASN1(&outer, tag.SEQUENCE) || !outer.ReadASN1(&algorithm, tag.SEQUENCE) {
		return ""
	}
	oid, ok := readOID(&algorithm)
	switch {
	case !ok:
		return ""
	case oid == "1.2.840.10045.2.1":
		curve, _ := readOID(&algorithm)
		return "ec" + curve
	case oid == "1.2.840.113549.1.1.1":
		var bits []byte
		var key, modulus cryptobyte.String
		if !outer.ReadASN1BitStringAsBytes(&bits) {
			return "rsa"
		}
		s := cryptobyte.String(bits)
		if !s.ReadASN1(&key, tag.SEQUENCE) || !key.ReadASN1(&modulus, tag.INTEGER) {
			return "rsa"
		}
		return "rsa" + strconv.Itoa(new(big.Int).SetBytes(modulus).BitLen())
	}
	return oid
}
