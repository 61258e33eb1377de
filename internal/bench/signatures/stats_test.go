package main

import (
	"bytes"
	"crypto/sha256"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hostkin/hostkin/scanner/record"
)

func TestMeasure(t *testing.T) {
	for name, test := range map[string]struct {
		values, products []string
		want             figures
	}{
		"nothing":        {nil, nil, figures{}},
		"all equal":      {[]string{"a", "a", "a", "a"}, []string{"x", "x", "x", "x"}, figures{distinct: 1}},
		"all apart":      {[]string{"a", "b", "c", "d"}, []string{"x", "x", "y", "y"}, figures{distinct: 4, bits: 2}},
		"half and half":  {[]string{"a", "a", "b", "b"}, []string{"x", "x", "y", "y"}, figures{distinct: 2, bits: 1}},
		"mixed products": {[]string{"a", "a", "b", "b"}, []string{"x", "y", "y", "y"}, figures{distinct: 2, bits: 1, mixed: 1, inMixed: 2}},
		"uneven":         {[]string{"a", "b", "b", "b"}, []string{"x", "x", "y", "z"}, figures{distinct: 2, bits: 0.8112781244591328, mixed: 1, inMixed: 3}},
	} {
		got := measure(test.values, test.products)
		if math.Abs(got.bits-test.want.bits) > 1e-9 {
			t.Errorf("%s: %v bits, want %v", name, got.bits, test.want.bits)
		}
		if got.bits = test.want.bits; got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestApart(t *testing.T) {
	by, than := []string{"a", "b", "b", "c"}, []string{"x", "x", "y", "x"}
	if got := apart(by, than); !slices.Equal(got, [][2]int{{0, 1}, {0, 3}, {1, 3}}) {
		t.Errorf("%v", got)
	}
	if got := apart(than, by); !slices.Equal(got, [][2]int{{1, 2}}) {
		t.Errorf("%v", got)
	}
}

// What is unknown is no difference, and the first known value is what the
// others are held against.
func TestUnsteady(t *testing.T) {
	looks := []reading{{}, {"a", true}, {"b?", false}, {"a", true}, {"b", true}}
	value, ok := reference(looks)
	if differ, unknown := unsteady(value, looks); !ok || value != "a" || differ != 1 || unknown != 2 {
		t.Errorf("%q %v: %d differ, %d unknown", value, ok, differ, unknown)
	}
	if _, ok := reference(looks[:1]); ok {
		t.Error("a value out of nothing")
	}
}

// Each ablation takes what it says, leaves the original alone, and leaves
// nothing unknown.
func TestAblations(t *testing.T) {
	mark := sha256.Sum256([]byte("HelloRetryRequest")) // RFC 8446 section 4.1.3
	retry := append([]byte{2, 0, 0, 46, 3, 3}, mark[:]...)
	retry = append(retry, 0, 0x13, 1, 0, 0, 6, 0, 51, 0, 2, 0, 23)
	hello := append([]byte{2, 0, 0, 38, 3, 3}, bytes.Repeat([]byte{7}, 32)...)
	hello = append(hello, 0, 0xc0, 0x2f, 0)
	whole := record.TLS{TLSAnswer: record.TLSAnswer{
		Hello: "a", Status: record.OK, Version: 0x0304, Suite: 0x1301, ServerHello: hello, Messages: []uint8{2, 2, 8, 13, 11, 15, 20},
		HelloRetry: retry, Extensions: []record.Extension{{Type: 43, Data: []byte{3, 4}}}, Encrypted: []record.Extension{{Type: 16, Data: []byte{0}}},
		CertificateRequest: []byte{0, 0, 0}, SignatureScheme: 0x0804,
	}, Others: []record.TLSAnswer{
		{Hello: "c", Status: record.OK, Version: 0x0303, Suite: 0xc02f, ServerHello: hello, Messages: []uint8{2, 11, 12, 13, 14},
			KeyExchange: []byte{3, 0, 23, 1, 0, 4, 3}, CertificateRequest: []byte{0, 0, 0, 0, 0}},
		{Hello: "d", Status: record.Alert, Alerts: []record.TLSAlert{{Level: 2, Code: 40}}},
		{Hello: "e", Status: record.Alert, Alerts: []record.TLSAlert{{Level: 2, Code: 70}}},
		{Hello: "b", Status: record.OK, HelloRetry: retry, Messages: []uint8{2}},
	}}
	before := canonical(&whole)
	changed := map[string][]int{ // lines of canonical, in the order of letters
		"no extension values": {1, 4}, "no encrypted flight": {1}, "no key exchange detail": {0}, "no alerts": {2, 3}, "no client certificate request": {0, 1},
	}
	for _, a := range ablations() {
		stripped := a.strip(&whole)
		var got []int
		for i, line := range canonical(stripped) {
			if line != before[i] {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, changed[a.name]) {
			t.Errorf("%s: changes %v", a.name, got)
		}
		if !slices.Equal(canonical(&whole), before) {
			t.Fatalf("%s: changes the record", a.name)
		}
		if r := components(a.strip, letters()...)(&answers{tls: &whole}); !r.known {
			t.Errorf("%s: unknown", a.name)
		}
	}
}

// A split answer is the whole answer, in more than one piece.
func TestPieces(t *testing.T) {
	said := bytes.Repeat([]byte("0123456789"), 100)
	for seed := range uint64(20) {
		var got writes
		if err := pieces(&got, bytes.NewReader(said), rand.New(rand.NewPCG(seed, 0))); err == nil {
			t.Error("no end")
		}
		if len(got) < 2 || len(got) > 8 || len(got[0]) != 1 || !bytes.Equal(slices.Concat(got...), said) {
			t.Errorf("seed %d: %d pieces", seed, len(got))
		}
	}
}

type writes [][]byte

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, slices.Clone(b))
	return len(b), nil
}
