package tlsprobe

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/cert"
	"github.com/hostkin/hostkin/fingerprints/tlsserver"
	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// summary is what a case expects of the embedded answer of a record.TLS.
type summary struct {
	Status  record.Status
	Hello   string
	Version uint16
	Suite   uint16
	ALPN    string
	Certs   int
	Types   []uint8 // messages
	Alerts  []record.TLSAlert
	Retry   bool
	KeyExch bool
	CertReq bool
	Scheme  uint16
}

func summarize(t *record.TLS) summary {
	if t == nil {
		return summary{}
	}
	return summary{t.Status, t.Hello, t.Version, t.Suite, t.ALPN, len(t.Certificates), t.Messages, t.Alerts,
		len(t.HelloRetry) > 0, len(t.KeyExchange) > 0, len(t.CertificateRequest) > 0, t.SignatureScheme}
}

// recording is the file of what a server said on its five connections.
func recording(name string) string { return filepath.Join("testdata", name+".json") }

type server struct {
	name  string // of the file in testdata
	start func(testing.TB) netip.AddrPort
	want  summary
}

// servers are set up so that they differ in the embedded answer.
func servers() []server {
	openssl := func(key string, args ...string) func(testing.TB) netip.AddrPort {
		return func(tb testing.TB) netip.AddrPort {
			cert, private := livetest.Certificate(tb, key)
			return livetest.OpenSSL(tb, cert, private, args...)
		}
	}
	nginx := func(directives string) func(testing.TB) netip.AddrPort {
		return func(tb testing.TB) netip.AddrPort {
			cert, private := livetest.Certificate(tb, "rsa")
			return livetest.Nginx(tb, cert, private, directives)
		}
	}
	gnutls := func(priority string) func(testing.TB) netip.AddrPort {
		return func(tb testing.TB) netip.AddrPort {
			cert, private := livetest.Certificate(tb, "ec")
			return livetest.GnuTLS(tb, cert, private, priority)
		}
	}
	flight13 := []uint8{2, 8, 11, 15, 20}
	asked13 := []uint8{2, 8, 13, 11, 15, 20}
	flight12 := []uint8{2, 11, 12, 14}
	retried := append([]uint8{2}, flight13...)
	ok := func(hello string, version, suite uint16, types []uint8, also summary) summary {
		also.Status, also.Hello, also.Version, also.Suite, also.Types, also.Certs = record.OK, hello, version, suite, types, 1
		return also
	}
	return []server{
		{"openssl-13-rsa", openssl("rsa"), ok("a", 0x0304, 0x1303, flight13, summary{Scheme: 0x0804})},
		{"openssl-13-ec-alpn", openssl("ec", "-alpn", "http/1.1,h2"), ok("a", 0x0304, 0x1303, flight13, summary{ALPN: "http/1.1", Scheme: 0x0403})},
		{"openssl-13-aes128", openssl("ec", "-ciphersuites", "TLS_AES_128_GCM_SHA256"), ok("a", 0x0304, 0x1301, flight13, summary{Scheme: 0x0403})},
		{"openssl-13-retry-p256", openssl("ec", "-groups", "P-256", "-no_tls1_2"), ok("a", 0x0304, 0x1303, retried, summary{Scheme: 0x0403, Retry: true})},
		{"openssl-13-retry-p384", openssl("ec", "-groups", "P-384"), ok("a", 0x0304, 0x1303, retried, summary{Scheme: 0x0403, Retry: true})},
		{"openssl-13-retry-p521-asks", openssl("rsa", "-groups", "P-521", "-Verify", "1"),
			ok("a", 0x0304, 0x1303, append([]uint8{2}, asked13...), summary{Scheme: 0x0804, Retry: true, CertReq: true})},
		{"openssl-13-fragments", openssl("rsa", "-max_send_frag", "512", "-verify", "1"),
			ok("a", 0x0304, 0x1303, asked13, summary{Scheme: 0x0804, CertReq: true})},
		{"openssl-12-fragments", openssl("rsa", "-tls1_2", "-max_send_frag", "512"), ok("c", 0x0303, 0xc013, flight12, summary{KeyExch: true})},
		{"openssl-12-ec-asks", openssl("ec", "-tls1_2", "-verify", "1", "-serverpref"),
			ok("c", 0x0303, 0xc02c, []uint8{2, 11, 12, 13, 14}, summary{KeyExch: true, CertReq: true})},
		{"openssl-12-dhe", openssl("rsa", "-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"), ok("c", 0x0303, 0x009f, flight12, summary{KeyExch: true})},
		{"openssl-10", openssl("rsa", "-tls1", "-cipher", "ALL:@SECLEVEL=0"), ok("c", 0x0301, 0xc013, flight12, summary{KeyExch: true})},
		{"openssl-refuses", openssl("rsa", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"),
			summary{Status: record.Alert, Hello: "c", Alerts: []record.TLSAlert{{Level: 2, Code: 40}}}},
		{"nginx-12", nginx("ssl_protocols TLSv1.2; ssl_prefer_server_ciphers on;"), ok("c", 0x0303, 0xc030, flight12, summary{ALPN: "http/1.1", KeyExch: true})},
		{"nginx-rejects", nginx("ssl_reject_handshake on;"), summary{Status: record.Alert, Hello: "c", Alerts: []record.TLSAlert{{Level: 2, Code: 112}}}},
		{"gnutls-12", gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2"), ok("c", 0x0303, 0xc009, []uint8{2, 11, 12, 13, 14}, summary{KeyExch: true, CertReq: true})},
	}
}

// TestRealServers asks real servers. With HOSTKIN_RECORD=1 it also writes
// their answers to testdata, for TestRecorded.
func TestRealServers(t *testing.T) {
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			addr := s.start(t)
			a, _, said := livetest.Ask(t, Probe{keys: testKeys(t)}, livetest.Endpoint(addr, ""), record.Answer{})
			if diff := cmp.Diff(s.want, summarize(a.TLS)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			livetest.Keep(t, recording(s.name), said)
		})
	}
}

