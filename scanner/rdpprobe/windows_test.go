package rdpprobe

import (
	"bytes"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

// There is no Windows here. This server is written after MS-RDPBCGR 2.2.1.2,
// MS-CSSP 2.2.1 and MS-NLMP 2.2.1.2, with encoding/asn1 where the probe has
// cryptobyte; TestServers talks to CredSSP of somebody else's making.
type windows struct {
	confirm   string // hex of the negotiation response
	challenge string // hex
	config    *tls.Config
	got       chan tsRequestMessage // what the client said inside TLS
}

// tsRequestMessage is TSRequest, as in the ASN.1 module of MS-CSSP.
type tsRequestMessage struct {
	Version    int         `asn1:"explicit,tag:0"`
	NegoTokens []negoToken `asn1:"explicit,optional,tag:1"`
	AuthInfo   []byte      `asn1:"explicit,optional,tag:2"`
	PubKeyAuth []byte      `asn1:"explicit,optional,tag:3"`
	ErrorCode  int64       `asn1:"explicit,optional,tag:4"`
}

type negoToken struct {
	Token []byte `asn1:"explicit,tag:0"`
}

// specChallenge is the CHALLENGE_MESSAGE of MS-NLMP 4.2.4.3.
const specChallenge = "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000060070170000000f" +
	"53006500720076006500720002000c0044006f006d00610069006e0001000c0053006500720076006500720000000000"

func (w windows) serve(t *testing.T) netip.AddrPort {
	t.Helper()
	cert, key := livetest.Certificate(t, "rsa")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	config := w.config.Clone()
	config.Certificates = append(config.Certificates, pair)
	return livetest.Listen(t, "127.0.0.1:0", func(conn net.Conn) {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		request := make([]byte, 19)
		if _, err := io.ReadFull(conn, request); err != nil || !bytes.Equal(request, connectionRequest()) {
			return
		}
		conn.Write(unhex(t, "030000130ed00000123400"+w.confirm))
		inner := tls.Server(conn, config)
		buf := make([]byte, 57) // its own length says so; TLS 1.0 sends it in two records
		if _, err := io.ReadFull(inner, buf); err != nil {
			return
		}
		var said tsRequestMessage
		if rest, err := asn1.Unmarshal(buf, &said); err != nil || len(rest) > 0 {
			t.Errorf("TSRequest %x: %v, %d bytes after it", buf, err, len(rest))
		}
		answer := tsRequestMessage{Version: 6, NegoTokens: []negoToken{{unhex(t, w.challenge)}}}
		if w.challenge == "" {
			answer = tsRequestMessage{Version: 6, ErrorCode: 0xc00000bb} // STATUS_NOT_SUPPORTED: NTLM is forbidden
		}
		b, err := asn1.Marshal(answer)
		if err != nil {
			t.Error(err)
		}
		inner.Write(b)
		n, err := inner.Read(buf)
		if n > 0 || err != io.EOF {
			t.Errorf("after the challenge: %x, %v", buf[:n], err)
		}
		w.got <- said
	})
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWindows(t *testing.T) {
	for name, test := range map[string]struct {
		confirm, challenge string
		config             *tls.Config
		status             record.Status
		errorCode          uint32
	}{
		"2022":           {"021f080008000000", specChallenge, &tls.Config{}, record.OK, 0},
		"2012, TLS 1.0":  {"020f080002000000", specChallenge, &tls.Config{MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10}, record.OK, 0},
		"NTLM forbidden": {"021f080008000000", "", &tls.Config{}, record.Alert, 0xc00000bb},
	} {
		t.Run(name, func(t *testing.T) {
			w := windows{test.confirm, test.challenge, test.config, make(chan tsRequestMessage, 1)}
			a, status, said := livetest.Ask(t, Probe{}, livetest.Endpoint(w.serve(t), ""), record.Answer{})
			if status != test.status || len(said) != 1 {
				t.Fatalf("%s after %d connections: %+v", status, len(said), a.RDP)
			}
			want := &record.RDP{Confirm: unhex(t, "030000130ed00000123400"+test.confirm), CredSSP: 6, ErrorCode: test.errorCode, Challenge: unhex(t, test.challenge)}
			if test.challenge == "" {
				want.Challenge = nil
			}
			if diff := cmp.Diff(want, a.RDP); diff != "" {
				t.Error(diff)
			}
			if a.TLS == nil || len(a.TLS.Certificates) != 1 || a.TLS.Hello != "" || a.TLS.Status != record.OK || a.TLS.Version == 0 {
				t.Errorf("TLS: %+v", a.TLS)
			}
			checkNegotiate(t, <-w.got)
		})
	}
}

// checkNegotiate looks for anybody's name in NEGOTIATE_MESSAGE: it must be 40
// bytes, without domain and workstation.
func checkNegotiate(t *testing.T, said tsRequestMessage) {
	t.Helper()
	if said.Version != credSSPVersion || len(said.NegoTokens) != 1 || said.AuthInfo != nil || said.PubKeyAuth != nil {
		t.Fatalf("%+v", said)
	}
	token := said.NegoTokens[0].Token
	if len(token) != 40 || string(token[:8]) != ntlmSignature || binary.LittleEndian.Uint32(token[8:]) != 1 {
		t.Fatalf("%x", token)
	}
	const unicode, requestTarget, version = 1, 4, 1 << 25
	if flags := binary.LittleEndian.Uint32(token[12:]); flags&(unicode|requestTarget|version) != unicode|requestTarget|version || flags&0x3000 != 0 {
		t.Errorf("flags %08x", flags)
	}
	if !bytes.Equal(token[16:39], make([]byte, 23)) {
		t.Errorf("names or version: %x", token[16:])
	}
}

// A certificate that crypto/x509 does not read is read by a second connection,
// in the clear; there is no challenge then.
func TestUnreadableCertificate(t *testing.T) {
	der := unreadable(t)
	addr := livetest.Listen(t, "127.0.0.1:0", func(conn net.Conn) {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.ReadFull(conn, make([]byte, 19)); err != nil {
			return
		}
		conn.Write(unhex(t, "030000130ed00000123400"+"021f080008000000"))
		conn.Read(make([]byte, 4096)) // the hello
		conn.Write(flight12(der))
		io.Copy(io.Discard, conn)
	})
	a, status, said := livetest.Ask(t, Probe{}, livetest.Endpoint(addr, ""), record.Answer{})
	if status != record.Malformed || len(said) != 2 {
		t.Errorf("%s after %d connections", status, len(said))
	}
	if a.TLS == nil || len(a.TLS.Certificates) != 1 || !bytes.Equal(a.TLS.Certificates[0], der) || a.RDP == nil || a.RDP.Challenge != nil {
		t.Errorf("%+v, %+v", a.RDP, a.TLS)
	}
}

// unreadable is a certificate of nothing but a name.
func unreadable(t *testing.T) []byte {
	t.Helper()
	der, err := asn1.Marshal(struct{ Subject pkix.RDNSequence }{pkix.Name{CommonName: "WIN-0123456789A"}.ToRDNSequence()})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// flight12 is ServerHello, Certificate and ServerHelloDone of TLS 1.2 (RFC 5246
// section 7.4), for TLS_RSA_WITH_AES_128_CBC_SHA.
func flight12(der []byte) []byte {
	message := func(kind byte, body []byte) []byte {
		return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
	}
	hello := append([]byte{3, 3}, make([]byte, 32)...)
	hello = append(hello, 0, 0, 0x2f, 0)
	one := append([]byte{0, byte(len(der) >> 8), byte(len(der))}, der...)
	list := append([]byte{0, byte(len(one) >> 8), byte(len(one))}, one...)
	flight := append(append(message(2, hello), message(11, list)...), message(14, nil)...)
	return append([]byte{22, 3, 3, byte(len(flight) >> 8), byte(len(flight))}, flight...)
}
