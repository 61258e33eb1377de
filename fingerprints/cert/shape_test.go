package cert

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/internal/livetest"
)

func TestRounding(t *testing.T) {
	for from, want := range map[string]string{
		"240131123045Z": "second", "240131123000Z": "minute", "240131120000Z": "hour", "240131000000Z": "day",
		"240131000001Z": "second", "240131000100Z": "minute",
	} {
		f := sound()
		f.validity = utc(from, "260131123045Z")
		if got := fields(of(f.der())[KindShape])["from"]; got != "from="+want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
}

func TestSerialText(t *testing.T) {
	begin := time.Date(2024, 1, 31, 12, 30, 45, 0, time.UTC) // notBefore of the sound one
	number := func(n int64) string { return hex.EncodeToString(big.NewInt(n).Bytes()) }
	for serial, want := range map[string]string{
		"01": "1", "00": "0", "0102": "2", "010203": "4", "7fffffffffffffff": "8",
		"00ffeeddccbbaa998877665544332211": "16", // one zero byte, to be positive
		"112233445566778899aabbccddeeff":   "16", // a random one that begins with zeros
		"80":                               "-1", "ff00ff": "-3",
		number(begin.Unix()):                           "time-s",
		number(begin.Add(-47 * time.Hour).Unix()):      "time-s",
		number(begin.Add(49 * time.Hour).Unix()):       "4",
		number(begin.Add(time.Hour).UnixMilli()):       "time-ms",
		number(begin.UnixMicro()):                      "time-us",
		number(begin.UnixNano()):                       "time-ns",
		number(begin.UnixNano()) + "00":                "10",
		number(begin.AddDate(-1, 0, 0).UnixNano()):     "8",
		number(begin.AddDate(0, 0, 1).Unix()) + "0000": "6",
	} {
		f := sound()
		f.serial = tlv(2, unhex(serial))
		if got := fields(of(f.der())[KindShape])["serial"]; got != "serial="+want {
			t.Errorf("%s: %s, want %s", serial, got, want)
		}
	}
}

// Judgement reads key= and self= of a shape, so they survive any length.
func TestLongShapesKeepWhatIsBounded(t *testing.T) {
	f := sound()
	f.issuer = tlv(0x30, bytes.Repeat(tlv(0x31, tlv(0x30, unhex("06 03 550403"), tlv(0x0c, []byte("x")))), 60))
	f.subject = f.issuer
	got := of(f.der())[KindShape]
	if !strings.HasPrefix(got, "v3 key=rsa2048 self=yes sig=1.2.840.113549.1.1.11 valid=31536000 from=second serial=6 issuer=") || len(got) > value.Max {
		t.Errorf("%q", got)
	}
}

func TestExtensionText(t *testing.T) {
	spki := sound().spki
	key := readKey(spki).bits
	short, long, whole := sha1.Sum(key), sha256.Sum256(key), sha1.Sum(spki)
	ski := func(id []byte) []byte { return ext("551d0e", tlv(4, id)) }
	for want, e := range map[string][]byte{
		"ski=sha1":                            ski(short[:]),
		"ski=sha1-60":                         ski(append([]byte{0x40 | short[12]&15}, short[13:]...)),
		"ski=sha256-160":                      ski(long[:20]),
		"ski=sha256":                          ski(long[:]),
		"ski=spki-sha1":                       ski(whole[:]),
		"ski=4":                               ski([]byte("abcd")),
		"ski=?":                               ext("551d0e", []byte("x")),
		"ca=no":                               ext("551d13", tlv(0x30)),
		"ca=yes":                              ext("551d13", tlv(0x30, []byte{1, 1, 0xff}), 1, 1, 0xff),
		"ca=yes:0":                            ext("551d13", tlv(0x30, []byte{1, 1, 0xff, 2, 1, 0})),
		"ca=no:?":                             ext("551d13", tlv(0x30, []byte{4, 0})),
		"ca=?":                                ext("551d13", nil),
		"ku=digitalSignature,keyEncipherment": ext("551d0f", tlv(3, []byte{5, 0xa0})),
		"ku=decipherOnly,9":                   ext("551d0f", tlv(3, []byte{6, 0, 0xc0})),
		"ku=?":                                ext("551d0f", tlv(3)),
		"eku=serverAuth,clientAuth,1.3.6.1.4.1.311.10.3.3": ext("551d25", tlv(0x30, unhex("06082b06010505070301 06082b06010505070302 060a2b0601040182370a0303"))),
		"eku=?":                              ext("551d25", []byte{5, 0}),
		"aki=keyid,issuer,serial":            ext("551d23", tlv(0x30, []byte{0x80, 1, 1, 0xa1, 0, 0x82, 1, 1})),
		"san=DNS,IP,[9],?":                   ext("551d11", tlv(0x30, []byte{0x82, 1, 'a', 0x87, 0, 0x82, 1, 'b', 0x89, 0, 0x82, 9})),
		"policies=2.23.140.1.2.1,1.2.3":      ext("551d20", tlv(0x30, tlv(0x30, unhex("060667810c010201")), tlv(0x30, unhex("06022a03"), tlv(0x30)))),
		"aia=OCSP,caIssuers":                 ext("2b06010505070101", tlv(0x30, tlv(0x30, unhex("06082b06010505073001 8600")), tlv(0x30, unhex("06082b06010505073002 8600")))),
		"nstype=server,sslCA":                ext("6086480186f8420101", tlv(3, []byte{2, 0x44})),
		`nscomment='it\'s no. # of \x1b[#m'`: ext("6086480186f842010d", tlv(0x16, []byte("it's no. 17 of \x1b[1m"))),
		"nscomment=?":                        ext("6086480186f842010d", tlv(0x0c)),
		"eku=" + strings.Repeat("1.2.3,", maxValues+1) + "?": ext("551d25", tlv(0x30, bytes.Repeat(unhex("06022a03"), 100))),
	} {
		f := sound()
		f.spki, f.extensions = spki, [][]byte{e, ext("2a03", nil)} // an extension that nobody knows adds nothing
		if got := of(f.der())[KindExtensions]; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What tools make of the same wish.
func TestToolsDiffer(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)
	template := &x509.Certificate{SerialNumber: big.NewInt(begin.UnixNano()), NotBefore: begin, NotAfter: begin.AddDate(1, 0, 0),
		Subject: pkix.Name{Organization: []string{"Acme Co"}, CommonName: "a"}, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	got := of(der)
	if want := "v3 key=rsa2048 self=yes sig=1.2.840.113549.1.1.11 valid=31622400 from=hour serial=time-ns" +
		" issuer=2.5.4.10p,2.5.4.3p subject=2.5.4.10p,2.5.4.3p ext=2.5.29.15!,2.5.29.19!,2.5.29.14"; got[KindShape] != want {
		t.Errorf("Go: %q", got[KindShape])
	}
	if want := "ku=digitalSignature ca=yes ski="; !strings.HasPrefix(got[KindExtensions], want+"sha") {
		t.Errorf("Go: %q", got[KindExtensions])
	}

	file := filepath.Join(t.TempDir(), "c.der")
	if out, err := exec.Command(livetest.Need(t, "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "366", "-keyout", file+".key",
		"-outform", "DER", "-out", file, "-subj", "/O=Acme Co/CN=a", "-config", "/dev/null", "-addext", "keyUsage=digitalSignature").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	der, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got = of(der)
	if want := "v3 key=rsa2048 self=yes sig=1.2.840.113549.1.1.11 valid=31622400 from="; !strings.HasPrefix(got[KindShape], want) {
		t.Errorf("openssl: %q", got[KindShape])
	}
	if want := " serial=20 issuer=2.5.4.10u,2.5.4.3u subject=2.5.4.10u,2.5.4.3u ext="; !strings.Contains(got[KindShape], want) {
		t.Errorf("openssl: %q", got[KindShape])
	}
	if !strings.Contains(got[KindExtensions], "ski=sha1") {
		t.Errorf("openssl: %q", got[KindExtensions])
	}
}
