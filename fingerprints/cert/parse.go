package cert

import (
	"encoding/asn1"
	"encoding/hex"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// certificate is what the fingerprints need of RFC 5280 section 4.1. What
// could not be read is empty; the flags tell that from what is empty.
type certificate struct {
	whole               bool   // all elements up to the extensions are there, whatever they hold
	version             int    // 1, 2, 3; others if a certificate says so
	serial              []byte // two's complement, as encoded
	signature           string // OID of the signature algorithm
	rawIssuer, rawName  []byte
	issuer, subject     []rdn
	named, subjected    bool // issuer, subject were read to their end
	notBefore, notAfter time.Time
	dated               bool // both were read
	spki                []byte
	key                 publicKey
	extensions          []extension
	extended            bool // they were read to their end
	peculiar            peculiarities
}

type extension struct {
	oid      string
	critical bool
	value    []byte
}

// What one certificate may make us keep. Nothing nests deeper than the grammar.
const (
	maxRDNs       = 64
	maxExtensions = 64
	maxSANs       = 1024
)

// parse reads as much of a certificate as can be read.
func parse(der []byte) certificate {
	var c certificate
	s := cryptobyte.String(der)
	outer, complete := opened(&s)
	tbs, known := opened(&outer)
	c.peculiar.add(complete && len(s) > 0, "trailing")
	c.readTBS(tbs, complete && known)
	c.peculiar.add(c.signature != "" && complete && !sameAlgorithm(outer, c.signature), "signature")
	return c
}

// opened takes a SEQUENCE off s; one that ends too early is still given as far
// as it goes.
func opened(s *cryptobyte.String) (content cryptobyte.String, complete bool) {
	if s.ReadASN1(&content, tag.SEQUENCE) {
		return content, true
	}
	rest := *s
	if len(rest) < 2 || rest[0] != byte(tag.SEQUENCE) {
		return nil, false
	}
	header := 2
	if rest[1] >= 0x80 {
		header += int(rest[1] & 0x7f)
	}
	*s = nil
	return rest[min(header, len(rest)):], false
}

// readTBS reads a TBSCertificate as far as its elements are there.
func (c *certificate) readTBS(tbs cryptobyte.String, complete bool) {
	var signature, issuer, validity, subject, spki cryptobyte.String
	if !c.readVersion(&tbs) || !tbs.ReadASN1Bytes(&c.serial, tag.INTEGER) ||
		!tbs.ReadASN1(&signature, tag.SEQUENCE) {
		return
	}
	c.signature, _ = readOID(&signature)
	c.peculiar.add(isRSA(c.signature) && signature.Empty(), "no-null")
	if !tbs.ReadASN1Element(&issuer, tag.SEQUENCE) {
		return
	}
	c.rawIssuer = issuer
	c.issuer, c.named = readName(issuer)
	if !tbs.ReadASN1(&validity, tag.SEQUENCE) {
		return
	}
	c.dated = c.readTime(&validity, &c.notBefore) && c.readTime(&validity, &c.notAfter)
	if !tbs.ReadASN1Element(&subject, tag.SEQUENCE) {
		return
	}
	c.rawName = subject
	c.subject, c.subjected = readName(subject)
	if !tbs.ReadASN1Element(&spki, tag.SEQUENCE) {
		return
	}
	c.spki, c.key = spki, readKey(spki)
	c.extended = c.readExtensions(&tbs)
	c.whole = complete
}

func (c *certificate) readVersion(tbs *cryptobyte.String) bool {
	var explicit cryptobyte.String
	var present bool
	number := 0
	if !tbs.ReadOptionalASN1(&explicit, &present, tag.Tag(0).Constructed().ContextSpecific()) ||
		present && !explicit.ReadASN1Integer(&number) {
		return false
	}
	c.version = number + 1
	c.peculiar.add(present && number == 0, "explicit-v1")
	return true
}

func (c *certificate) readExtensions(tbs *cryptobyte.String) bool {
	for _, n := range []tag.Tag{1, 2} { // unique identifiers, which nobody uses
		var present bool
		var id cryptobyte.String
		if !tbs.ReadOptionalASN1(&id, &present, n.ContextSpecific()) {
			return false
		}
		c.peculiar.add(present, "unique-id")
	}
	var explicit, list cryptobyte.String
	var present bool
	if !tbs.ReadOptionalASN1(&explicit, &present, tag.Tag(3).Constructed().ContextSpecific()) {
		return false
	}
	if !present {
		return tbs.Empty()
	}
	if !explicit.ReadASN1(&list, tag.SEQUENCE) {
		return false
	}
	seen := map[string]bool{}
	for !list.Empty() {
		var one, flag, value cryptobyte.String
		var flagged bool
		if len(c.extensions) == maxExtensions || !list.ReadASN1(&one, tag.SEQUENCE) {
			return false
		}
		oid, ok := readOID(&one)
		if !ok || !one.ReadOptionalASN1(&flag, &flagged, tag.BOOLEAN) || !one.ReadASN1(&value, tag.OCTET_STRING) {
			return false
		}
		e := extension{oid: oid, critical: flagged && string(flag) != "\x00", value: value}
		c.peculiar.add(flagged && string(flag) != "\xff", "boolean") // FALSE is left out, TRUE is FF (X.690 section 11)
		c.peculiar.add(seen[e.oid], "duplicate")
		seen[e.oid] = true
		c.extensions = append(c.extensions, e)
	}
	return tbs.Empty()
}

// readTime reads a Time (RFC 5280 section 4.1.2.5).
func (c *certificate) readTime(s *cryptobyte.String, t *time.Time) bool {
	if s.PeekASN1Tag(tag.UTCTime) {
		return s.ReadASN1UTCTime(t)
	}
	ok := s.ReadASN1GeneralizedTime(t)
	c.peculiar.add(ok && t.Year() >= 1950 && t.Year() < 2050, "generalized-time") // these years have UTCTime
	return ok
}

// readOID is an object identifier in dotted form, or "#" and its DER in hex if
// it has a number above 2^31 (those of 2.25 have 128 bits).
func readOID(s *cryptobyte.String) (string, bool) {
	var element cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !s.ReadASN1Element(&element, tag.OBJECT_IDENTIFIER) {
		return "", false
	}
	if der := element; !der.ReadASN1ObjectIdentifier(&oid) {
		return "#" + hex.EncodeToString(element), true
	}
	return oid.String(), true
}
