// Package pcap makes observations out of packet captures: what servers said to
// whoever asked them, read by the same code as the answers to hostkin's own
// probes. Nothing is sent.
//
// A connection's server is the side that sent the SYN-ACK. Without a handshake
// in the capture it is the side that what is said first shows (a ClientHello
// and a request come from clients, a ServerHello and a response from servers);
// two SSH identifications look alike: there the lower port counts, if it is
// below those that systems give to clients. Else the connection is left out.
//
// Every answer belongs to an endpoint and to the name that the client asked
// for (server_name, Host), "" being an address. Answers to hostkin's own hellos
// are joined as its probes join them. The first good answer to a question is kept.
//
// Observations are written in the order of the first packet of their endpoint,
// all at the end, unless there are more endpoints than Config allows: then the
// half that was silent for longest is written before its time, and written
// again if it speaks again. The same capture gives the same observations.
package pcap

import (
	"context"
	"io"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
)

// Config bounds what is kept. Zero fields mean the defaults. Emit is required.
type Config struct {
	Emit func(record.Observation)

	Connections int           // at once, those included that are only remembered so as to be ignored
	Endpoints   int           // held back until they are written
	Bytes       int           // kept of connections, and again of endpoints
	Idle        time.Duration // by the clock of the capture: what is silent for as long has ended
}

// The defaults. A remembered connection costs about 1 kB.
const (
	defaultConnections = 1 << 16
	defaultEndpoints   = 1 << 16
	defaultBytes       = 128 << 20
	defaultIdle        = 60 * time.Second
)

// Stats tells what was read, and what could not be.
type Stats struct {
	Packets     uint64
	Connections uint64 // whose handshake or data was seen
	Endpoints   uint64 // written, each once or more often

	OtherLink  uint64 // packets of a link type that is not read
	Fragments  uint64 // IP fragments: not put together
	Broken     uint64 // IP or TCP headers that do not fit
	Cut        uint64 // packets that were not captured whole
	Gaps       uint64 // connections with lost packets
	Sideless   uint64 // connections whose server cannot be told
	Crowded    uint64 // connections ended early because there were too many, or too much of them was kept
	Names      uint64 // answers left out because their endpoint has too many names
	Unreadable uint64 // connections that reassembly failed on
}

// Watcher reads captures. Its methods are for one goroutine, but for Progress.
type Watcher struct {
	config  Config
	stats   Stats
	packets atomic.Uint64
	conns   atomic.Uint64

	clock     clock
	table     table
	assembler *assembler
	book      book
}

// New returns a Watcher that has seen nothing.
func New(c Config) *Watcher {
	or := func(to *int, value int) {
		if *to <= 0 {
			*to = value
		}
	}
	or(&c.Connections, defaultConnections)
	or(&c.Endpoints, defaultEndpoints)
	or(&c.Bytes, defaultBytes)
	if c.Idle <= 0 {
		c.Idle = defaultIdle
	}
	w := &Watcher{config: c}
	w.clock.idle = c.Idle
	w.table.flows = map[flow]*conn{}
	w.book = book{config: c, stats: &w.stats, endpoints: map[netip.AddrPort]*endpoint{}}
	w.assembler = newAssembler()
	return w
}

// Read reads one capture, uncompressed. Connections go on from one capture to
// the next. The error is ErrNoCapture, a *Fault, or that of ctx.
func (w *Watcher) Read(ctx context.Context, in io.Reader) error {
	frames, err := openFrames(in)
	if err != nil {
		return err
	}
	for number := uint64(1); ; number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := frames.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			if ctx.Err() != nil { // the reader was stopped
				return ctx.Err()
			}
			return &Fault{number, err}
		}
		w.packet(f)
	}
}

// packet takes one packet.
func (w *Watcher) packet(f frame) {
	w.packets.Add(1)
	w.clock.tick(f.at)
	ip, known := network(f.link, f.data)
	if !known {
		w.stats.OtherLink++
		return
	}
	if ip == nil {
		return
	}
	s, verdict := parse(ip)
	switch verdict {
	case isFragment:
		w.stats.Fragments++
	case isBroken:
		w.stats.Broken++
	case isTCP:
		if s.cut {
			w.stats.Cut++
		}
		w.segment(s)
	}
	w.tidy()
}

// segment hands a segment to its connection.
func (w *Watcher) segment(s segment) {
	c := w.table.find(s)
	if c != nil && c.replacedBy(s) {
		w.end(c, record.Timeout)
		w.table.drop(c)
		c = nil
	}
	if c == nil {
		if len(s.payload) == 0 && s.flags&flagSYN == 0 {
			return // the end of a connection that is not known, or a pause in it
		}
		c = w.table.open(s, w.clock)
		w.conns.Add(1)
	}
	c.last = w.clock.packets
	if c.over {
		return
	}
	c.until, c.rst = w.clock.at, s.flags&flagRST != 0
	c.handshake(s)
	if !w.assembler.add(c, s, w.clock.packets) {
		w.stats.Unreadable++
		c.end(record.Truncated)
	}
	if c.rst {
		c.reset(c.side(s.src))
	}
	w.settle(c)
}

// settle counts what c keeps, and hands what it brought to the book once it is over.
func (w *Watcher) settle(c *conn) {
	if kept := c.kept(); !c.over {
		w.table.bytes += kept - c.counted
		c.counted = kept
		return
	}
	w.table.bytes -= c.counted
	c.counted = 0
	if c.gap {
		w.stats.Gaps++
	}
	if c.sideless {
		w.stats.Sideless++
	}
	w.book.add(c)
	c.forget()
}

func (w *Watcher) end(c *conn, why record.Status) {
	if !c.over {
		c.end(why)
		w.settle(c)
	}
}

// tidy ends what is idle, and what is too much.
func (w *Watcher) tidy() {
	if before, due := w.clock.flush(); due {
		w.sweep(before, record.Timeout)
	}
	if len(w.table.flows) > w.config.Connections || w.table.bytes > w.config.Bytes {
		before := w.table.median()
		for _, c := range w.table.running() {
			if c.last < before && c.kept() > 0 {
				w.stats.Crowded++
			}
		}
		w.sweep(before, record.Truncated)
	}
}

// sweep ends the connections that were last seen before a packet. Reassembly
// goes through them in no order, so that what they then brought is handed on
// afterwards, in the order of their first packets.
func (w *Watcher) sweep(before uint64, why record.Status) {
	running := w.table.running()
	if !w.assembler.flush(before) {
		w.stats.Unreadable++
		for _, c := range running {
			c.end(record.Truncated)
		}
	}
	for _, c := range running {
		if c.last < before {
			c.end(why)
		}
		w.settle(c)
	}
	w.table.dropBefore(before)
}

// Close ends all connections and writes all observations.
func (w *Watcher) Close() {
	w.sweep(w.clock.packets+1, record.Timeout)
	w.book.flush()
}

// Progress is how many packets and connections were read; any goroutine may ask.
func (w *Watcher) Progress() (packets, connections uint64) { return w.packets.Load(), w.conns.Load() }

// Stats are complete after Close.
func (w *Watcher) Stats() Stats {
	s := w.stats
	s.Packets, s.Connections = w.Progress()
	return s
}
