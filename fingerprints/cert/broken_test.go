package cert

import (
	"crypto/x509"
	"maps"
	"slices"
	"strings"
	"testing"
)

// broken is a certificate that departs from RFC 5280 in one place.
type broken struct {
	name    string
	change  func(*forged)
	refused bool   // by crypto/x509; the others a later Go may refuse
	differs string // the fields of the shape that are not the sound one's
	lost    []string
	values  map[string]string // other values that it has
}

func brokenOnes() []broken {
	v := func(kind, value string) map[string]string { return map[string]string{kind: value} }
	null := []byte{5, 0}
	return []broken{
		{name: "negative serial", refused: true, differs: "serial=-2", values: v(KindSerialIssuer, "8001@CN=ca"),
			change: func(f *forged) { f.serial = tlv(2, []byte{0x80, 1}) }},
		{name: "empty serial", refused: true, differs: "serial=0", values: v(KindSerialIssuer, "@CN=ca"),
			change: func(f *forged) { f.serial = tlv(2) }},
		{name: "version 4", refused: true, differs: "v4",
			change: func(f *forged) { f.version = tlv(0xa0, tlv(2, []byte{3})) }},
		{name: "version -1", refused: true, differs: "v0",
			change: func(f *forged) { f.version = tlv(0xa0, tlv(2, []byte{0xff})) }},
		{name: "version 1 written out", differs: "v1 der=explicit-v1",
			change: func(f *forged) { f.version = tlv(0xa0, tlv(2, []byte{0})) }},
		{name: "version 1 with extensions", differs: "v1", change: func(f *forged) { f.version = nil }},
		{name: "trailing bytes", refused: true, differs: "der=trailing", change: func(f *forged) { f.trailing = []byte("\r\n") }},
		{name: "no signature parameters", differs: "der=no-null",
			change: func(f *forged) { f.inner, f.outer = algorithm(sha256RSA), algorithm(sha256RSA) }},
		{name: "two signature algorithms", refused: true, differs: "der=signature",
			change: func(f *forged) { f.outer = algorithm(md5RSA, null...) }},
		{name: "MD5", differs: "sig=1.2.840.113549.1.1.4",
			change: func(f *forged) { f.inner, f.outer = algorithm(md5RSA, null...), algorithm(md5RSA, null...) }},
		{name: "RSASSA-PSS has parameters of its own", differs: "sig=1.2.840.113549.1.1.10",
			change: func(f *forged) {
				f.inner, f.outer = algorithm("06 09 2a864886f70d01010a"), algorithm("06 09 2a864886f70d01010a")
			}},
		{name: "unknown signature algorithm", differs: "sig=1.2.3",
			change: func(f *forged) { f.inner, f.outer = algorithm("06 02 2a03"), algorithm("06 02 2a03") }},
		{name: "a month of 13", refused: true, differs: "valid=? from=?",
			change: func(f *forged) { f.validity = utc("241331123045Z", "250130123045Z") }},
		{name: "no seconds", differs: "valid=31536000 from=minute",
			change: func(f *forged) { f.validity = utc("2401311230Z", "2501301230Z") }},
		{name: "a time of no type", refused: true, differs: "valid=? from=?",
			change: func(f *forged) { f.validity = tlv(0x30, tlv(4, []byte("240131123045Z"))) }},
		{name: "GeneralizedTime before 2050", differs: "der=generalized-time",
			change: func(f *forged) {
				f.validity = tlv(0x30, tlv(0x18, []byte("20240131123045Z")), tlv(0x18, []byte("20250130123045Z")))
			}},
		{name: "ends before it begins", differs: "valid=-31536000", change: func(f *forged) { f.validity = utc("250130123045Z", "240131123045Z") }},
		{name: "invalid UTF-8", refused: true, values: v(KindIssuer, `CN=c\xe1`), change: func(f *forged) { f.issuer = name(0x0c, "c\xe1") }},
		{name: "'@' in a PrintableString", refused: true, values: v(KindIssuer, "CN=a@b"), differs: "issuer=2.5.4.3p",
			change: func(f *forged) { f.issuer = name(0x13, "a@b") }},
		{name: "Latin-1 in an IA5String", refused: true, values: v(KindIssuer, `CN=\xe9`), differs: "issuer=2.5.4.3i",
			change: func(f *forged) { f.issuer = name(0x16, "\xe9") }},
		{name: "half a BMPString", refused: true, values: v(KindIssuer, "CN=#1e03006100"), differs: "issuer=2.5.4.3b",
			change: func(f *forged) { f.issuer = name(0x1e, "\x00a\x00") }},
		{name: "a name that is a number", refused: true, values: v(KindIssuer, "CN=#020105"), differs: "issuer=2.5.4.3?",
			change: func(f *forged) { f.issuer = name(2, "\x05") }},
		{name: "an RDN that is no SET", refused: true, differs: "subject=?", lost: []string{KindSubject, KindDomain},
			change: func(f *forged) { f.subject = tlv(0x30, tlv(0x30)) }},
		{name: "unknown curve", refused: true, differs: "key=ec1.3.36.3.3.2.8.1.1.7",
			change: func(f *forged) { // brainpoolP256r1
				f.spki = tlv(0x30, tlv(0x30, unhex(ecKeyOID), unhex("06 09 2b2403030208010107")), tlv(3, append([]byte{0, 4}, make([]byte, 64)...)))
			}},
		{name: "a curve spelled out", refused: true, differs: "key=ec",
			change: func(f *forged) {
				f.spki = tlv(0x30, tlv(0x30, unhex(ecKeyOID), tlv(0x30, tlv(2, []byte{1}))), tlv(3, []byte{0, 4}))
			}},
		{name: "RSA of 20,000 bits", differs: "key=rsa20000", change: func(f *forged) { f.spki = rsaKey(2500, 1, 0, 1) }},
		{name: "even exponent", differs: "exp=4", change: func(f *forged) { f.spki = rsaKey(256, 4) }},
		{name: "exponent of 72 bits", refused: true, differs: "exp=72bit",
			change: func(f *forged) { f.spki = rsaKey(256, unhex("00 80 0000000000000001")...) }},
		{name: "RSA without a key", refused: true, differs: "key=rsa",
			change: func(f *forged) { f.spki = tlv(0x30, algorithm(rsaKeyOID, 5, 0), tlv(3, []byte{0})) }},
		{name: "a key of nobody", differs: "key=1.2.3", change: func(f *forged) { f.spki = tlv(0x30, algorithm("06 02 2a03"), tlv(3, []byte{0})) }},
		{name: "no extensions", differs: "ext=", lost: []string{KindNames, KindExtensions}, change: func(f *forged) { f.extensions = nil }},
		{name: "an empty list of extensions", differs: "ext=", lost: []string{KindNames, KindExtensions}, change: func(f *forged) { f.extensions = [][]byte{} }},
		{name: "the same extension twice", refused: true, differs: "der=duplicate ext=2.5.29.17,2.5.29.19!,2.5.29.17", values: v(KindExtensions, "san=DNS ca=no san=DNS"),
			change: func(f *forged) { f.extensions = append(f.extensions, f.extensions[0]) }},
		{name: "FALSE written out", differs: "der=boolean ext=2.5.29.17,2.5.29.19", values: v(KindExtensions, "san=DNS ca=FALSE"),
			change: func(f *forged) { f.extensions[1] = ext("551d13", tlv(0x30, []byte{1, 1, 0}), 1, 1, 0) }},
		{name: "TRUE is 1", refused: true, differs: "der=boolean", change: func(f *forged) { f.extensions[1] = ext("551d13", tlv(0x30), 1, 1, 1) }},
		{name: "an extension without a value", refused: true, differs: "ext=2.5.29.17,?", lost: []string{KindNames, KindExtensions},
			change: func(f *forged) { f.extensions[1] = tlv(0x30, unhex("06 03 551d13")) }},
		{name: "an address of three bytes", refused: true, values: v(KindNames, "#x3"),
			change: func(f *forged) { f.extensions[0] = ext("551d11", tlv(0x30, tlv(0x87, []byte{1, 2, 3}))) }},
		{name: "names that are none", refused: true, values: v(KindExtensions, "san=? ca=no"), lost: []string{KindNames},
			change: func(f *forged) { f.extensions[0] = ext("551d11", []byte("text")) }},
		{name: "an OID of 128 bits", refused: true, differs: "ext=#060a69ffffffffffffffff7f", lost: []string{KindNames, KindExtensions},
			change: func(f *forged) {
				f.extensions = [][]byte{tlv(0x30, unhex("06 0a 69 ff ff ff ff ff ff ff ff 7f"), tlv(4))}
			}},
		{name: "unique identifiers", differs: "der=unique-id", change: func(f *forged) { f.after = tlv(0x81, []byte{0, 1}) }},
		{name: "an element of nobody", differs: "ext=?", lost: []string{KindNames, KindExtensions},
			change: func(f *forged) { f.after, f.extensions = tlv(0xa7, tlv(0x30)), nil }},
	}
}

