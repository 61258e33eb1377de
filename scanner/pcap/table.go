package pcap

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// clock counts packets and keeps the time of the capture. What is old is told
// by the number of the last packet: time stamps may say anything.
type clock struct {
	idle    time.Duration
	packets uint64
	at      time.Time // of the packet
	now     time.Time // the latest so far
	marks   []mark
}

// mark says that all packets before number had come by then.
type mark struct {
	number uint64
	then   time.Time
}

// tick takes the time of the next packet.
func (c *clock) tick(at time.Time) {
	if year := at.Year(); year < 1 || year > 9999 { // JSON holds no others
		at = c.at
	}
	c.packets++
	c.at = at
	if c.packets == 1 || at.After(c.now) {
		c.now = at
	}
	if n := len(c.marks); n == 0 || c.now.Sub(c.marks[n-1].then) >= c.idle/8 {
		c.marks = append(c.marks, mark{c.packets, c.now})
	}
}

// flush says whether time has passed, and that what was last seen before a
// packet is idle.
func (c *clock) flush() (before uint64, due bool) {
	for len(c.marks) > 0 && c.now.Sub(c.marks[0].then) >= c.idle {
		before, due = c.marks[0].number, true
		c.marks = c.marks[1:]
	}
	return before, due
}

// flow names a connection: its two ends, the lower first.
type flow [2]netip.AddrPort

func flowOf(a, b netip.AddrPort) flow {
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return flow{a, b}
}

// table is the connections that are read or, once they are over, remembered
// for as long as they go on, because their middle would pass for a beginning.
type table struct {
	flows map[flow]*conn
	bytes int // kept by all
}

func (t *table) find(s segment) *conn { return t.flows[flowOf(s.src, s.dst)] }

func (t *table) open(s segment, at clock) *conn {
	c := &conn{number: at.packets, ends: [2]netip.AddrPort{s.src, s.dst}, server: unknown, first: unknown, began: at.at}
	t.flows[flowOf(s.src, s.dst)] = c
	return c
}

func (t *table) drop(c *conn) { delete(t.flows, flowOf(c.ends[0], c.ends[1])) }

func (t *table) dropBefore(before uint64) {
	for f, c := range t.flows {
		if c.last < before {
			delete(t.flows, f)
		}
	}
}

// running are the connections that are not over, by their first packets.
func (t *table) running() []*conn {
	var out []*conn
	for _, c := range t.flows {
		if !c.over {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *conn) int { return cmp.Compare(a.number, b.number) })
	return out
}

// median is a packet before which half of the connections were last seen.
func (t *table) median() uint64 {
	var last []uint64
	for _, c := range t.flows {
		last = append(last, c.last)
	}
	slices.Sort(last)
	return last[len(last)/2] + 1
}
