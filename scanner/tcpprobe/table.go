package tcpprobe

import (
	"bytes"
	"net/netip"
	"sync"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
)

// flow names a connection from our side.
type flow struct{ local, remote netip.AddrPort }

// handshake is what was seen of one flow. Both slices are copies.
type handshake struct {
	seq         uint32 // of the SYN
	syn, synAck []byte
}

// table keeps recent handshakes in two generations. When the young one is full
// or old it becomes the old one, which is dropped: so nothing is kept for
// longer than two lifetimes, nor more than capacity handshakes.
//
// Only our own SYN opens an entry and only the SYN-ACK that acknowledges it
// fills it, so that a stranger's packets neither fill the table nor forge an
// answer (beyond guessing the sequence number).
type table struct {
	capacity int
	lifetime time.Duration

	mu         sync.Mutex
	young, old map[flow]*handshake
	born       time.Time // of young
}

func newTable(capacity int, lifetime time.Duration) *table {
	return &table{
		capacity: capacity,
		lifetime: lifetime,
		young:    map[flow]*handshake{},
		born:     time.Now(),
	}
}

// add notes one packet.
func (t *table) add(s segment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !s.answer {
		t.addSYN(s)
		return
	}
	if h := t.find(s.flow()); h != nil && h.synAck == nil && s.ack == h.seq+1 {
		h.synAck = bytes.Clone(s.headers)
	}
}

// addSYN opens an entry. A repeated SYN (same sequence number) changes
// nothing: the first is the one whose options are whole (Linux drops some when
// it retries). Another sequence number is a new connection on old ports.
func (t *table) addSYN(s segment) {
	f := s.flow()
	if h := t.find(f); h != nil && h.seq == s.seq {
		return
	}
	now := time.Now()
	if len(t.young) >= t.capacity/2 || now.Sub(t.born) >= t.lifetime {
		t.old, t.young, t.born = t.young, map[flow]*handshake{}, now
	}
	t.young[f] = &handshake{seq: s.seq, syn: bytes.Clone(s.headers)}
}

func (t *table) find(f flow) *handshake {
	if h := t.young[f]; h != nil {
		return h
	}
	return t.old[f]
}

// take removes the handshake of f and returns it, or nil while it is not whole.
func (t *table) take(f flow) *record.TCP {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.find(f)
	if h == nil || h.synAck == nil {
		return nil
	}
	delete(t.young, f)
	delete(t.old, f)
	return &record.TCP{SYN: h.syn, SYNACK: h.synAck}
}
