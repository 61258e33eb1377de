package cert

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/hostkin/hostkin/fingerprints/value"
)

// maxValues bounds what is told of one extension.
const maxValues = 32

// extensionText is what the extensions hold that the maker decides and not the
// host, in order:
//
//	ca=no ku=digitalSignature,keyEncipherment eku=serverAuth,clientAuth ski=sha1 aki=keyid san=DNS,IP
//
// and policies=, aia= (access methods), nscomment=, nstype=. '?' is what cannot
// be read. Extensions that are not in this list are in the shape only.
func (c certificate) extensionText() string {
	var out []string
	for _, e := range c.extensions {
		if s := e.text(c.spki, c.key.bits); s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}

func (e extension) text(spki, key []byte) string {
	s := cryptobyte.String(e.value)
	switch e.oid {
	case "2.5.29.19":
		return "ca=" + constraints(s)
	case "2.5.29.15":
		return "ku=" + bitNames(s, "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment",
			"keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly")
	case "2.5.29.37":
		return "eku=" + oids(s, false)
	case "2.5.29.14":
		return "ski=" + keyID(s, spki, key)
	case "2.5.29.35":
		return "aki=" + choices(s, map[tag.Tag]string{0: "keyid", 1: "issuer", 2: "serial"})
	case "2.5.29.17":
		return "san=" + choices(s, map[tag.Tag]string{0: "other", 1: "email", 2: "DNS", 3: "X400", 4: "dir", 5: "EDI", 6: "URI", 7: "IP", 8: "RID"})
	case "2.5.29.32":
		return "policies=" + oids(s, true)
	case "1.3.6.1.5.5.7.1.1":
		return "aia=" + oids(s, true)
	case "2.16.840.1.113730.1.1":
		return "nstype=" + bitNames(s, "client", "server", "email", "objsign", "reserved", "sslCA", "emailCA", "objCA")
	case "2.16.840.1.113730.1.13":
		var text cryptobyte.String
		if !s.ReadASN1(&text, tag.IA5String) {
			return "nscomment=?"
		}
		return "nscomment='" + value.Escaped(value.Template(string(text)), `\'`) + "'"
	}
	return ""
}

// constraints reads BasicConstraints (RFC 5280 section 4.2.1.9): "no", "yes",
// "yes:0" with a path length; "FALSE" is one that DER leaves out.
func constraints(s cryptobyte.String) string {
	var content, flag cryptobyte.String
	var flagged bool
	if !s.ReadASN1(&content, tag.SEQUENCE) || !content.ReadOptionalASN1(&flag, &flagged, tag.BOOLEAN) {
		return "?"
	}
	out := "no"
	switch {
	case flagged && string(flag) == "\x00":
		out = "FALSE"
	case flagged:
		out = "yes"
	}
	if content.Empty() {
		return out
	}
	var path int64
	if !content.ReadASN1Integer(&path) {
		return out + ":?"
	}
	return out + ":" + strconv.FormatInt(path, 10)
}

func bitNames(s cryptobyte.String, names ...string) string {
	var bits asn1.BitString
	if !s.ReadASN1BitString(&bits) {
		return "?"
	}
	var out []string
	for i := range min(bits.BitLength, maxValues) {
		switch {
		case bits.At(i) == 0:
		case i < len(names):
			out = append(out, names[i])
		default:
			out = append(out, strconv.Itoa(i))
		}
	}
	return strings.Join(out, ",")
}

// oids lists the object identifiers of a sequence, or the first in each of a
// sequence of sequences.
func oids(s cryptobyte.String, inside bool) string {
	var list cryptobyte.String
	whole := s.ReadASN1(&list, tag.SEQUENCE)
	var out []string
	for whole && !list.Empty() {
		one := &list
		var inner cryptobyte.String
		if inside {
			if whole = list.ReadASN1(&inner, tag.SEQUENCE); !whole {
				break
			}
			one = &inner
		}
		var oid string
		if oid, whole = readOID(one); whole {
			out = append(out, oidName(oid))
			whole = len(out) <= maxValues
		}
	}
	return listText(out, whole)
}

// oidName is the usual name of purposes and access methods (RFC 5280 sections
// 4.2.1.12 and 4.2.2.1).
func oidName(oid string) string {
	switch oid {
	case "1.3.6.1.5.5.7.3.1":
		return "serverAuth"
	case "1.3.6.1.5.5.7.3.2":
		return "clientAuth"
	case "1.3.6.1.5.5.7.48.1":
		return "OCSP"
	case "1.3.6.1.5.5.7.48.2":
		return "caIssuers"
	}
	return oid
}

// choices lists the kinds of elements of a sequence, each once, in the order
// in which they first come.
func choices(s cryptobyte.String, names map[tag.Tag]string) string {
	var list cryptobyte.String
	whole := s.ReadASN1(&list, tag.SEQUENCE)
	var out []string
	for n := 0; whole && !list.Empty(); n++ {
		var content cryptobyte.String
		var kind tag.Tag
		if whole = n < maxSANs && list.ReadAnyASN1(&content, &kind); whole {
			name, known := names[kind&0x1f]
			if !known {
				name = "[" + strconv.Itoa(int(kind&0x1f)) + "]"
			}
			if !slices.Contains(out, name) { // there are no more than 32
				out = append(out, name)
			}
		}
	}
	return listText(out, whole)
}

// keyID is how a SubjectKeyIdentifier was made of the key: the two methods of
// RFC 5280 section 4.2.1.2, those of RFC 7093 section 2, digests of the whole
// SubjectPublicKeyInfo, else its length in bytes.
func keyID(s cryptobyte.String, spki, key []byte) string {
	var id cryptobyte.String
	if !s.ReadASN1(&id, tag.OCTET_STRING) {
		return "?"
	}
	if len(key) == 0 {
		return strconv.Itoa(len(id))
	}
	short, long := sha1.Sum(key), sha256.Sum256(key)
	whole, wholeLong := sha1.Sum(spki), sha256.Sum256(spki)
	tail := append([]byte{0x40 | short[12]&0x0f}, short[13:]...)
	for _, m := range []struct {
		name string
		id   []byte
	}{
		{"sha1", short[:]}, {"sha1-60", tail}, {"sha256-160", long[:20]}, {"sha256", long[:]},
		{"spki-sha1", whole[:]}, {"spki-sha256-160", wholeLong[:20]}, {"spki-sha256", wholeLong[:]}, {"sha1-hex", []byte(hex.EncodeToString(short[:]))},
	} {
		if bytes.Equal(id, m.id) {
			return m.name
		}
	}
	return strconv.Itoa(len(id))
}
