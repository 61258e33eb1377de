package tlsprobe

import (
	"bytes"
	"compress/zlib"
	"crypto/ecdh"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// trace8448 is section 3 of RFC 8448: name, tab, hex.
func trace8448(t testing.TB) map[string][]byte {
	b, err := os.ReadFile("testdata/rfc8448.txt")
	if err != nil {
		t.Fatal(err)
	}
	trace := map[string][]byte{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, "\t"); ok {
			trace[name] = unhex(t, value)
		}
	}
	return trace
}

func client8448(private *ecdh.PrivateKey, trace map[string][]byte) *client {
	return &client{keys: &keys{x25519: private}, hello: trace["client hello record"], messages: wire.Messages{Max: maxHandshake}}
}

// The trace of RFC 8448 section 3, with its ClientHello and its client key,
// gives the client's Finished record of the trace.
func TestRFC8448(t *testing.T) {
	trace := trace8448(t)
	private, err := ecdh.X25519().NewPrivateKey(trace["client private"])
	if err != nil {
		t.Fatal(err)
	}
	var last *client
	got, status := conversationtest.CheckCuts(t,
		conversationtest.Transcript{Turns: [][]byte{append(trace["server hello record"], trace["server flight record"]...)}},
		func() (conversation.Conversation, func() record.TLSAnswer) {
			c := client8448(private, trace)
			last = c
			return c, func() record.TLSAnswer { return c.out }
		})
	if status != record.OK {
		t.Fatalf("status %q", status)
	}
	if got.Version != 0x0304 || got.Suite != 0x1301 || got.SignatureScheme != 0x0804 || len(got.Certificates) != 1 {
		t.Errorf("version %04x, suite %04x, scheme %04x, %d certificates",
			got.Version, got.Suite, got.SignatureScheme, len(got.Certificates))
	}
	if want := []uint8{2, 8, 11, 15, 20}; string(got.Messages) != string(want) {
		t.Errorf("messages %v, want %v", got.Messages, want)
	}
	sent := string(last.send)
	if !strings.HasPrefix(sent, string(trace["client finished record"])) {
		t.Errorf("client sent %x, the trace has %x", sent, trace["client finished record"])
	}
}

func TestKeySchedule(t *testing.T) {
	trace := trace8448(t)
	s, _ := suite13(0x1301)
	hello := s.hash()
	hello.Write(trace["client hello record"][5:])
	hello.Write(trace["server hello record"][5:])
	secret := s.handshakeSecret(trace["shared secret"])
	client := s.derive(secret, "c hs traffic", hello.Sum(nil))
	for name, got := range map[string][]byte{
		"handshake secret":                secret,
		"client handshake traffic secret": client,
		"server handshake traffic secret": s.derive(secret, "s hs traffic", hello.Sum(nil)),
		"client handshake key":            s.expandLabel(client, "key", nil, 16),
		"client handshake iv":             s.expandLabel(client, "iv", nil, 12),
		"master secret":                   s.masterSecret(secret),
	} {
		if want := trace[name]; string(got) != string(want) || len(want) == 0 {
			t.Errorf("%s is %x, want %x", name, got, want)
		}
	}
}

// compressed is a CompressedCertificate of a Certificate message.
func compressed(cert string, algorithm, size int) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write([]byte(cert[4:]))
	z.Close()
	body := append([]byte{0, byte(algorithm), byte(size >> 16), byte(size >> 8), byte(size), 0, 0, byte(b.Len())}, b.Bytes()...)
	return string(msg(25, body))
}

// A flight of other messages under the keys of the trace: what is missing, in
// the wrong order or has a wrong Finished is malformed.
func TestFlightOrder(t *testing.T) {
	trace := trace8448(t)
	private, err := ecdh.X25519().NewPrivateKey(trace["client private"])
	if err != nil {
		t.Fatal(err)
	}
	const (
		ee    = "\x08\x00\x00\x02\x00\x00"
		ask   = "\x0d\x00\x00\x03\x00\x00\x00"
		cert  = "\x0b\x00\x00\x0a\x00\x00\x00\x06\x00\x00\x01\x30\x00\x00"
		proof = "\x0f\x00\x00\x04\x08\x04\x00\x00"
	)
	for name, test := range map[string]struct {
		flight string
		finish bool // with a right Finished, else a wrong one
		want   record.Status
	}{
		"right":                            {ee + cert + proof, true, record.OK},
		"asks":                             {ee + ask + cert + proof, true, record.OK},
		"wrong Finished":                   {ee + cert + proof, false, record.Malformed},
		"no certificate":                   {ee, true, record.Malformed},
		"no CertificateVerify":             {ee + cert, true, record.Malformed},
		"no EncryptedExtensions":           {cert + proof, true, record.Malformed},
		"asks too late":                    {ee + cert + ask + proof, true, record.Malformed},
		"asks without a context":           {ee + "\x0d\x00\x00\x00" + cert + proof, true, record.Malformed},
		"extensions of wrong length":       {"\x08\x00\x00\x02\x00\x01" + cert + proof, true, record.Malformed},
		"a certificate of many bytes":      {ee + "\x0b\x00\x00\x0a\x00\x00\x00\x06\xff\xff\xff\x30\x00\x00" + proof, true, record.Malformed},
		"an empty CertificateVerify":       {ee + cert + "\x0f\x00\x00\x00", true, record.Malformed},
		"a compressed certificate":         {ee + compressed(cert, 1, 10) + proof, true, record.OK},
		"compressed by what we have not":   {ee + compressed(cert, 2, 10) + proof, true, record.Malformed},
		"compressed, longer than it says":  {ee + compressed(cert, 1, 9) + proof, true, record.Malformed},
		"compressed, shorter than it says": {ee + compressed(cert, 1, 11) + proof, true, record.Malformed},
		"compressed, of a gigabyte":        {ee + compressed(cert, 1, 1<<24-1) + proof, true, record.Malformed},
		"a compressed nothing":             {ee + "\x19\x00\x00\x01\x00" + proof, true, record.Malformed},
		"a second EncryptedExtensions":     {ee + ee + cert + proof, true, record.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			c := client8448(private, trace)
			c.Feed(trace["server hello record"])
			transcript := c.v13.suite.hash()
			transcript.Write(trace["client hello record"][5:])
			transcript.Write(trace["server hello record"][5:])
			transcript.Write([]byte(test.flight))
			verify := make([]byte, 32)
			if test.finish {
				verify = c.v13.suite.finished(c.v13.server, transcript.Sum(nil))
			}
			server, err := c.v13.suite.protection(c.v13.server)
			if err != nil {
				t.Fatal(err)
			}
			flight := append([]byte(test.flight+"\x14\x00\x00\x20"), verify...)
			c.Feed(server.seal(nil, 22, flight))
			if got := c.End(record.Closed); got != test.want {
				t.Errorf("status %q, want %q", got, test.want)
			}
		})
	}
}