// All products answer all five hellos. Asked again, by a name, and through a
// proxy that cuts what they say in small segments, they give equal values.
func TestStable(t *testing.T) {
	cert, key := livetest.Certificate(t, "rsa")
	for _, s := range livetest.TLSServers() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			addr := s.Start(t, cert, key)
			cut := livetest.Proxy(t, "127.0.0.1:0", addr, inPieces)
			a, status, said := livetest.Ask(t, Probe{keys: testKeys(t)}, livetest.Endpoint(addr, ""), record.Answer{})
			livetest.Keep(t, recording(s.Name), said)
			want, partial := tlsserver.Of(a.TLS)
			if status != record.OK || partial || len(want) != 6 {
				t.Fatalf("status %q, partial %v, %q", status, partial, want)
			}
			for i, at := range []netip.AddrPort{addr, cut, addr, addr, cut} {
				name := []string{"", "a.example"}[i&1]
				a, _, _ := livetest.Ask(t, Probe{}, livetest.Endpoint(at, name), record.Answer{})
				got, _ := tlsserver.Of(a.TLS)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("asked again (through the proxy: %v, name %q), -first +now\n%s", at == cut, name, diff)
				}
			}
		})
	}
}

// The early ChangeCipherSpec of an odd probe adds a value and changes none.
func TestOddAddsOnly(t *testing.T) {
	cert, key := livetest.Certificate(t, "ec")
	at := livetest.Endpoint(livetest.OpenSSL(t, cert, key), "")
	plain, _, _ := livetest.Ask(t, Probe{}, at, record.Answer{})
	odd, _, _ := livetest.Ask(t, Probe{Odd: true}, at, record.Answer{})
	without, _ := tlsserver.Of(plain.TLS)
	with, _ := tlsserver.Of(odd.TLS)
	added := slices.IndexFunc(with, func(p value.Pair) bool { return p.Kind == tlsserver.KindOdd })
	if added < 0 || with[added].Value != "ccs::2/10:closed" {
		t.Fatalf("%q", with)
	}
	if diff := cmp.Diff(without, slices.Delete(with, added, added+1)); diff != "" {
		t.Error(diff)
	}
}

