package tlsprobe_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"testing"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// witness is a talk that looks at the handshake around it.
type witness struct {
	talk
	told []record.TLSAnswer
}

func (w *witness) Handshake(a record.TLSAnswer) {
	w.told = append(w.told, a)
	w.events = append(w.events, "handshake")
}

func TestWitnessIsToldBeforeOpen(t *testing.T) {
	for version := uint16(tls.VersionTLS10); version <= tls.VersionTLS13; version++ {
		addr := serve(t, &tls.Config{MinVersion: version, MaxVersion: version, NextProtos: []string{"x"}}, func(c *tls.Conn) { io.WriteString(c, "!"); c.Close() })
		inner := &witness{}
		livetest.Drive(t, &conversation.Exchange{Addr: addr, Conv: tlsprobe.Wrap(inner, "", []string{"x"})})
		if len(inner.told) != 1 || inner.events[0] != "handshake" || inner.events[1] != "open" {
			t.Fatalf("version %04x: %q", version, inner.events)
		}
		got := inner.told[0]
		if got.Version != version || got.Suite == 0 || got.ALPN != "x" || got.Status != record.OK || got.Hello != "" || len(got.Certificates) != 1 {
			t.Errorf("version %04x: %+v", version, got)
		}
		if cert, err := x509.ParseCertificate(got.Certificates[0]); err != nil || cert.Subject.CommonName != "ec.example" {
			t.Errorf("version %04x: %v, %v", version, cert, err)
		}
	}
}

func TestWitnessOfNoHandshakeIsNotTold(t *testing.T) {
	inner := &witness{}
	w := tlsprobe.Wrap(inner, "", nil)
	w.Open()
	w.Feed([]byte("nonsense"))
	if got := w.End(record.OK); got != record.Malformed || inner.told != nil {
		t.Errorf("%s, told %+v", got, inner.told)
	}
}
