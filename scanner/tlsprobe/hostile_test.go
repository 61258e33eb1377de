package tlsprobe

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

func testKeys(tb testing.TB) *keys {
	k, err := newKeys(rand.NewChaCha8([32]byte([]byte("hostkin: recorded TLS answers ..."))))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// plain is hello C.
func plain(k *keys) *client { return newClient(k, "", helloC, false) }

// rec is one record; msg one handshake message.
func rec(kind byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(len(body))), body...)
}

func msg(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// records cuts messages into full records.
func records(messages ...[]byte) (out []byte) {
	for all := bytes.Join(messages, nil); len(all) > 0; {
		n := min(len(all), 1<<14)
		out = append(out, rec(22, all[:n])...)
		all = all[n:]
	}
	return out
}

// chain is a Certificate message of TLS 1.2.
func chain(n, size int) []byte {
	one := append([]byte{byte(size >> 16), byte(size >> 8), byte(size)}, bytes.Repeat([]byte{0x30}, size)...)
	list := bytes.Repeat(one, n)
	return msg(11, append([]byte{byte(len(list) >> 16), byte(len(list) >> 8), byte(len(list))}, list...))
}

var hello12 = msg(2, append(append([]byte{3, 3}, make([]byte, 32)...), 0, 0xc0, 0x2f, 0))

func TestHostile(t *testing.T) {
	k := testKeys(t)
	alert := func(level, code byte) []byte { return rec(21, []byte{level, code}) }
	for _, test := range []struct {
		name   string
		answer []byte
		then   record.Status
		want   record.Status
		certs  int
		raw    int // bytes of Raw
		alerts int
	}{
		{name: "silence", then: record.Timeout, want: record.Timeout},
		{name: "closed at once", want: record.Closed},
		{name: "reset", then: record.Reset, want: record.Reset},
		{name: "cancelled", answer: []byte("SSH-"), then: record.Cancelled, want: record.Malformed, raw: 4}, // the gap came first
		{name: "SSH", answer: []byte("SSH-2.0-OpenSSH_9.2\r\n"), then: record.Timeout, want: record.Malformed, raw: 21},
		{name: "HTTP", answer: []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), want: record.Malformed, raw: 28},
		{name: "endless garbage", answer: bytes.Repeat([]byte("x"), 5000), want: record.Malformed, raw: 512},
		{name: "SSL 2", answer: []byte("\x80\x03\x00\x00\x01"), want: record.Malformed, raw: 5},
		{name: "record too long", answer: []byte("\x16\x03\x03\xff\xff\x02"), want: record.Malformed, raw: 6},
		{name: "half a header", answer: []byte("\x15\x03"), then: record.Timeout, want: record.Timeout, raw: 2},
		{name: "second record too long", answer: append(rec(22, hello12[:9]), "\x16\x03\x03\xff\xff"...), want: record.Malformed},
		{name: "second record of no type", answer: append(rec(22, hello12[:9]), 'x'), want: record.Malformed},
		{name: "empty records for ever", answer: bytes.Repeat(rec(22, nil), 500), want: record.Malformed},
		{name: "ChangeCipherSpec for ever", answer: bytes.Repeat(rec(20, []byte{1}), 500), want: record.Malformed},
		{name: "warnings for ever", answer: bytes.Repeat(alert(1, 90), 500), want: record.Malformed, alerts: maxAlerts},
		{name: "HelloRequest for ever", answer: bytes.Repeat(rec(22, msg(0, nil)), 500), want: record.Malformed},
		{name: "refused", answer: alert(2, 40), want: record.Alert, alerts: 1},
		{name: "warned and closed", answer: alert(1, 112), want: record.Alert, alerts: 1},
		{name: "warned and silent", answer: alert(1, 112), then: record.Timeout, want: record.Timeout, alerts: 1},
		{name: "warned, then an answer", answer: append(alert(1, 112), records(hello12, chain(2, 9), msg(14, nil))...), want: record.OK, certs: 2, alerts: 1},
		{name: "alert of three bytes", answer: rec(21, []byte{2, 40, 0}), want: record.Malformed},
		{name: "encrypted from the start", answer: bytes.Repeat(rec(23, make([]byte, 1<<14)), 40), want: record.Malformed},
		{name: "a certificate first", answer: records(chain(1, 9)), want: record.Malformed},
		{name: "two ServerHellos", answer: records(hello12, hello12), want: record.Malformed},
		{name: "ServerHello of TLS 1.5", answer: records(append(bytes.Clone(hello12[:3]), append([]byte{hello12[3] + 8}, append(bytes.Clone(hello12[4:]), 0, 6, 0, 43, 0, 2, 3, 6)...)...)), want: record.Malformed},
		{name: "endless ServerHello", answer: bytes.Repeat(rec(22, append([]byte{2, 255, 255, 255}, make([]byte, 16000)...)), 40), want: record.Truncated},
		{name: "half a message, then silence", answer: rec(22, hello12[:9]), then: record.Timeout, want: record.Timeout, raw: 9},
		{name: "closed before the end", answer: records(hello12, chain(1, 9)), want: record.Closed, certs: 1},
		{name: "closed within the chain", answer: records(hello12, chain(3, 9))[:5+len(hello12)+7+12+14], want: record.Closed},
		{name: "forty certificates", answer: records(hello12, chain(40, 600), msg(14, nil)), want: record.OK, certs: maxCerts},
		{name: "a thousand certificates", answer: records(hello12, chain(1000, 900), msg(14, nil)), want: record.Truncated, certs: maxCerts},
		{name: "chain of wrong length", answer: records(hello12, msg(11, []byte{0, 0, 9, 0, 0, 1, 0x30}), msg(14, nil)), want: record.Malformed, certs: 1},
		{name: "empty chain", answer: records(hello12, msg(11, []byte{0, 0, 0}), msg(14, nil)), want: record.OK},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, status := conversationtest.CheckCuts(t, conversationtest.Transcript{Turns: [][]byte{test.answer}, Then: test.then},
				func() (conversation.Conversation, func() record.TLSAnswer) {
					c := plain(k)
					return c, func() record.TLSAnswer { return c.out }
				})
			if status != test.want || len(got.Certificates) != test.certs || len(got.Raw) != test.raw || len(got.Alerts) != test.alerts {
				t.Errorf("status %q, %d certificates, %d raw bytes, %d alerts; want %q, %d, %d, %d", status,
					len(got.Certificates), len(got.Raw), len(got.Alerts), test.want, test.certs, test.raw, test.alerts)
			}
		})
	}
}

