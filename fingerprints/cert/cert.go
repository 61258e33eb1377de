// Package cert derives fingerprints from the leaf certificates of TLS answers.
//
// The certificate is read from its DER by a parser of this package, not by
// crypto/x509: that one refuses many a certificate that real servers show, and
// more of them with every Go release, which would change fingerprints. Fields
// before a fault still count.
package cert

import (
	"bytes"
	"encoding/hex"
	"slices"

	"github.com/hostkin/hostkin/fingerprints/value"
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

// Of gives the fingerprints of the leaves, each once: a server may have one of
// RSA and one of ECDSA. A certificate without a subject or without alternative
// names has no such fingerprint.
func Of(t *record.TLS) []value.Pair {
	var leaves [][]byte
	var out []value.Pair
	for a := range t.Answers() {
		if len(a.Certificates) == 0 || len(a.Certificates[0]) == 0 {
			continue
		}
		leaf := a.Certificates[0]
		if slices.ContainsFunc(leaves, func(seen []byte) bool { return bytes.Equal(seen, leaf) }) {
			continue
		}
		leaves = append(leaves, leaf)
		for _, p := range ofLeaf(leaf) {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

func ofLeaf(der []byte) []value.Pair {
	c := parse(der)
	var out value.List
	out.Add(KindSHA256, value.SHA256(der))
	if c.spki != nil {
		out.Add(KindSPKI, value.SHA256(c.spki))
	}
	issuer := nameText(c.issuer, asIs)
	if c.have >= haveIssuer {
		out.Add(KindSerialIssuer, hex.EncodeToString(c.serial)+"@"+issuer)
		out.Add(KindIssuer, issuer)
	}
	if c.have >= haveSubject {
		out.Add(KindSubject, nameText(c.subject, value.Template))
		out.Add(KindOrganization, organization(c.subject))
		out.Add(KindDomain, c.domain())
	}
	if c.have == haveAll {
		out.Add(KindNames, c.namesText())
		out.Add(KindShape, c.shape())
	}
	return out
}
