package tlsprobe_test

import (
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// replayable is a probe with the keys of the recorded answers.
func replayable(tb testing.TB) tlsprobe.Probe {
	p, err := tlsprobe.New(rand.NewChaCha8([32]byte([]byte("hostkin: recorded TLS answers ..."))))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// summary is what a case expects of a record.TLS.
type summary struct {
	Status  record.Status
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

func summarize(t *record.TLS, status record.Status) summary {
	if t == nil {
		return summary{Status: status}
	}
	return summary{status, t.Version, t.Suite, t.ALPN, len(t.Certificates), t.Messages, t.Alerts,
		len(t.HelloRetry) > 0, len(t.KeyExchange) > 0, len(t.CertificateRequest) > 0, t.SignatureScheme}
}

// recording is the file of what a server said.
func recording(name string) string { return filepath.Join("testdata", name+".json") }

type server struct {
	name  string // of the file in testdata
	start func(testing.TB) netip.AddrPort
	want  summary
}

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
	return []server{
		{"openssl-13-rsa", openssl("rsa"),
			summary{Status: record.OK, Version: 0x0304, Suite: 0x1302, Certs: 1, Types: flight13, Scheme: 0x0804}},
		{"openssl-13-ec-alpn", openssl("ec", "-alpn", "http/1.1,h2"),
			summary{Status: record.OK, Version: 0x0304, Suite: 0x1302, ALPN: "http/1.1", Certs: 1, Types: flight13, Scheme: 0x0403}},
		{"openssl-13-chacha-p256", openssl("ec", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "-groups", "P-256"),
			summary{Status: record.OK, Version: 0x0304, Suite: 0x1303, Certs: 1, Types: flight13, Scheme: 0x0403}},
		{"openssl-13-retry-p384", openssl("ec", "-groups", "P-384"),
			summary{Status: record.OK, Version: 0x0304, Suite: 0x1302, Certs: 1, Types: append([]uint8{2}, flight13...), Scheme: 0x0403, Retry: true}},
		{"openssl-13-retry-p521-asks", openssl("rsa", "-groups", "P-521", "-Verify", "1"),
			summary{Status: record.OK, Version: 0x0304, Suite: 0x1302, Certs: 1, Types: append([]uint8{2}, asked13...), Scheme: 0x0804, Retry: true, CertReq: true}},
		{"openssl-13-fragments", openssl("rsa", "-max_send_frag", "512", "-verify", "1"),
			summary{Status: record.OK, Version: 0x0304, Suite: 0x1302, Certs: 1, Types: asked13, Scheme: 0x0804, CertReq: true}},
		{"openssl-12-fragments", openssl("rsa", "-tls1_2", "-max_send_frag", "512"),
			summary{Status: record.OK, Version: 0x0303, Suite: 0xc030, Certs: 1, Types: flight12, KeyExch: true}},
		{"openssl-12-ec-asks", openssl("ec", "-tls1_2", "-verify", "1"),
			summary{Status: record.OK, Version: 0x0303, Suite: 0xc02c, Certs: 1, Types: []uint8{2, 11, 12, 13, 14}, KeyExch: true, CertReq: true}},
		{"openssl-12-rsa-kx", openssl("rsa", "-tls1_2", "-cipher", "AES128-SHA"),
			summary{Status: record.OK, Version: 0x0303, Suite: 0x002f, Certs: 1, Types: []uint8{2, 11, 14}}},
		{"openssl-12-dhe", openssl("rsa", "-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"),
			summary{Status: record.OK, Version: 0x0303, Suite: 0x009f, Certs: 1, Types: flight12, KeyExch: true}},
		{"openssl-10", openssl("rsa", "-tls1", "-cipher", "ALL:@SECLEVEL=0"),
			summary{Status: record.OK, Version: 0x0301, Suite: 0xc014, Certs: 1, Types: flight12, KeyExch: true}},
		{"openssl-refuses", openssl("rsa", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"),
			summary{Status: record.Alert, Alerts: []record.TLSAlert{{Level: 2, Code: 40}, {Level: 2, Code: 40}}}},
		{"nginx-13", nginx("ssl_protocols TLSv1.2 TLSv1.3;"),
			summary{Status: record.OK, Version: 0x0304, Suite: 0x1302, ALPN: "h2", Certs: 1, Types: flight13, Scheme: 0x0804}},
		{"nginx-12", nginx("ssl_protocols TLSv1.2; ssl_prefer_server_ciphers on;"),
			summary{Status: record.OK, Version: 0x0303, Suite: 0xc030, ALPN: "h2", Certs: 1, Types: flight12, KeyExch: true}},
		{"nginx-rejects", nginx("ssl_reject_handshake on;"),
			summary{Status: record.Alert, Alerts: []record.TLSAlert{{Level: 2, Code: 112}}}},
		{"gnutls-13", gnutls("NORMAL"),
			summary{Status: record.OK, Version: 0x0304, Suite: 0x1302, Certs: 1, Types: asked13, Scheme: 0x0403, CertReq: true}},
		{"gnutls-12", gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2"),
			summary{Status: record.OK, Version: 0x0303, Suite: 0xc02c, Certs: 1, Types: []uint8{2, 11, 12, 13, 14}, KeyExch: true, CertReq: true}},
	}
}

// TestRealServers asks real servers. With HOSTKIN_RECORD=1 it also writes
// their answers to testdata, for TestRecorded.
func TestRealServers(t *testing.T) {
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			addr := s.start(t)
			a, status, said := livetest.Ask(t, replayable(t), livetest.Endpoint(addr, ""), record.Answer{})
			if diff := cmp.Diff(s.want, summarize(a.TLS, status)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			livetest.Keep(t, recording(s.name), said)
		})
	}
}

// TestRecorded plays recorded answers cut in every way.
func TestRecorded(t *testing.T) {
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			said := livetest.Transcripts(t, recording(s.name))
			run := replayable(t).Start(livetest.Endpoint(netip.MustParseAddrPort("127.0.0.1:443"), ""), record.Answer{})
			for _, transcript := range said {
				var first conversation.Exchange
				if !run.Next(&first) {
					t.Fatal("the probe asks less often than when it was recorded")
				}
				first.Status, _ = conversationtest.Play(first.Conv, transcript, nil)
				first.Connected = true
				run.Ended(&first)
			}
			var a record.Answer
			status := run.Fold(&a)
			if diff := cmp.Diff(s.want, summarize(a.TLS, status)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			got, _ := conversationtest.CheckCuts(t, said[0], func() (conversation.Conversation, func() record.Answer) {
				run := replayable(t).Start(livetest.Endpoint(netip.MustParseAddrPort("127.0.0.1:443"), ""), record.Answer{})
				var x conversation.Exchange
				run.Next(&x)
				return x.Conv, func() record.Answer {
					run.Ended(&x)
					var a record.Answer
					run.Fold(&a)
					return a
				}
			})
			if len(said) == 1 {
				if diff := cmp.Diff(a, got); diff != "" {
					t.Errorf("cut answers differ\n%s", diff)
				}
			}
		})
	}
}

