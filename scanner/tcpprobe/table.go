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
	waiting    map[flow]chan struct{}
}

func newTable(capacity int, lifetime time.Duration) *table {
	return &table{
		capacity: capacity,
		lifetime: lifetime,
		young:    map[flow]*handshake{},
		born:     time.Now(),
		waiting:  map[flow]chan struct{}{},
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
	f := flow{local: s.dst, remote: s.src}
	h := t.find(f)
	if h == nil || h.synAck != nil || s.ack != h.seq+1 {
		return
	}
	h.synAck = bytes.Clone(s.headers)
	if c, ok := t.waiting[f]; ok {
		close(c)
		delete(t.waiting, f)
	}
}

// addSYN opens an entry. A repeated SYN (same sequence number) changes
// nothing: the first is the one whose options are whole (Linux drops some when
// it retries). Another sequence number is a new connection on old ports.
func (t *table) addSYN(s segment) {
	f := flow{local: s.src, remote: s.dst}
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

// get returns the handshake of f, waiting for it at most for patience.
func (t *table) get(f flow, patience time.Duration) *record.TCP {
	got, filled := t.lookup(f)
	if got != nil {
		return got
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-filled:
	case <-timer.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting[f] == filled { // timed out, and nobody else removed it
		delete(t.waiting, f)
	}
	return answered(t.find(f))
}

// lookup returns the handshake of f, or a channel that is closed when it is
// there.
func (t *table) lookup(f flow) (*record.TCP, chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if got := answered(t.find(f)); got != nil {
		return got, nil
	}
	c, ok := t.waiting[f]
	if !ok {
		c = make(chan struct{})
		t.waiting[f] = c
	}
	return nil, c
}

func answered(h *handshake) *record.TCP {
	if h == nil || h.synAck == nil {
		return nil
	}
	return &record.TCP{SYN: h.syn, SYNACK: h.synAck}
}