// A server with two certificates shows both.
func TestTwoCertificates(t *testing.T) {
	rsa, rsaKey := livetest.Certificate(t, "rsa")
	ec, ecKey := livetest.Certificate(t, "ec")
	at := livetest.Endpoint(livetest.OpenSSL(t, rsa, rsaKey, "-dcert", ec, "-dkey", ecKey), "")
	a, _, _ := livetest.Ask(t, Probe{}, at, record.Answer{})
	var subjects []string
	for _, p := range cert.Of(a.TLS) {
		if p.Kind == cert.KindSubject {
			subjects = append(subjects, p.Value)
		}
	}
	slices.Sort(subjects)
	if !slices.Equal(subjects, []string{"CN=ec.example", "CN=rsa.example"}) {
		t.Errorf("subjects %q", subjects)
	}
}

// inPieces passes on what a server says a few bytes at a time.
func inPieces(client, server net.Conn) {
	for buf := make([]byte, 100); ; {
		n, err := server.Read(buf)
		if n > 0 {
			client.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// TestRecorded plays recorded answers cut in every way.
func TestRecorded(t *testing.T) {
	wants := map[string]summary{}
	for _, s := range servers() {
		wants[s.name] = s.want
	}
	for _, s := range livetest.TLSServers() {
		wants[s.Name] = summary{}
	}
	for name, want := range wants {
		t.Run(name, func(t *testing.T) {
			said, keys := livetest.Transcripts(t, recording(name)), testKeys(t)
			run := Probe{keys: keys}.Start(livetest.Endpoint(netip.MustParseAddrPort("127.0.0.1:443"), ""), record.Answer{})
			for _, transcript := range said {
				var x conversation.Exchange
				if !run.Next(&x) {
					t.Fatal("the probe asks less often than when it was recorded")
				}
				letter := x.Conv.(*client).out.Hello
				got, _ := conversationtest.CheckCuts(t, transcript, func() (conversation.Conversation, func() record.TLSAnswer) {
					c := newClient(keys, "", letter, false)
					return c, func() record.TLSAnswer { return c.out }
				})
				if name == "openssl" { // endings are much the same for all, and many
					conversationtest.CheckEndings(t, transcript, func() conversation.Conversation { return newClient(keys, "", letter, false) })
				}
				x.Status, _ = conversationtest.Play(x.Conv, transcript, nil)
				x.Connected = true
				run.Ended(&x)
				if diff := cmp.Diff(got, x.Conv.(*client).out); diff != "" {
					t.Errorf("%s: cut answers differ\n%s", letter, diff)
				}
			}
			var a record.Answer
			status := run.Fold(&a)
			if diff := cmp.Diff(want, summarize(a.TLS)); diff != "" && want.Status != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if _, partial := tlsserver.Of(a.TLS); partial || status != record.OK && want.Status != status {
				t.Errorf("status %q, partial %v", status, partial)
			}
		})
	}
}

// The second hello comes after a ChangeCipherSpec, in a record of TLS 1.2.
func TestRetryOnTheWire(t *testing.T) {
	said := livetest.Transcripts(t, recording("openssl-13-retry-p384"))[1]
	_, sent := conversationtest.Play(newClient(testKeys(t), "", helloA, false), said, nil)
	if !strings.Contains(string(sent), "\x14\x03\x03\x00\x01\x01\x16\x03\x03") {
		t.Errorf("sent %x", sent)
	}
}
