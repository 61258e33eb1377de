package cert

import (
	"math/big"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	oidRSA = "1.2.840.113549.1.1.1" // RFC 3279 section 2.3.1
	oidEC  = "1.2.840.10045.2.1"    // RFC 5480 section 2.1.1
)

// publicKey is what a SubjectPublicKeyInfo tells but the key itself.
type publicKey struct {
	kind     string // "rsa2048", "ec" and the OID of the curve, else the OID of the algorithm
	exponent string // of RSA; "" is 65537 or none
	bits     []byte // content of subjectPublicKey
}

func readKey(spki cryptobyte.String) (k publicKey) {
	var outer, algorithm cryptobyte.String
	if !spki.ReadASN1(&outer, tag.SEQUENCE) || !outer.ReadASN1(&algorithm, tag.SEQUENCE) {
		return k
	}
	oid, ok := readOID(&algorithm)
	outer.ReadASN1BitStringAsBytes(&k.bits)
	switch {
	case !ok:
	case oid == oidEC:
		curve, _ := readOID(&algorithm) // none: the curve is spelled out
		k.kind = "ec" + curve
	case oid == oidRSA:
		k.kind = "rsa"
		var key, modulus, exponent cryptobyte.String
		s := cryptobyte.String(k.bits)
		if !s.ReadASN1(&key, tag.SEQUENCE) || !key.ReadASN1(&modulus, tag.INTEGER) || !key.ReadASN1(&exponent, tag.INTEGER) {
			return k
		}
		k.kind += strconv.Itoa(new(big.Int).SetBytes(modulus).BitLen())
		k.exponent = exponentText(exponent)
	default:
		k.kind = oid
	}
	return k
}

// exponentText is the number, of a long one its length; "" if it is the usual one.
func exponentText(b []byte) string {
	n := new(big.Int).SetBytes(b)
	switch {
	case n.IsUint64() && n.Uint64() == 65537:
		return ""
	case n.BitLen() > 64:
		return strconv.Itoa(n.BitLen()) + "bit"
	}
	return n.String()
}

// isRSA tells the signature algorithms whose parameters are NULL (RFC 4055
// section 5).
func isRSA(signature string) bool {
	rest, ok := strings.CutPrefix(signature, "1.2.840.113549.1.1.")
	return ok && rest != "10" // RSASSA-PSS has parameters of its own
}

// sameAlgorithm tells whether the algorithm that follows a TBSCertificate is
// that in it, as RFC 5280 section 4.1.1.2 demands.
func sameAlgorithm(after cryptobyte.String, signature string) bool {
	var algorithm cryptobyte.String
	if !after.ReadASN1(&algorithm, tag.SEQUENCE) {
		return false
	}
	oid, ok := readOID(&algorithm)
	return ok && oid == signature
}
