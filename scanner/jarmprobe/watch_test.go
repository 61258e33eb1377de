package jarmprobe

import (
	"math/rand/v2"
	"testing"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// TestWatchKnowsTheTenHellos whatever is drawn at random in them, and no other.
func TestWatchKnowsTheTenHellos(t *testing.T) {
	for i, h := range hellos() {
		for seed := range uint64(40) {
			w, ok := NewWatch(h.record("site.example", &random{rand.New(rand.NewPCG(seed, uint64(i)))}))
			if !ok || w.Index != i || w.SNI != "site.example" {
				t.Fatalf("hello %d, seed %d: %v %+v", i, seed, ok, w)
			}
		}
	}
	other := tlsprobe.NewHandshake("site.example")
	if w, ok := NewWatch(other.Open().Send); ok {
		t.Errorf("a hello of tlsprobe's passes for JARM's number %d", w.Index)
	}
	h, _ := wire.ParseClientHello(hellos()[0].record("a", &random{rand.New(rand.NewPCG(1, 1))}))
	h.Suites[3]++
	if _, ok := NewWatch(h.Record()); ok {
		t.Error("a hello with another suite passes for JARM's")
	}
}

func FuzzNewWatch(f *testing.F) {
	for i, h := range hellos() {
		f.Add(h.record("site.example", &random{rand.New(rand.NewPCG(1, uint64(i)))}), []byte("\x15\x03\x03\x00\x02\x02\x28"))
	}
	f.Fuzz(func(t *testing.T, hello, answer []byte) {
		w, ok := NewWatch(hello)
		if !ok {
			return
		}
		w.Feed(answer)
		w.End(record.Timeout)
		if a := w.Answer(); (a.Status == record.OK) != (a.ServerHello != nil) || w.Index < 0 || w.Index >= Count {
			t.Errorf("%d: %+v", w.Index, a)
		}
	})
}
