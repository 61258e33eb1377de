package jarmprobe

import (
	"math/rand/v2"
	"sync"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// Watch reads one of the ten connections that another client makes, out of a
// capture.
type Watch struct {
	Index int    // which of the ten, from 0
	SNI   string // server_name sent
	client
	status record.Status
}

// NewWatch begins to read the answer to a ClientHello record; ok is false if
// it is none of the ten.
func NewWatch(hello []byte) (w *Watch, ok bool) {
	h, ok := wire.ParseClientHello(hello)
	if !ok {
		return nil, false
	}
	w = &Watch{client: client{messages: wire.Messages{Max: wire.MaxServerHello}}}
	w.SNI = h.ServerName()
	w.Index, ok = constants()[string(h.Constant())]
	return w, ok
}

// Feed takes bytes of the server; true: nothing more is wanted.
func (w *Watch) Feed(in []byte) bool { return w.client.Feed(in).Do == conversation.Done }

// Kept is how many bytes are held.
func (w *Watch) Kept() int { return len(w.messages.Pending()) + len(w.records.Pending()) }

// End tells why there is no more.
func (w *Watch) End(why record.Status) { w.status = w.client.End(why) }

// Answer is what came of it, once End was called.
func (w *Watch) Answer() record.JARMAnswer {
	a := record.JARMAnswer{Status: w.status}
	if a.Status == record.OK {
		a.ServerHello = w.answer
	}
	return a
}

// constants are the ten hellos by what is constant in them.
var constants = sync.OnceValue(func() map[string]int {
	out := map[string]int{}
	for i, h := range hellos() {
		if ch, ok := wire.ParseClientHello(h.record("", &random{rand.New(rand.NewPCG(0, 0))})); ok {
			out[string(ch.Constant())] = i
		}
	}
	return out
})
