package transport

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Stats counts since New.
type Stats struct {
	Connections int64                   // attempted, those for which the machine had no socket once
	Open        int64                   // established now
	Sent        int64                   // bytes of payload
	Received    int64                   // bytes of payload
	Starved     int64                   // attempts that had to be repeated because this machine had no socket or port to spare
	ByStatus    map[record.Status]int64 // verdicts of ended exchanges; those without any are left out
}

// Stats may be called at any time.
func (n *Net) Stats() Stats { return n.count.stats() }

type counters struct {
	connections, open, sent, received, starved atomic.Int64

	mu       sync.Mutex
	byStatus map[record.Status]int64
}

func (c *counters) ended(x *conversation.Exchange) {
	c.sent.Add(x.Sent)
	c.received.Add(x.Received)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byStatus == nil {
		c.byStatus = map[record.Status]int64{}
	}
	c.byStatus[x.Status]++
}

func (c *counters) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stats{
		Connections: c.connections.Load(),
		Open:        c.open.Load(),
		Sent:        c.sent.Load(),
		Received:    c.received.Load(),
		Starved:     c.starved.Load(),
		ByStatus:    make(map[record.Status]int64, len(c.byStatus)),
	}
	maps.Copy(s.ByStatus, c.byStatus)
	return s
}

// moan lets one complaint a second through: a machine without descriptors
// fails thousands of connections alike.
type moan struct{ last atomic.Int64 }

func (m *moan) now() bool {
	now := time.Now().UnixNano()
	last := m.last.Load()
	return now-last >= int64(time.Second) && m.last.CompareAndSwap(last, now)
}
