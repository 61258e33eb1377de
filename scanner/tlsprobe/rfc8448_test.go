package tlsprobe

import (
	"crypto/ecdh"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
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
		func() (conversation.Conversation, func() record.TLS) {
			c := newClient(&keys{x25519: private}, "server", trace["client hello record"])
			last = c
			return c, func() record.TLS { return c.out }
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
