package tlsprobe_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

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
			done := make(chan error, 5)
			addr := serve(t, config, func(c *tls.Conn) {
				if err := c.Handshake(); err != nil {
					done <- errors.New("no handshake")
					return
				}
				_, err := c.Read(make([]byte, 1))
				done <- err
			})
			gentle := livetest.Proxy(t, "127.0.0.1:0", addr, livetest.Whole)
			a, status, said := livetest.Ask(t, tlsprobe.Probe{}, livetest.Endpoint(gentle, ""), record.Answer{})
			if status != record.OK || a.TLS.Hello != "a" || a.TLS.Version != tls.VersionTLS13 {
				t.Errorf("status %q, hello %q", status, a.TLS.Hello)
			}
			var content int
			for range said {
				if <-done == io.EOF {
					content++
				}
			}
			if content != 1 { // hello A's
				t.Errorf("%d handshakes ended as they should", content)
			}
		})
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
