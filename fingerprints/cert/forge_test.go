package cert

import (
	"bytes"
	"encoding/hex"
	"strings"
)

// forged is a certificate by its elements, each in DER, to break one at a time.
type forged struct {
	version, serial, inner, issuer, validity, subject, spki, after []byte
	extensions                                                     [][]byte
	outer, trailing                                                []byte
}

// tlv is one element of DER.
func tlv(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	n := len(content)
	head := []byte{tag, byte(n)}
	switch {
	case n > 0xffff:
		head = []byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}
	case n > 0xff:
		head = []byte{tag, 0x82, byte(n >> 8), byte(n)}
	case n > 0x7f:
		head = []byte{tag, 0x81, byte(n)}
	}
	return append(head, content...)
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

const (
	sha256RSA = "06 09 2a864886f70d01010b" // object identifiers, with tag and length
	md5RSA    = "06 09 2a864886f70d010104"
	rsaKeyOID = "06 09 2a864886f70d010101"
	ecKeyOID  = "06 07 2a8648ce3d0201"
)

func algorithm(oid string, parameters ...byte) []byte { return tlv(0x30, unhex(oid), parameters) }

// name has one attribute, a common name in a string type.
func name(tag byte, text string) []byte {
	return tlv(0x30, tlv(0x31, tlv(0x30, unhex("06 03 550403"), tlv(tag, []byte(text)))))
}

func utc(from, to string) []byte { return tlv(0x30, tlv(0x17, []byte(from)), tlv(0x17, []byte(to))) }

// rsaKey is a SubjectPublicKeyInfo of a modulus that is no product, of so many bytes.
func rsaKey(size int, exponent ...byte) []byte {
	modulus := append([]byte{0}, bytes.Repeat([]byte{0xc5}, size)...)
	key := tlv(0x30, tlv(2, modulus), tlv(2, exponent))
	return tlv(0x30, algorithm(rsaKeyOID, 5, 0), tlv(3, []byte{0}, key))
}

func ext(oid string, value []byte, critical ...byte) []byte {
	return tlv(0x30, tlv(6, unhex(oid)), critical, tlv(4, value))
}

// sound is what crypto/x509 takes.
func sound() *forged {
	null := []byte{5, 0}
	return &forged{
		version: tlv(0xa0, tlv(2, []byte{2})), serial: tlv(2, unhex("123456789a")),
		inner: algorithm(sha256RSA, null...), outer: algorithm(sha256RSA, null...),
		issuer: name(0x0c, "ca"), subject: name(0x13, "node7.example.com"),
		validity: utc("240131123045Z", "250130123045Z"), spki: rsaKey(256, 1, 0, 1),
		extensions: [][]byte{
			ext("551d11", tlv(0x30, tlv(0x82, []byte("node7.example.com")))),
			ext("551d13", tlv(0x30), 1, 1, 0xff),
		},
	}
}

func (f *forged) der() []byte {
	var extensions []byte
	if f.extensions != nil {
		extensions = tlv(0xa3, tlv(0x30, f.extensions...))
	}
	tbs := tlv(0x30, f.version, f.serial, f.inner, f.issuer, f.validity, f.subject, f.spki, f.after, extensions)
	return append(tlv(0x30, tbs, f.outer, tlv(3, make([]byte, 257))), f.trailing...)
}
