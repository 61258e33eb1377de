package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/scanner/record"
)

// helloBytes is the ServerHello in jarm_test.go of github.com/hdm/jarm-go, sent by
// an Amazon load balancer in 2020.
var helloBytes = []byte("\x02\x00\x00\x4c\x03\x03\x33\x1f\x11\x32\x3d\x4c\xb2\x2e\x19\x6c\x96\x61\xa2\xa8\x64\x3c\xb4\x8b\xe6\x56\x15\x22\x0c" +
	"\xd3\xbb\x3e\x19\x8e\x06\xa9\x06\xb1\x00\xc0\x2f\x00\x00\x24\x00\x00\x00\x00\xff\x01\x00\x01\x00\x00\x0b\x00\x04\x03\x00\x01\x02" +
	"\x00\x23\x00\x00\x00\x10\x00\x0b\x00\x09\x08http/1.1")

func TestParseServerHello(t *testing.T) {
	h, ok := ParseServerHello(helloBytes)
	if !ok || h.Version != 0x0303 || h.Suite != 0xc02f || h.Negotiated() != 0x0303 || h.Retry() || len(h.Extensions) != 5 {
		t.Fatalf("%v %+v", ok, h)
	}
	if alpn, ok := Find(h.Extensions, ExtALPN); !ok || string(alpn[3:]) != "http/1.1" {
		t.Errorf("ALPN %q", alpn)
	}
	for n := range len(helloBytes) {
		if _, ok := ParseServerHello(helloBytes[:n]); ok {
			t.Errorf("the first %d bytes pass for a ServerHello", n)
		}
	}
	bare := append(bytes.Clone(helloBytes[:38+1+3]), nil...)
	bare[3] = byte(len(bare) - 4)
	if h, ok := ParseServerHello(bare); !ok || h.Extensions != nil {
		t.Errorf("without extensions: %v %+v", ok, h)
	}
}

var ownHello = ClientHello{
	RecordVersion: 0x0301, Version: 0x0303, Random: bytes.Repeat([]byte{7}, 32), SessionID: []byte{1, 2, 3}, Suites: []uint16{0x1301, 0xc02f},
	Extensions: []record.Extension{ServerName("a.example"), ALPN("h2"), KeyShares(KeyShare{29, []byte{9}}), {Type: ExtSessionTicket}},
}

// What is built is read as it was meant, and nothing else.
func TestParseClientHello(t *testing.T) {
	b := ownHello.Record()
	got, ok := ParseClientHello(b)
	if diff := cmp.Diff(ownHello, got); diff != "" || !ok {
		t.Errorf("%v, -want +got\n%s", ok, diff)
	}
	for n := range len(b) {
		if _, ok := ParseClientHello(b[:n]); ok {
			t.Errorf("the first %d bytes pass for a ClientHello", n)
		}
	}
	if _, ok := ParseClientHello(append(b, 0)); ok {
		t.Error("a byte too many is taken")
	}
}

func FuzzClientHello(f *testing.F) {
	f.Add(ownHello.Record())
	f.Add(ClientHello{Version: 0x0301, Random: make([]byte, 32)}.Record())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := ParseClientHello(b)
		if ok && (len(h.Random) != 32 || len(h.SessionID) > 32 || len(h.Extensions) > maxExtensions) {
			t.Errorf("%+v", h)
		}
	})
}

// cutAll cuts b into records, fed in pieces of a size.
func cutAll(b []byte, size int) (out []Record, err error) {
	var s Records
	for len(b) > 0 {
		piece := bytes.Clone(b[:min(size, len(b))])
		b = b[len(piece):]
		for len(piece) > 0 {
			r, rest, ok, err := s.Next(piece)
			if err != nil {
				return out, err
			}
			if ok {
				r.Body = bytes.Clone(r.Body)
				out = append(out, r)
			}
			piece = rest
		}
	}
	return out, nil
}

func TestRecords(t *testing.T) {
	stream := []byte("\x16\x03\x01\x00\x03abc\x14\x03\x03\x00\x00\x15\x03\x03\x00\x02\x02\x28")
	for size := 1; size <= len(stream); size++ {
		got, err := cutAll(stream, size)
		if err != nil || len(got) != 3 || string(got[0].Body) != "abc" || len(got[1].Body) != 0 || got[2].Type() != Alert {
			t.Errorf("pieces of %d: %v %v", size, got, err)
		}
	}
	for in, want := range map[string]error{
		"x":                     ErrNotTLS,
		"\x16\x02":              ErrNotTLS,
		"\x16\x03\x03\x48\x01":  ErrNotTLS, // one more than MaxRecord
		"\x16\x03\x03\x48\x00":  nil,
		"\x16\x03\x03\x00\x00x": ErrMalformed,
	} {
		if _, err := cutAll([]byte(in), 1); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
}

func TestMessages(t *testing.T) {
	m := Messages{Max: 12}
	if err := m.Add([]byte{1, 0, 0}); err != nil || m.Next() != nil {
		t.Fatal("a message out of three bytes", err)
	}
	if err := m.Add([]byte{2, 'a', 'b', 2, 0, 0, 0, 3}); err != nil {
		t.Fatal(err)
	}
	first, second := m.Next(), m.Next()
	if string(first) != "\x01\x00\x00\x02ab" || string(second) != "\x02\x00\x00\x00" || m.Next() != nil {
		t.Errorf("%q %q", first, second)
	}
	if err := m.Add([]byte("xyz")); err != ErrTooLong || string(m.Pending()) != "\x03x" {
		t.Errorf("%v, pending %q", err, m.Pending())
	}
}

func FuzzServerHello(f *testing.F) {
	f.Add(helloBytes)
	f.Add(helloBytes[:60])
	f.Add([]byte("\x02\x00\x00\x26\x03\x03" + retryRandom + "\x00\x13\x01\x00"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		h, ok := ParseServerHello(msg)
		if ok && (len(h.Random) != 32 || len(h.SessionID) > 32 || len(h.Extensions) > maxExtensions) {
			t.Errorf("%+v", h)
		}
		h.Negotiated()
	})
}

// FuzzRecords: cutting a stream in pieces changes nothing.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x03abc\x14\x03\x03\x00\x00\x15\x03\x03\x00\x02\x02\x28"), 1)
	f.Add([]byte("HTTP/1.1 400"), 3)
	f.Add(append([]byte("\x16\x03\x03\x00\x50"), helloBytes...), 20)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		whole, err := cutAll(in, len(in)+1)
		pieces, err2 := cutAll(in, min(max(size, 1), 1<<16))
		if err != err2 || len(whole) != len(pieces) {
			t.Fatalf("%d records %v, in pieces %d %v", len(whole), err, len(pieces), err2)
		}
		for i := range whole {
			if whole[i].Header != pieces[i].Header || !bytes.Equal(whole[i].Body, pieces[i].Body) {
				t.Errorf("record %d differs", i)
			}
		}
	})
}
