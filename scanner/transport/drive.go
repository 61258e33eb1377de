package transport

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// socket is one established connection as a driver needs it. Deadlines of
// reading and writing are that of the exchange until readBy changes the first;
// the end of the context given to the connector expires both.
type socket interface {
	receive(most int) (*buffer, int, error) // waits; 0 bytes without an error: FIN
	late(most int) (*buffer, int, error)    // what is there already, also after the deadline; errNothing
	send(p []byte) (int, error)             // all of p, or an error
	readBy(t time.Time) error
	deadlineAt(t time.Time) error // of reading and writing, in place of the connector's
	closeWrite() error
	local() netip.AddrPort
	info() *record.TCPInfo // of the handshake; nil: unknown
	close()
}

// buffer is what a read reads into. It is taken when there is something to
// read, not while waiting: silent hosts hold none.
type buffer [16 << 10]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// errNothing says that a socket has nothing to read now.
var errNothing = errors.New("nothing arrived")

// lateReads bounds what is read after the deadline of the exchange: enough for
// all that a socket buffers, but an endless stream does not prolong it.
const lateReads = 64

// driver moves one conversation over one socket.
type driver struct {
	ctx      context.Context
	socket   socket
	x        *conversation.Exchange
	deadline time.Time
	left     int64 // bytes that may still be received

	capture func() *record.TCP // of the handshake, asked once
	gapped  bool               // readBy differs from deadline
	halved  bool               // our FIN is sent
	failed  error              // of a write, which took the socket's error from the reads to come
	lates   int
}

// facts fills in what the handshake tells. The capture is asked for more once
// the first bytes are sent, while they are on their way.
func (d *driver) facts(handshake func(local, remote netip.AddrPort) *record.TCP, to netip.AddrPort) {
	if info := d.socket.info(); info != nil {
		d.x.TCP = &record.TCP{Info: info}
	}
	if handshake != nil {
		local := d.socket.local()
		d.capture = func() *record.TCP { return handshake(local, to) }
	}
}

func (d *driver) captured() {
	if d.capture == nil {
		return
	}
	t := d.capture()
	d.capture = nil
	if t == nil {
		return
	}
	if t.Info == nil && d.x.TCP != nil {
		whole := *t // not ours to write to
		whole.Info = d.x.TCP.Info
		t = &whole
	}
	d.x.TCP = t
}

// drive talks until the conversation is done or something ends it.
func (d *driver) drive() record.Status {
	conv := d.x.Conv
	step := conv.Open()
	for {
		d.send(step.Send)
		d.captured()
		switch step.Do {
		case conversation.Done:
			return record.OK
		case conversation.HalfClose:
			if !d.halved {
				d.halved = true
				_ = d.socket.closeWrite() // a peer that is gone shows in the next read
			}
		}
		quiet, b, n, err := d.wait(step.Gap)
		switch {
		case quiet:
			step = conv.Quiet()
			continue
		case n == 0:
			return d.status(err)
		}
		fed := min(int64(n), d.left)
		d.left -= fed
		d.x.Received += fed
		if fed > 0 {
			step = conv.Feed(b[:fed:fed])
		}
		buffers.Put(b)
		if int64(n) > fed && step.Do != conversation.Done {
			return record.Truncated
		}
	}
}

// send writes p. A failed write takes the pending error of the socket, so that
// the next read would say FIN instead of reset: it is kept for status. Reading
// goes on, for the peer may have said something before.
func (d *driver) send(p []byte) {
	if len(p) == 0 || d.failed != nil || d.halved {
		return
	}
	n, err := d.socket.send(p)
	d.x.Sent += int64(n)
	d.failed = err
}

// wait reads, or reports quiet when gap has passed in silence. No bytes and
// not quiet: the connection is over, with err.
func (d *driver) wait(gap time.Duration) (quiet bool, b *buffer, n int, err error) {
	d.readBy(gap)
	// A cancel that came before readBy has expired a deadline that is not there any more.
	if d.ctx.Err() != nil {
		return false, nil, 0, d.ctx.Err()
	}
	most := int(min(d.left+1, int64(len(buffer{}))))
	b, n, err = d.socket.receive(most)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false, b, n, err
	}
	if d.ctx.Err() != nil {
		return false, nil, 0, d.ctx.Err()
	}
	over := !time.Now().Before(d.deadline)
	if over {
		d.lates++
	}
	if d.lates > lateReads {
		return false, nil, 0, err
	}
	// An expired deadline hides bytes, or the end, that came before it.
	lateB, lateN, lateErr := d.socket.late(most)
	switch {
	case lateN > 0 || !errors.Is(lateErr, errNothing):
		return false, lateB, lateN, lateErr
	case over:
		return false, nil, 0, err
	}
	return true, nil, 0, nil
}

// readBy sets the deadline of the next read: the exchange's, or earlier by gap.
func (d *driver) readBy(gap time.Duration) {
	if gap > 0 {
		if t := time.Now().Add(gap); t.Before(d.deadline) {
			d.gapped = true
			_ = d.socket.readBy(t) // fails on closed files only, and the read says so
			return
		}
	}
	if d.gapped {
		d.gapped = false
		_ = d.socket.readBy(d.deadline)
	}
}

// status of a connection that ended by itself: a write error that was kept
// says more than the FIN that follows it.
func (d *driver) status(err error) record.Status {
	switch {
	case d.ctx.Err() != nil && (errors.Is(err, d.ctx.Err()) || errors.Is(err, os.ErrDeadlineExceeded)):
		return record.Cancelled
	case err != nil:
		return statusOf(err, record.Reset)
	case d.failed != nil:
		return statusOf(d.failed, record.Reset)
	}
	return record.Closed
}
