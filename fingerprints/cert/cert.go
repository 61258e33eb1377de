// Package cert derives fingerprints from the leaf certificate of a TLS answer.
//
// The certificate is read from its DER by a parser of this package, not by
// crypto/x509: that one refuses many a certificate that real servers show, and
// more of them with every Go release, which would change fingerprints. Fields
// before a fault still count.
package cert

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	"github.com/hostkin/hostkin/scanner/record"
)

// Kinds of fingerprints.
const (
	KindSHA256       = "cert.sha256"        // SHA-256 of the certificate
	KindSPKI         = "cert.spki"          // SHA-256 of SubjectPublicKeyInfo: the key, however certified
	KindSerialIssuer = "cert.serial_issuer" // serial in hex, '@', issuer: what names a certificate
	KindIssuer       = "cert.issuer"        // issuer as text, see nameText
	KindSubject      = "cert.subject"       // subject as text, as a template
	KindOrganization = "cert.organization"  // subject without what names a host or a person, if O or OU is among it
	KindDomain       = "cert.domain"        // registrable domain of the name that the certificate is for
	KindNames        = "cert.names"         // DNS names and addresses of the SAN, as templates, in order
	KindShape        = "cert.shape"         // how it was made, whoever it is for, see shape
)

// Pair is one fingerprint.
type Pair struct{ Kind, Value string }

// Of gives the fingerprints of the leaf. A certificate without a subject or
// without alternative names has no such fingerprint.
func Of(t *record.TLS) []Pair {
	if t == nil || len(t.Certificates) == 0 || len(t.Certificates[0]) == 0 {
		return nil
	}
	der := t.Certificates[0]
	c := parse(der)
	var out []Pair
	add := func(kind, value string) {
		if value != "" {
			out = append(out, Pair{kind, clip(value)})
		}
	}
	add(KindSHA256, sum(der))
	if c.spki != nil {
		add(KindSPKI, sum(c.spki))
	}
	issuer := nameText(c.issuer, asIs)
	if c.have >= haveIssuer {
		add(KindSerialIssuer, hex.EncodeToString(c.serial)+"@"+issuer)
		add(KindIssuer, issuer)
	}
	if c.have >= haveSubject {
		add(KindSubject, nameText(c.subject, template))
		add(KindOrganization, organization(c.subject))
		add(KindDomain, c.domain())
	}
	if c.have == haveAll {
		add(KindNames, c.namesText())
		add(KindShape, c.shape())
	}
	return out
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// maxValue is the longest value, in bytes; a longer one is cut and gets a hash.
const maxValue = 512

func clip(s string) string {
	if len(s) <= maxValue {
		return s
	}
	tail := ":sha256:" + sum([]byte(s))
	cut := maxValue - len(tail)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + tail
}
