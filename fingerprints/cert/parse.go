package cert

import (
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// have tells how far a certificate could be read.
type have int

const (
	haveNothing have = iota
	haveIssuer
	haveSubject
	haveAll
)

// certificate is what the fingerprints need of RFC 5280 section 4.1.
type certificate struct {
	have                have
	version             int    // 1, 2, 3
	serial              []byte // two's complement, as encoded
	signature           string // OID of the signature algorithm
	rawIssuer, rawName  []byte
	issuer, subject     []rdn
	notBefore, notAfter time.Time
	spki                []byte
	key                 string // algorithm and size
	extensions          []extension
}

type extension struct {
	oid      string
	critical bool
	value    []byte
}

// rdn is a relative distinguished name: usually one attribute.
type rdn []attribute

type attribute struct {
	oid   string
	kind  tag.Tag
	value []byte
	der   []byte
}

// What one certificate may make us keep.
const (
	maxRDNs       = 64
	maxExtensions = 64
	maxSANs       = 1024
)

// parse reads as much of a certificate as can be read.
func parse(der []byte) certificate {
	var c certificate
	s := cryptobyte.String(der)
	var outer, tbs, signature, issuer, validity, subject, spki cryptobyte.String
	if !s.ReadASN1(&outer, tag.SEQUENCE) || !outer.ReadASN1(&tbs, tag.SEQUENCE) {
		return c
	}
	if !c.readVersion(&tbs) || !tbs.ReadASN1Bytes(&c.serial, tag.INTEGER) ||
		!tbs.ReadASN1(&signature, tag.SEQUENCE) || !tbs.ReadASN1Element(&issuer, tag.SEQUENCE) {
		return c
	}
	var ok bool
	c.signature, _ = readOID(&signature)
	c.rawIssuer = issuer
	if c.issuer, ok = readName(issuer); !ok {
		return c
	}
	c.have = haveIssuer
	if !tbs.ReadASN1(&validity, tag.SEQUENCE) || !tbs.ReadASN1Element(&subject, tag.SEQUENCE) {
		return c
	}
	c.rawName = subject
	dated := readTime(&validity, &c.notBefore) && readTime(&validity, &c.notAfter)
	c.subject, ok = readName(subject)
	if ok {
		c.have = haveSubject
	}
	if !tbs.ReadASN1Element(&spki, tag.SEQUENCE) {
		return c
	}
	c.spki, c.key = spki, keyText(spki)
	if c.readExtensions(&tbs) && ok && dated {
		c.have = haveAll
	}
	return c
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
	return true
}

func (c *certificate) readExtensions(tbs *cryptobyte.String) bool {
	for _, n := range []tag.Tag{1, 2} { // unique identifiers, which nobody uses
		if !tbs.SkipOptionalASN1(n.ContextSpecific()) {
			return false
		}
	}
	var explicit, list cryptobyte.String
	var present bool
	if !tbs.ReadOptionalASN1(&explicit, &present, tag.Tag(3).Constructed().ContextSpecific()) {
		return false
	}
	if !present {
		return true
	}
	if !explicit.ReadASN1(&list, tag.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		var one, value cryptobyte.String
		var e extension
		var ok bool
		if len(c.extensions) == maxExtensions || !list.ReadASN1(&one, tag.SEQUENCE) {
			return false
		}
		if e.oid, ok = readOID(&one); !ok ||
			one.PeekASN1Tag(tag.BOOLEAN) && !one.ReadASN1Boolean(&e.critical) || !one.ReadASN1(&value, tag.OCTET_STRING) {
			return false
		}
		e.value = value
		c.extensions = append(c.extensions, e)
	}
	return true
}

func readOID(s *cryptobyte.String) (string, bool) {
	var oid asn1.ObjectIdentifier
	if !s.ReadASN1ObjectIdentifier(&oid) {
		return "", false
	}
	return oid.String(), true
}

// readName reads a Name (RFC 5280 section 4.1.2.4), order as encoded.
func readName(element cryptobyte.String) ([]rdn, bool) {
	var list cryptobyte.String
	if !element.ReadASN1(&list, tag.SEQUENCE) {
		return nil, false
	}
	var out []rdn
	for n := 0; !list.Empty(); {
		var set cryptobyte.String
		if !list.ReadASN1(&set, tag.SET) {
			return nil, false
		}
		var r rdn
		for !set.Empty() {
			var pair, value cryptobyte.String
			var a attribute
			var ok bool
			if n++; n > maxRDNs || !set.ReadASN1(&pair, tag.SEQUENCE) {
				return nil, false
			}
			if a.oid, ok = readOID(&pair); !ok || !pair.ReadAnyASN1Element(&value, &a.kind) {
				return nil, false
			}
			a.der = value
			if !value.ReadAnyASN1(&value, &a.kind) {
				return nil, false
			}
			a.value = value
			r = append(r, a)
		}
		out = append(out, r)
	}
	return out, true
}

// readTime reads a Time (RFC 5280 section 4.1.2.5).
func readTime(s *cryptobyte.String, t *time.Time) bool {
	if s.PeekASN1Tag(tag.UTCTime) {
		return s.ReadASN1UTCTime(t)
	}
	return s.ReadASN1GeneralizedTime(t)
}
