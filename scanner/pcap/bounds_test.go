package pcap

import (
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
)

// flood is a capture that is made while it is read: connections without end,
// of which many never end, miss packets, or say too much.
type flood struct {
	connections int
	at          func(packet int) time.Time
	check       func() // is called now and then

	shapes  [][]packet
	n       int // connections made
	packets int
	buf     []byte
}

func newFlood(t *testing.T, connections int, at func(int) time.Time, check func()) *flood {
	whole := newTalk(t, "10.0.0.1:40000", "192.0.2.1:80").shake().say(client, request, 1000).say(server, response, 40).fin(client).fin(server)
	gap := newTalk(t, "10.0.0.1:40000", "192.0.2.1:80").shake().say(client, request, 1000).say(server, "HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n"+fmt.Sprintf("%09000d", 0), 1400)
	drop(gap, 5)
	half := newTalk(t, "10.0.0.1:40000", "192.0.2.1:80").shake().say(server, fmt.Sprintf("%05000d", 0), 1400)
	alone := newTalk(t, "10.0.0.1:40000", "192.0.2.1:80").shake()
	f := &flood{connections: connections, at: at, check: check}
	for _, k := range []*talk{whole, gap, half, alone, whole} {
		f.shapes = append(f.shapes, k.packets)
	}
	f.buf = file(t, linkRaw, nil)
	return f
}

func (f *flood) Read(to []byte) (int, error) {
	if len(f.buf) == 0 {
		if f.n == f.connections {
			return 0, io.EOF
		}
		if f.n%1000 == 0 {
			f.check()
		}
		f.make()
	}
	n := copy(to, f.buf)
	f.buf = f.buf[n:]
	return n, nil
}

// make writes the packets of the next connection, which has its own client and
// one of a million servers.
func (f *flood) make() {
	for _, p := range f.shapes[f.n%len(f.shapes)] {
		ip := append([]byte(nil), p.ip...)
		clientAt, serverAt := 12, 16
		if ip[12] != 10 {
			clientAt, serverAt = 16, 12
		}
		binary.BigEndian.PutUint32(ip[clientAt:], 10<<24|uint32(f.n))
		binary.BigEndian.PutUint32(ip[serverAt:], 172<<24|uint32(f.n*7919%1_000_000))
		at := f.at(f.packets)
		f.packets++
		head := binary.LittleEndian.AppendUint32(nil, uint32(at.Unix()))
		head = binary.LittleEndian.AppendUint32(head, uint32(at.Nanosecond()))
		head = binary.LittleEndian.AppendUint32(head, uint32(len(ip)))
		head = binary.LittleEndian.AppendUint32(head, uint32(len(ip)))
		f.buf = append(append(f.buf, head...), ip...)
	}
	f.n++
}

// TestMemoryIsBounded whatever the capture: one with the time of day, and one
// whose clock stands still, so that nothing is ever idle.
func TestMemoryIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		connections int
		at          func(packet int) time.Time
	}{
		"1000 packets a second":       {200_000, func(n int) time.Time { return start.Add(time.Duration(n) * time.Millisecond) }},
		"a clock that stands still":   {30_000, func(int) time.Time { return start }},
		"a clock that goes backwards": {30_000, func(n int) time.Time { return start.Add(-time.Duration(n) * time.Second) }},
	} {
		t.Run(name, func(t *testing.T) {
			if raceEnabled { // ten times as slow, and there is one goroutine
				c.connections /= 10
			}
			written := 0
			limit := Config{Connections: 2000, Endpoints: 1000, Bytes: 4 << 20, Emit: func(record.Observation) { written++ }}
			w := New(limit)
			most := func(what string, n, max int) {
				if n > max {
					t.Fatalf("%s: %d, the limit is %d", what, n, max)
				}
			}
			f := newFlood(t, c.connections, c.at, func() {
				sum := 0
				for _, r := range w.table.running() {
					sum += r.kept()
				}
				if sum != w.table.bytes {
					t.Fatalf("%d bytes are kept, and %d counted", sum, w.table.bytes)
				}
				var pages int
				if _, err := fmt.Sscanf(w.assembler.Dump(), "pageCache: used: %d", &pages); err != nil {
					t.Fatal(err)
				}
				most("connections", len(w.table.flows), limit.Connections)
				most("bytes of connections", w.table.bytes, limit.Bytes)
				most("pages", pages, maxPages)
				most("endpoints", len(w.book.endpoints), limit.Endpoints)
				most("bytes of endpoints", w.book.bytes, limit.Bytes)
				most("marks of the clock", len(w.clock.marks), 64)
			})
			if err := w.Read(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			w.Close()
			s := w.Stats()
			if s.Connections != uint64(c.connections) || written < c.connections || s.Unreadable != 0 {
				t.Errorf("%d observations, %+v", written, s)
			}
			if len(w.table.flows)+len(w.book.endpoints)+w.table.bytes+w.book.bytes != 0 {
				t.Error("something is left after Close")
			}
			t.Logf("%+v, %d observations", s, written)
		})
	}
	t.Cleanup(func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		t.Logf("%d MB from the system in all", m.Sys>>20)
	})
}