// fields are the shape's, by name.
func fields(shape string) map[string]string {
	m := map[string]string{}
	for f := range strings.FieldsSeq(shape) {
		name, _, _ := strings.Cut(f, "=")
		if f[0] == 'v' && len(f) == 2 {
			name = "v"
		}
		m[name] = f
	}
	return m
}

func TestSoundOnes(t *testing.T) {
	der := sound().der()
	if _, err := x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	want := "v3 key=rsa2048 self=no sig=1.2.840.113549.1.1.11 valid=31536000 from=second serial=6 issuer=2.5.4.3u subject=2.5.4.3p ext=2.5.29.17,2.5.29.19!"
	if got := of(der)[KindShape]; got != want {
		t.Errorf("%q", got)
	}
}

// What crypto/x509 refuses shows all that can be read of it, and the fault.
func TestBrokenOnes(t *testing.T) {
	whole := of(sound().der())
	for _, b := range brokenOnes() {
		t.Run(b.name, func(t *testing.T) {
			f := sound()
			b.change(f)
			der := f.der()
			if _, err := x509.ParseCertificate(der); err == nil && b.refused {
				t.Error("crypto/x509 takes it: it shows nothing")
			}
			got := of(der)
			want := fields(whole[KindShape])
			maps.Copy(want, fields(b.differs))
			for name, f := range fields(got[KindShape]) {
				if f != want[name] {
					t.Errorf("shape has %s, want %s", f, want[name])
				}
				delete(want, name)
			}
			if len(want) > 0 {
				t.Errorf("shape lacks %v: %s", want, got[KindShape])
			}
			for kind, v := range b.values {
				if got[kind] != v {
					t.Errorf("%s is %q, want %q", kind, got[kind], v)
				}
			}
			for kind := range whole {
				if (got[kind] == "") != slices.Contains(b.lost, kind) {
					t.Errorf("%s is %q", kind, got[kind])
				}
			}
		})
	}
}