// As far as TLS goes, the server's side of a TLS 1.3 handshake ends well too: it
// takes our Finished and reads a close_notify.
func TestServerIsContent(t *testing.T) {
	for name, config := range map[string]*tls.Config{
		"plain":                  {},
		"asks for a certificate": {ClientAuth: tls.RequestClientCert},
		"retries":                {CurvePreferences: []tls.CurveID{tls.CurveP384}},
		"retries and asks":       {CurvePreferences: []tls.CurveID{tls.CurveP521}, ClientAuth: tls.RequestClientCert},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan error, 1)
			addr := serve(t, config, func(c *tls.Conn) {
				err := c.Handshake()
				if err == nil {
					_, err = c.Read(make([]byte, 1))
				}
				done <- err
			})
			gentle := livetest.Proxy(t, "127.0.0.1:0", addr, livetest.Whole)
			a, status, _ := livetest.Ask(t, tlsprobe.Probe{}, livetest.Endpoint(gentle, ""), record.Answer{})
			if err := <-done; err != io.EOF || status != record.OK || a.TLS.Version != tls.VersionTLS13 {
				t.Errorf("status %q, the server says %v", status, err)
			}
		})
	}
}

// The second hello comes after a ChangeCipherSpec, in a record of TLS 1.2.
func TestRetryOnTheWire(t *testing.T) {
	said := livetest.Transcripts(t, recording("openssl-13-retry-p384"))[0]
	var x conversation.Exchange
	replayable(t).Start(livetest.Endpoint(netip.MustParseAddrPort("127.0.0.1:443"), ""), record.Answer{}).Next(&x)
	_, sent := conversationtest.Play(x.Conv, said, nil)
	if !strings.Contains(string(sent), "\x14\x03\x03\x00\x01\x01\x16\x03\x03") {
		t.Errorf("sent %x", sent)
	}
}

// TestCertificateEqualsOpenSSL compares the chain with that of openssl s_client.
func TestCertificateEqualsOpenSSL(t *testing.T) {
	leaf, key := livetest.Certificate(t, "ec")
	extra, _ := livetest.Certificate(t, "rsa")
	for _, version := range []string{"-tls1_3", "-tls1_2"} {
		addr := livetest.OpenSSL(t, leaf, key, version, "-cert_chain", extra)
		want := livetest.OpenSSLChain(t, addr)
		a, status, _ := livetest.Ask(t, tlsprobe.Probe{}, livetest.Endpoint(addr, "name.example"), record.Answer{})
		if status != record.OK || len(want) != 2 {
			t.Fatalf("%s: status %q, openssl shows %d certificates", version, status, len(want))
		}
		if diff := cmp.Diff(want, a.TLS.Certificates); diff != "" {
			t.Errorf("%s: chain differs from openssl's\n%s", version, diff)
		}
		if a.TLS.SNI != "name.example" {
			t.Errorf("SNI is %q", a.TLS.SNI)
		}
	}
}

// An address literal is no server name.
func TestNoSNIWithoutName(t *testing.T) {
	for name, want := range map[string]string{"": "", "192.0.2.1": "", "a.example.": "a.example", "2001:db8::1": ""} {
		var x conversation.Exchange
		tlsprobe.Probe{}.Start(livetest.Endpoint(netip.MustParseAddrPort("127.0.0.1:1"), name), record.Answer{}).Next(&x)
		hello := string(x.Conv.Open().Send)
		if want == "" && strings.Contains(hello, "192.0.2.1") || want != "" && !strings.Contains(hello, want) {
			t.Errorf("hello for %q: %q", name, hello)
		}
	}
}