// One wrong byte anywhere in the encrypted flight is noticed.
func TestTamperedFlight(t *testing.T) {
	said := livetest.Transcripts(t, filepath.Join("testdata", "openssl-13-rsa.json"))[1]
	k := testKeys(t)
	for i := 11; i < len(said.Turns[0]); i += 37 {
		answer := bytes.Clone(said.Turns[0])
		answer[i] ^= 1
		c := newClient(k, "", helloA, false)
		status, _ := conversationtest.Play(c, conversationtest.Transcript{Turns: [][]byte{answer}}, nil)
		if status == record.OK {
			t.Errorf("byte %d of %d changed: %q", i, len(answer), status)
		}
	}
}

// A hello's length stays out of the range that some load balancers choke on.
func TestHelloLength(t *testing.T) {
	k := testKeys(t)
	for n := range 250 {
		name := strings.Repeat("a", n)
		for _, letter := range letters() {
			hello := padded(k.build(letter, name))
			if size := len(hello) - 5; size > 255 && size < 512 || int(binary.BigEndian.Uint16(hello[3:])) != size {
				t.Fatalf("a name of %d bytes gives a ClientHello of %d", n, size)
			}
		}
	}
}

func seeds(f *testing.F) (all [][]byte) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		for _, said := range livetest.Transcripts(f, file) {
			all = append(all, bytes.Join(said.Turns, nil))
		}
	}
	if len(all) == 0 {
		f.Fatal("no seeds")
	}
	return all
}

// FuzzClient feeds any bytes in two pieces: no panic, bounded memory, and the
// same result as in one piece.
func FuzzClient(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s, 7)
	}
	k := testKeys(f)
	f.Fuzz(func(t *testing.T, answer []byte, cut int) {
		for _, letter := range letters() {
			fuzzed(t, func() *client { return newClient(k, "", letter, true) }, answer, cut)
		}
	})
}

func fuzzed(t *testing.T, start func() *client, answer []byte, cut int) {
	t.Helper()
	play := func(cut func([]byte) [][]byte) (*client, record.Status) {
		c := start()
		status, _ := conversationtest.Play(c, conversationtest.Transcript{Turns: [][]byte{answer}}, cut)
		return c, status
	}
	whole, status := play(nil)
	pieces, status2 := play(func(b []byte) [][]byte {
		n := min(max(cut, 0), len(b))
		return [][]byte{b[:n], b[n:]}
	})
	if status != status2 || len(whole.out.Messages) != len(pieces.out.Messages) ||
		len(whole.out.Certificates) != len(pieces.out.Certificates) || string(whole.out.Raw) != string(pieces.out.Raw) {
		t.Errorf("%q in one piece, %q in two: %+v, %+v", status, status2, whole.out, pieces.out)
	}
	if len(whole.out.Certificates) > maxCerts || len(whole.out.Messages) > maxMessages || len(whole.out.Raw) > maxRaw {
		t.Errorf("kept too much: %+v", whole.out)
	}
}

func FuzzCertificates(f *testing.F) {
	f.Add(chain(3, 40)[4:], false)
	f.Add([]byte{0, 0, 0, 9, 0, 0, 4, 1, 2, 3, 4, 0, 0}, true)
	f.Add(trace8448(f)["server flight record"], true)
	f.Fuzz(func(t *testing.T, body []byte, v13 bool) {
		certs, _ := parseCertificates(body, v13)
		total := 0
		for _, c := range certs {
			total += len(c)
		}
		if len(certs) > maxCerts || total > len(body) {
			t.Errorf("%d certificates of %d bytes out of %d", len(certs), total, len(body))
		}
	})
}

func BenchmarkConversation(b *testing.B) {
	for i, letter := range letters() {
		b.Run(letter, func(b *testing.B) {
			said := livetest.Transcripts(b, filepath.Join("testdata", "openssl.json"))[i]
			k := testKeys(b)
			b.ReportAllocs()
			for b.Loop() {
				conversationtest.Play(newClient(k, "", letter, false), said, nil)
			}
		})
	}
}