// A certificate that ends too early shows what came before its end, the same
// as the whole one does, and no shape: what is missing may be anything.
func TestTruncatedOnes(t *testing.T) {
	der := sound().der()
	whole := of(der)
	before := 0
	for n := 1; n < len(der); n++ {
		if _, err := x509.ParseCertificate(der[:n]); err == nil {
			t.Fatalf("crypto/x509 takes %d of %d bytes", n, len(der))
		}
		got := of(der[:n])
		for kind, v := range got {
			if kind != KindSHA256 && v != whole[kind] {
				t.Fatalf("%d bytes: %s is %q, of the whole it is %q", n, kind, v, whole[kind])
			}
		}
		if got[KindShape] != "" || len(got) < before {
			t.Fatalf("%d bytes: %v", n, got)
		}
		before = len(got)
	}
	if before != len(whole)-1 {
		t.Errorf("without its last byte it shows %d of %d values", before, len(whole))
	}
}

// However much is put into it, little is kept.
func TestHugeOnes(t *testing.T) {
	repeat := func(b []byte, n int) []byte {
		var out []byte
		for range n {
			out = append(out, b...)
		}
		return out
	}
	for name, change := range map[string]func(*forged){
		"attributes": func(f *forged) {
			f.subject = tlv(0x30, repeat(tlv(0x31, tlv(0x30, unhex("06 03 550403"), tlv(0x0c, []byte("x")))), 20000))
		},
		"one name":   func(f *forged) { f.subject = name(0x0c, strings.Repeat("a.", 1<<19)) },
		"extensions": func(f *forged) { f.extensions = [][]byte{repeat(ext("551d11", nil), 50000)} },
		"names": func(f *forged) {
			f.extensions = [][]byte{ext("551d11", tlv(0x30, repeat(tlv(0x82, []byte("a.b")), 100000)))}
		},
		"purposes": func(f *forged) {
			f.extensions = [][]byte{ext("551d25", tlv(0x30, repeat(unhex("06 02 2a03"), 100000)))}
		},
		"a long OID": func(f *forged) { f.extensions = [][]byte{ext("551d25", tlv(0x30, tlv(6, make([]byte, 1<<20))))} },
		"depth":      func(f *forged) { f.extensions = [][]byte{ext("551d11", []byte(strings.Repeat("\x30\x80", 1<<19)))} },
		"key":        func(f *forged) { f.spki = rsaKey(1<<20, 3) },
		"serial":     func(f *forged) { f.serial = tlv(2, make([]byte, 1<<20)) },
		"the comment": func(f *forged) {
			f.extensions = [][]byte{ext("6086480186f842010d", tlv(0x16, []byte(strings.Repeat("1a", 1<<19))))}
		},
	} {
		f := sound()
		change(f)
		for kind, v := range of(f.der()) {
			if len(v) > 512 || v == "" {
				t.Errorf("%s: %s has %d bytes", name, kind, len(v))
			}
		}
	}
}
