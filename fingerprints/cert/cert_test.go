package cert

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func of(der []byte) map[string]string {
	m := map[string]string{}
	for _, p := range Of(&record.TLS{TLSAnswer: record.TLSAnswer{Certificates: [][]byte{der, []byte("the issuer's, not looked at")}}}) {
		m[p.Kind] = p.Value
	}
	return m
}

// The files were made by openssl (rsa, ec, ed25519, ca) or by hand, byte by
// byte (the others).
func TestOf(t *testing.T) {
	for _, test := range []struct {
		file string
		want map[string]string
	}{
		{"rsa-self-signed.der", map[string]string{
			KindSerialIssuer: `0102030405@C=NL,O=Example\, Inc.,OU=vps\+1,CN=node-0042-deadbeef01.example,E=root@example`,
			KindIssuer:       `C=NL,O=Example\, Inc.,OU=vps\+1,CN=node-0042-deadbeef01.example,E=root@example`,
			KindSubject:      `C=NL,O=Example\, Inc.,OU=vps\+#,CN=node-#-#.example,E=root@example`,
			KindOrganization: `C=NL,O=Example\, Inc.,OU=vps\+#`,
			KindShape: "v3 issuer=2.5.4.6,2.5.4.10,2.5.4.11,2.5.4.3,1.2.840.113549.1.9.1" +
				" subject=2.5.4.6,2.5.4.10,2.5.4.11,2.5.4.3,1.2.840.113549.1.9.1 ext=2.5.29.14,2.5.29.35,2.5.29.19!" +
				" key=rsa2048 sig=1.2.840.113549.1.1.11 valid=315360000 from=second serial=6 self=yes"}},
		{"ec-signed.der", map[string]string{
			KindSerialIssuer: "03aabbccddeeff00112233445566778899aa@C=US,O=Test CA,CN=Root R1",
			KindIssuer:       "C=US,O=Test CA,CN=Root R1",
			KindSubject:      "CN=www#.example.net",
			KindDomain:       "example.net",
			KindNames:        "www#.example.net,*.example.net,#.#.#.#,#:#,#.cdn.example",
			KindShape: "v3 issuer=2.5.4.6,2.5.4.10,2.5.4.3 subject=2.5.4.3 ext=2.5.29.17,2.5.29.15!,2.5.29.37,2.5.29.14,2.5.29.35" +
				" key=ec1.3.132.0.34 sig=1.2.840.10045.4.3.2 valid=7776000 from=second serial=18 self=no"}},
		{"ed25519.der", map[string]string{
			KindIssuer: "CN=ed", KindSubject: "CN=ed",
			KindShape: "v3 issuer=2.5.4.3 subject=2.5.4.3 ext=2.5.29.14,2.5.29.35,2.5.29.19!" +
				" key=1.3.101.112 sig=1.3.101.112 valid=31536000 from=second serial=20 self=yes"}},
		{"negative-serial-hostile-name.der", map[string]string{
			KindSerialIssuer: `8501@O=\x1b[31mRed\r\nHat,CN=a\xff+O=x\u202ey`,
			KindIssuer:       `O=\x1b[31mRed\r\nHat,CN=a\xff+O=x\u202ey`,
			KindSubject:      `O=\x1b[#mRed\r\nHat,CN=a\xff+O=x\u202ey`,
			KindNames:        `evil\x1b]#;x\a.example\,b`,
			KindOrganization: `O=\x1b[#mRed\r\nHat`,
			KindShape: "v3 issuer=2.5.4.10,2.5.4.3+2.5.4.10 subject=2.5.4.10,2.5.4.3+2.5.4.10 ext=2.5.29.17" +
				" key=rsa512 sig=1.2.840.113549.1.1.11 valid=never from=day serial=2 self=yes"}},
		{"odd-strings.der", map[string]string{
			KindSerialIssuer: `01@CN=Büro,CN=café,CN=#020105,CN=\ lead\ `,
			KindIssuer:       `CN=Büro,CN=café,CN=#020105,CN=\ lead\ `,
			KindShape: "v3 issuer=2.5.4.3,2.5.4.3,2.5.4.3,2.5.4.3 subject= ext=" +
				" key=rsa512 sig=1.2.840.113549.1.1.11 valid=never from=day serial=1 self=no"}},
		{"bad-time.der", map[string]string{KindSerialIssuer: "01@CN=i", KindIssuer: "CN=i", KindSubject: "CN=s#"}},
		{"bad-extensions.der", map[string]string{KindSerialIssuer: "01@CN=i", KindIssuer: "CN=i", KindSubject: "CN=s#"}},
	} {
		t.Run(test.file, func(t *testing.T) {
			der := read(t, test.file)
			got := of(der)
			sum := sha256.Sum256(der)
			if want := hex.EncodeToString(sum[:]); got[KindSHA256] != want {
				t.Errorf("%s is %q, want %q", KindSHA256, got[KindSHA256], want)
			}
			if len(got[KindSPKI]) != 64 {
				t.Errorf("%s is %q", KindSPKI, got[KindSPKI])
			}
			delete(got, KindSHA256)
			delete(got, KindSPKI)
			if _, asked := test.want[KindSerialIssuer]; !asked { // random in this file
				delete(got, KindSerialIssuer)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What crypto/x509 can read it reads alike.
func TestSameAsX509(t *testing.T) {
	for _, file := range []string{"rsa-self-signed.der", "ec-signed.der", "ed25519.der", "ca.der"} {
		der := read(t, file)
		want, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		got := parse(der)
		if got.have != haveAll || string(got.spki) != string(want.RawSubjectPublicKeyInfo) ||
			string(got.rawIssuer) != string(want.RawIssuer) || string(got.rawName) != string(want.RawSubject) ||
			!got.notBefore.Equal(want.NotBefore) || !got.notAfter.Equal(want.NotAfter) || got.version != want.Version ||
			string(got.serial[max(0, len(got.serial)-len(want.SerialNumber.Bytes())):]) != string(want.SerialNumber.Bytes()) {
			t.Errorf("%s is read differently: %+v", file, got)
		}
		for i, e := range want.Extensions {
			if g := got.extensions[i]; g.oid != e.Id.String() || g.critical != e.Critical || string(g.value) != string(e.Value) {
				t.Errorf("%s: extension %d is %v", file, i, g)
			}
		}
	}
}

// The reason for a parser of our own.
func TestX509RefusesWhatIsRead(t *testing.T) {
	for _, file := range []string{"negative-serial-hostile-name.der", "bad-time.der", "bad-extensions.der"} {
		der := read(t, file)
		if _, err := x509.ParseCertificate(der); err == nil {
			t.Errorf("crypto/x509 takes %s: it shows nothing", file)
		}
		if got := of(der); got[KindIssuer] == "" || got[KindSPKI] == "" {
			t.Errorf("%s: only %v", file, got)
		}
	}
}

func TestLongValuesAreCutAndHashed(t *testing.T) {
	got := of(read(t, "long-name.der"))
	for _, kind := range []string{KindIssuer, KindSubject, KindSerialIssuer} {
		v := got[kind]
		if len(v) > value.Max || !strings.Contains(v, ":sha256:") {
			t.Errorf("%s has %d bytes: %q", kind, len(v), v)
		}
	}
}

func TestNoCertificate(t *testing.T) {
	for _, in := range []*record.TLS{nil, {}, {TLSAnswer: record.TLSAnswer{Certificates: [][]byte{{}}}}} {
		if got := Of(in); got != nil {
			t.Errorf("Of(%v) = %v", in, got)
		}
	}
	if got := of([]byte("not DER")); len(got) != 1 || len(got[KindSHA256]) != 64 {
		t.Errorf("of what is no certificate there is %v", got)
	}
}

// A server may have several certificates; the values are a set.
func TestSeveralLeaves(t *testing.T) {
	rsa, ec := read(t, "rsa-self-signed.der"), read(t, "ec-signed.der")
	answer := func(chain ...[]byte) record.TLSAnswer { return record.TLSAnswer{Certificates: chain} }
	got := Of(&record.TLS{TLSAnswer: answer(rsa, ec), Others: []record.TLSAnswer{answer(ec), answer(), answer(rsa), answer(ec, rsa)}})
	want := append(Of(&record.TLS{TLSAnswer: answer(rsa)}), Of(&record.TLS{TLSAnswer: answer(ec)})...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func FuzzOf(f *testing.F) {
	files, err := filepath.Glob("testdata/*.der")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		f.Add(read(f, filepath.Base(file)))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		for _, p := range Of(&record.TLS{TLSAnswer: record.TLSAnswer{Certificates: [][]byte{der}}}) {
			if p.Value == "" || len(p.Value) > value.Max {
				t.Errorf("%s has %d bytes", p.Kind, len(p.Value))
			}
			for _, r := range p.Value {
				if !unicode.IsPrint(r) {
					t.Errorf("%s is %q", p.Kind, p.Value)
				}
			}
		}
	})
}

func BenchmarkOf(b *testing.B) {
	in := &record.TLS{TLSAnswer: record.TLSAnswer{Certificates: [][]byte{read(b, "ec-signed.der")}}}
	b.ReportAllocs()
	for b.Loop() {
		Of(in)
	}
}

// The operator shows in what the hosts' own names leave over.
func TestOrganizationAndDomain(t *testing.T) {
	for file, want := range map[string][2]string{
		"rsa-self-signed.der": {`C=NL,O=Example\, Inc.,OU=vps\+#`, ""}, // .example is no known suffix
		"ec-signed.der":       {"", "example.net"},
		"ed25519.der":         {"", ""},
	} {
		got := of(read(t, file))
		if got[KindOrganization] != want[0] || got[KindDomain] != want[1] {
			t.Errorf("%s: organization %q, domain %q; want %q", file, got[KindOrganization], got[KindDomain], want)
		}
	}
}
