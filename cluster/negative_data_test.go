package cluster

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/fingerprints/cert"
	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

func embedded(t *testing.T) []Negative {
	t.Helper()
	list, err := ReadNegative("data/negative.yaml", bytes.NewReader(must(data.ReadFile("data/negative.yaml"))), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A value that no fingerprint can have stands on the list in vain.
func TestEmbeddedNegativesAreFingerprints(t *testing.T) {
	fits := func(pattern string) func(string) bool { return regexp.MustCompile("^(?:" + pattern + ")$").MatchString }
	oid := regexp.MustCompile(`(^|,)[0-9.]+=`)
	template := func(v string) bool { v = oid.ReplaceAllString(v, ""); return value.Template(v) == v }
	registered := func(v string) bool { return value.Domain("host."+v) == v } // none is a public suffix
	forms := map[fingerprints.Kind]func(string) bool{
		"ssh.host_key":       fits("SHA256:[A-Za-z0-9+/]{43}"),
		"cert.sha256":        fits("[0-9a-f]{64}"),
		"cert.spki":          fits("[0-9a-f]{64}"),
		"cert.serial_issuer": fits("(?:[0-9a-f]{2})+@.+=.*"),
		"cert.issuer":        fits(`([A-Za-z]+|[0-9.]+)=.*`),
		"cert.subject":       template,
		"cert.names":         template,
		"cert.organization":  template,
		"http.title_pattern": template,
		"jarm":               fits("[0-9a-f]{62}"),
		"http.body_shape":    fits("[0-9a-f]{16}"),
		"cert.domain":        registered,
		"mail.domain":        registered,
	}
	for _, n := range embedded(t) {
		if form := forms[n.Kind]; form != nil && !form(n.Value) {
			t.Errorf("no host shows %s=%s", n.Kind, n.Value)
		}
		if !n.Expires.IsZero() {
			t.Errorf("%s=%s expires, but an embedded table knows no day", n.Kind, n.Value)
		}
	}
}

// Names as openssl prints them, subject and issuer, and the kinds that must
// then be known.
func TestNegativeNames(t *testing.T) {
	both := []string{cert.KindIssuer, cert.KindSubject, cert.KindOrganization}
	subject := []string{cert.KindSubject, cert.KindOrganization}
	organization := []string{cert.KindOrganization}
	issuer := []string{cert.KindIssuer}
	table := must(Defaults())
	for name, kinds := range map[string][]string{
		"C=Earth/ST=Cyberspace/L=Somewhere/O=cobaltstrike/OU=AdvancedPenTesting/CN=Major Cobalt Strike": both,
		"O=CloudFlare, Inc./OU=CloudFlare Origin CA/CN=CloudFlare Origin Certificate":                   subject,
		"C=US/ST=California/L=San Francisco/O=Cloudflare, Inc./CN=sni.cloudflaressl.com":                {cert.KindSubject, cert.KindOrganization, cert.KindDomain},
		"C=US/ST=Massachusetts/L=Cambridge/O=Akamai Technologies, Inc./CN=a248.e.akamai.net":            subject,
		"C=US/ST=California/L=San Francisco/O=Fastly, Inc./CN=default.ssl.fastly.net":                   subject,
		"C=US/ST=California/L=San Francisco/O=Heroku, Inc./CN=*.herokuapp.com":                          subject,
		"C=US/ST=California/L=San Francisco/O=Netlify, Inc/CN=*.netlify.app":                            subject,
		"CN=*.cloudfront.net": {cert.KindSubject},
		"CN=*.github.io":      {cert.KindSubject},
		"CN=*.vercel.app":     {cert.KindSubject},
		"C=US/ST=WA/L=Redmond/O=Microsoft Corporation/CN=*.azureedge.net":                                      subject,
		"OU=No SNI provided; please fix your client./CN=invalid2.invalid":                                      both,
		"C=CH/L=Schaffhausen/O=Plesk/CN=Plesk/E=info@plesk.com":                                                both,
		"C=US/ST=Virginia/L=Herndon/O=Parallels/OU=Parallels Panel/CN=Parallels Panel/E=info@parallels.com":    both,
		"O=pfSense webConfigurator Self-Signed Certificate/CN=pfSense-646b882d43d57":                           subject,
		"OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN=pve1.example.com":                                organization,
		"C=US/ST=California/L=Sunnyvale/O=Fortinet/OU=FortiGate/CN=FG3K4ETB19900078/E=support@fortinet.com":    organization,
		"C=US/ST=California/L=Sunnyvale/O=Fortinet/OU=Certificate Authority/CN=support/E=support@fortinet.com": issuer,
		"C=US/ST=California/L=Palo Alto/O=VMware, Inc/OU=VMware ESX Server Default Certificate/E=ssl-certificates@vmware.com/CN=localhost.localdomain/unstructuredName=1328954372,564d7761726520496e632e": organization,
		"C=US/ST=Texas/L=Houston/O=Hewlett-Packard Company/OU=ISS/CN=ILOUSE951N96F":                  organization,
		"C=US/ST=Texas/L=Round Rock/O=Dell Inc./OU=Remote Access Group/CN=DRAC5 default certificate": subject,
		"O=VMware Installer": issuer,
		"O=Acme Co/CN=Kubernetes Ingress Controller Fake Certificate": {cert.KindIssuer, cert.KindSubject},
	} {
		got := derived(named(t, name))
		for _, kind := range kinds {
			if f := (feature{fingerprints.Kind(kind), got[kind]}); !table.isStock(f) {
				t.Errorf("%s: %s=%s is not on the list", name, kind, f.value)
			}
		}
	}
}

// What Go's test servers serve is on the list, key and all.
func TestNegativeCertificateOfGo(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	table, got := must(Defaults()), derived(server.Certificate().Raw)
	for _, kind := range []string{cert.KindSHA256, cert.KindSPKI} {
		if !table.isStock(feature{fingerprints.Kind(kind), got[kind]}) {
			t.Errorf("%s=%s is not on the list", kind, got[kind])
		}
	}
}

// Some of the published host keys themselves.
func TestNegativeHostKeys(t *testing.T) {
	table := must(Defaults())
	for _, line := range []string{
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINkvt5FDLWCDLr7DfhdM5aE6WUcuF1EjcnkZ3gaUQUBi Piunora",
		"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBI9eUsV8+lSuDiTX2sZXU/qnMBE6K2ZC2kzj2CNZFpHBfXKXnd4l6UYAQvKOeDTqY7L0Ft8TGVf3HL8R0733rm4= Piunora",
		"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgwC9P88UlGdb6WIsIcyni8zh4zLdrSORieNeZNXtDHiHzgs80XQ8FOBBaNBTBAib+GX6V8Aixvmh315+H6xyb4fQSlicpJ1lq4k7pKsrXGgdYS2FTPrXA8YG+1beVvWeK9/8LjXAdZCzwE7D8jOSPh9dw0HIuPQhBCfxE4o/WOvYwVMZ Quanta",
	} {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if v := ssh.FingerprintSHA256(key); !table.isStock(feature{"ssh.host_key", v}) {
			t.Errorf("%s is not on the list", v)
		}
	}
}

// derived are the fingerprints of a certificate, by kind.
func derived(der []byte) map[string]string {
	out := map[string]string{}
	for _, p := range cert.Of(&record.TLS{TLSAnswer: record.TLSAnswer{Certificates: [][]byte{der}}}) {
		out[p.Kind] = p.Value
	}
	return out
}

// named is a self-signed certificate of that subject, in the order written.
func named(t *testing.T, name string) []byte {
	t.Helper()
	types := map[string]asn1.ObjectIdentifier{
		"C": {2, 5, 4, 6}, "ST": {2, 5, 4, 8}, "L": {2, 5, 4, 7}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "CN": {2, 5, 4, 3},
		"E": {1, 2, 840, 113549, 1, 9, 1}, "unstructuredName": {1, 2, 840, 113549, 1, 9, 2},
	}
	type attribute struct {
		Type  asn1.ObjectIdentifier
		Value string `asn1:"utf8"`
	}
	type nameSET []attribute // encoding/asn1 makes a SET of it because of its name
	var sequence []nameSET
	for part := range strings.SplitSeq(name, "/") {
		key, text, _ := strings.Cut(part, "=")
		sequence = append(sequence, nameSET{{types[key], text}})
	}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	made := &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: must(asn1.Marshal(sequence))}
	return must(x509.CreateCertificate(rand.Reader, made, made, key.Public(), key))
}
