package tlsserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// recorded is what the probe makes of the recorded answers of a server.
func recorded(tb testing.TB, name string) *record.TLS {
	tb.Helper()
	probe, err := tlsprobe.New(rand.NewChaCha8([32]byte([]byte("hostkin: recorded TLS answers ..."))))
	if err != nil {
		tb.Fatal(err)
	}
	run := probe.Start(livetest.Endpoint(netip.MustParseAddrPort("127.0.0.1:443"), ""), record.Answer{})
	for _, said := range livetest.Transcripts(tb, filepath.Join("../../scanner/tlsprobe/testdata", name+".json")) {
		var x conversation.Exchange
		run.Next(&x)
		x.Status, _ = conversationtest.Play(x.Conv, said, nil)
		x.Connected = true
		run.Ended(&x)
	}
	var a record.Answer
	run.Fold(&a)
	return a.TLS
}

// The canonical text and the values of recorded servers. With
// HOSTKIN_RECORD=1 the file is written anew, to be read before it is committed.
func TestCanonical(t *testing.T) {
	const file = "testdata/canonical.txt"
	var b strings.Builder
	for _, name := range []string{"nginx", "apache", "haproxy", "lighttpd", "caddy", "stunnel", "openssl", "gnutls", "python", "node",
		"nginx-rejects", "openssl-10", "openssl-12-dhe", "openssl-13-retry-p521-asks"} {
		tls := recorded(t, name)
		fmt.Fprintln(&b, "==", name)
		for _, letter := range letters() {
			fmt.Fprintln(&b, letter, Canonical(answerTo(tls, letter)))
		}
		prints, partial := Of(tls)
		for _, p := range prints {
			fmt.Fprintln(&b, p.Kind, p.Value)
		}
		if partial {
			t.Errorf("%s is partial", name)
		}
	}
	if livetest.Recording() {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// clone is a deep copy.
func clone(tb testing.TB, t *record.TLS) *record.TLS {
	tb.Helper()
	b, err := json.Marshal(t)
	if err != nil {
		tb.Fatal(err)
	}
	out := new(record.TLS)
	if err := json.Unmarshal(b, out); err != nil {
		tb.Fatal(err)
	}
	return out
}

func values(t *record.TLS) map[string]string {
	out := map[string]string{}
	prints, _ := Of(t)
	for _, p := range prints {
		out[p.Kind] = p.Value
	}
	return out
}

// Nothing that is drawn anew, and no certificate, is in a value.
func TestRandomnessDoesNotCount(t *testing.T) {
	for _, name := range []string{"openssl", "nginx", "gnutls", "openssl-12-dhe", "caddy"} {
		was := recorded(t, name)
		now := clone(t, was)
		for a := range now.Answers() {
			a.Certificates = [][]byte{{1}}
			if h := a.ServerHello; len(h) > 0 {
				redraw(h[6:30]) // the last 8 bytes may be the sentinel
				if h[38] == 32 {
					redraw(h[39:71])
				}
			}
			for i := range a.Extensions {
				if e := &a.Extensions[i]; e.Type == 51 {
					redraw(e.Data[4:])
				} else if e.Type == 18 || e.Type == 35 {
					e.Data = []byte("drawn")
				}
			}
			a.KeyExchange = redrawn(a)
			if a.Version == 0x0303 && len(a.ServerHello) > 0 && downgrade(a.ServerHello) == "" {
				redraw(a.ServerHello[30:38])
			}
		}
		if diff := cmp.Diff(values(was), values(now)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func redraw(b []byte) {
	for i := range b {
		b[i] ^= 0x55
	}
}

// redrawn is a ServerKeyExchange with another share and another signature.
func redrawn(a *record.TLSAnswer) []byte {
	b := a.KeyExchange
	if len(b) == 0 {
		return nil
	}
	at := 3 // curve type and curve, then the share in one length byte
	size := 1
	if !ecdhe(a.Suite) {
		p := int(b[0])<<8 | int(b[1])
		at = 2 + p
		at += 2 + (int(b[at])<<8 | int(b[at+1]))
		size = 2
	}
	length := int(b[at+size-1])
	if size == 2 {
		length |= int(b[at]) << 8
	}
	redraw(b[at+size : at+size+length])
	scheme := at + size + length
	return append(b[:scheme+2:scheme+2], "another signature, of another length"...)
}

// Everything that a server is set up to say is in a value: each of these
// changes its component and the digest, and no other component.
func TestWhatCounts(t *testing.T) {
	for name, test := range map[string]struct {
		letter string
		change func(*record.TLSAnswer)
	}{
		"message":                 {"c", func(a *record.TLSAnswer) { a.Messages = a.Messages[1:] }},
		"version":                 {"d", func(a *record.TLSAnswer) { a.Version = 0x0302 }},
		"suite":                   {"d", func(a *record.TLSAnswer) { a.ServerHello[39+int(a.ServerHello[38])] ^= 1 }},
		"compression":             {"d", func(a *record.TLSAnswer) { a.ServerHello[41+int(a.ServerHello[38])] = 1 }},
		"sentinel":                {"d", func(a *record.TLSAnswer) { a.ServerHello[37] ^= 1 }},
		"order of extensions":     {"c", func(a *record.TLSAnswer) { slices.Reverse(a.Extensions) }},
		"value of an extension":   {"c", func(a *record.TLSAnswer) { a.Extensions[len(a.Extensions)-1].Data = []byte{3} }},
		"group":                   {"a", func(a *record.TLSAnswer) { extension(a, 51).Data[1] = 23 }},
		"encrypted extension":     {"a", func(a *record.TLSAnswer) { a.Encrypted = nil }},
		"CertificateVerify":       {"a", func(a *record.TLSAnswer) { a.SignatureScheme = 0x0805 }},
		"CertificateRequest":      {"a", func(a *record.TLSAnswer) { a.CertificateRequest[8] ^= 1 }},
		"types asked for":         {"d", func(a *record.TLSAnswer) { a.CertificateRequest[1] ^= 1 }},
		"curve":                   {"d", func(a *record.TLSAnswer) { a.KeyExchange[2] = 23 }},
		"scheme of the signature": {"d", func(a *record.TLSAnswer) { a.KeyExchange[5+int(a.KeyExchange[3])] ^= 1 }},
		"alert":                   {"e", func(a *record.TLSAnswer) { a.Alerts[0].Code = 70 }},
		"level":                   {"e", func(a *record.TLSAnswer) { a.Alerts[0].Level = 1 }},
		"hanging up instead":      {"e", func(a *record.TLSAnswer) { a.Status, a.Alerts = record.Closed, nil }},
		"group retried with": {"b", func(a *record.TLSAnswer) {
			a.HelloRetry = bytes.Replace(a.HelloRetry, []byte{0, 51, 0, 2, 0, 25}, []byte{0, 51, 0, 2, 0, 29}, 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			base := recorded(t, "gnutls")
			if test.letter == "e" {
				base = recorded(t, "apache") // which refuses it
			}
			changed := clone(t, base)
			test.change(answerTo(changed, test.letter))
			want, got := values(base), values(changed)
			if len(want) != 6 || len(got) != 6 {
				t.Fatalf("%q, %q", want, got)
			}
			for kind := range want {
				if concerned := kind == Kind || kind == Kind+"."+test.letter; (want[kind] != got[kind]) != concerned {
					t.Errorf("%s was %q, is %q", kind, want[kind], got[kind])
				}
			}
		})
	}
}

func extension(a *record.TLSAnswer, kind uint16) *record.Extension {
	return &a.Extensions[slices.IndexFunc(a.Extensions, func(e record.Extension) bool { return e.Type == kind })]
}

// Published primes count, others only as such, and the share does not; a prime
// is no curve.
func TestDiffieHellman(t *testing.T) {
	base := recorded(t, "openssl-12-dhe")
	if got := values(base)["tls.server.c"]; !strings.HasPrefix(got, "0303:009f:dh") {
		t.Errorf("%q", got)
	}
	other := clone(t, base)
	answerTo(other, "c").KeyExchange[20] ^= 1
	if values(base)["tls.server.c"] == values(other)["tls.server.c"] {
		t.Error("another prime gives the same value")
	}
	own, renewed := clone(t, base), clone(t, base)
	answerTo(own, "c").KeyExchange[2] = 0xfe // the first byte of the prime
	answerTo(renewed, "c").KeyExchange[2] = 0xfd
	if values(own)["tls.server.c"] != values(renewed)["tls.server.c"] || values(own)["tls.server.c"] == values(base)["tls.server.c"] {
		t.Error("primes of a server's own count")
	}
}

// What was cut short is unknown: it has no component, and the digest is partial.
func TestUnknown(t *testing.T) {
	whole := recorded(t, "gnutls")
	for name, test := range map[string]struct {
		letter string
		change func(*record.TLSAnswer)
	}{
		"timeout":                    {"e", func(a *record.TLSAnswer) { *a = record.TLSAnswer{Hello: "e", Status: record.Timeout} }},
		"timeout in the flight":      {"d", func(a *record.TLSAnswer) { a.Status = record.Timeout }},
		"cancelled":                  {"a", func(a *record.TLSAnswer) { a.Status = record.Cancelled }},
		"refused by the host":        {"e", func(a *record.TLSAnswer) { *a = record.TLSAnswer{Hello: "e", Status: record.Refused} }},
		"too long":                   {"d", func(a *record.TLSAnswer) { a.Status = record.Truncated }},
		"no status":                  {"d", func(a *record.TLSAnswer) { a.Status = "" }},
		"flight that cannot be read": {"a", func(a *record.TLSAnswer) { a.Messages = a.Messages[:1] }},
	} {
		t.Run(name, func(t *testing.T) {
			changed := clone(t, whole)
			test.change(answerTo(changed, test.letter))
			want := values(whole)
			delete(want, Kind+"."+test.letter)
			got := values(changed)
			if _, partial := Of(changed); !partial || got[Kind] == want[Kind] || got[Kind] == "" {
				t.Errorf("partial: %v, digest %q", partial, got[Kind])
			}
			delete(want, Kind)
			delete(got, Kind)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("components, -want +got\n%s", diff)
			}
		})
	}
}

// Without all five there is no digest, without a handshake nothing.
func TestNotAsked(t *testing.T) {
	whole := recorded(t, "openssl")
	first := &record.TLS{TLSAnswer: *answerTo(whole, "c")}
	if got := values(first); len(got) != 1 || got["tls.server.c"] != values(whole)["tls.server.c"] {
		t.Errorf("of C alone: %q", got)
	}
	handshake := clone(t, first)
	handshake.Hello = ""
	for name, in := range map[string]*record.TLS{
		"nil": nil, "nothing": {}, "an upgrade": handshake,
		"no TLS": {TLSAnswer: record.TLSAnswer{Hello: "c", Status: record.Malformed, Raw: []byte("SSH-")}},
	} {
		if got, partial := Of(in); got != nil || partial {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// The reaction to an early ChangeCipherSpec is a kind of its own.
func TestOdd(t *testing.T) {
	without := recorded(t, "openssl")
	with := clone(t, without)
	answerTo(with, "d").After = &record.TLSAfter{Sent: "ccs", Alerts: []record.TLSAlert{{Level: 2, Code: 10}}, End: record.Closed}
	want := values(without)
	want[KindOdd] = "ccs::2/10:closed"
	if diff := cmp.Diff(want, values(with)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// GREASE of a server (RFC 8701 section 4) is drawn anew.
func TestGrease(t *testing.T) {
	list := func(v uint16) []record.Extension {
		b := []byte{0, 4, byte(v >> 8), byte(v), 4, 3}
		return []record.Extension{{Type: v}, {Type: 13, Data: b}}
	}
	if a, b := extensions(list(0x1a1a)), extensions(list(0xfafa)); a != b || a != "grease,13:00040a0a0403" {
		t.Errorf("%q, %q", a, b)
	}
}

func FuzzOf(f *testing.F) {
	for _, name := range []string{"openssl", "gnutls", "nginx-rejects", "openssl-12-dhe", "openssl-13-retry-p521-asks"} {
		b, err := json.Marshal(recorded(f, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"hello":"c","status":"closed","server_hello":"AgAAAA==","server_key_exchange":"AwAX","certificate_request":"/w==","suite":49199}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var in record.TLS
		if json.Unmarshal(b, &in) != nil {
			return
		}
		prints, _ := Of(&in)
		for _, p := range prints {
			if p.Value == "" || len(p.Value) > value.Max {
				t.Errorf("%s has %d bytes", p.Kind, len(p.Value))
			}
			for _, r := range p.Value {
				if !unicode.IsPrint(r) {
					t.Errorf("%s is %q", p.Kind, p.Value)
				}
			}
		}
		for a := range in.Answers() {
			Canonical(a)
		}
	})
}
