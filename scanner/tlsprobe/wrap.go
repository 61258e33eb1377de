package tlsprobe

import (
	"crypto/tls"
	"errors"
	"io"
	"iter"
	"net"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Wrap puts TLS around inner: inner is opened when the handshake is done, is
// fed what was decrypted, and what it sends is encrypted. The server is not
// verified. SNI is sent unless serverName is empty; alpn may be nil.
//
// An inner that is a Witness is told what the handshake brought.
//
// inner's Gap, HalfClose (as close_notify and FIN) and Done pass through. It
// sees a close_notify as Closed. If the handshake fails, inner is never opened,
// its End gets the reason, and the verdict is Alert, if the server said so, or
// Malformed.
func Wrap(inner conversation.Conversation, serverName string, alpn []string) conversation.Conversation {
	return &wrapped{inner: inner, config: &tls.Config{
		ServerName:             serverName,
		NextProtos:             alpn,
		InsecureSkipVerify:     true, // certificates are evidence here, not trust
		MinVersion:             tls.VersionTLS10,
		CipherSuites:           everySuite(),
		CurvePreferences:       []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}, // ML-KEM doubles the cost
		SessionTicketsDisabled: true,
	}}
}

// Witness is told of the handshake around it, before Open. The answer is not
// one to a hello of the tls probe: version, suite, protocol and chain are all
// that it has.
type Witness interface{ Handshake(record.TLSAnswer) }

// shown is what crypto/tls tells of a handshake.
func shown(s tls.ConnectionState) record.TLSAnswer {
	a := record.TLSAnswer{Status: record.OK, Version: s.Version, Suite: s.CipherSuite, ALPN: s.NegotiatedProtocol}
	for _, c := range s.PeerCertificates[:min(maxCerts, len(s.PeerCertificates))] {
		a.Certificates = append(a.Certificates, c.Raw)
	}
	return a
}

func everySuite() (ids []uint16) {
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range list {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// wrapped runs crypto/tls, which wants to block, as a coroutine: wherever it
// would block on the network, it yields a Step and waits to be resumed.
type wrapped struct {
	inner  conversation.Conversation
	config *tls.Config

	resume func() (conversation.Step, bool)
	stop   func()
	wire   pipe
	failed record.Status // why the coroutine ended by itself: Alert, Malformed or Closed
	opened bool          // inner was
}

var _ conversation.Conversation = (*wrapped)(nil)

// Open sends the ClientHello.
func (w *wrapped) Open() conversation.Step {
	w.resume, w.stop = iter.Pull(w.run)
	return w.next()
}

// Feed takes bytes off the network.
func (w *wrapped) Feed(in []byte) conversation.Step {
	w.wire.in = in
	return w.next()
}

// Quiet passes silence on.
func (w *wrapped) Quiet() conversation.Step {
	w.wire.quiet = true
	return w.next()
}

func (w *wrapped) next() conversation.Step {
	w.wire.out = w.wire.out[:0]
	s, ok := w.resume()
	if !ok {
		s = conversation.Step{Do: conversation.Done}
	}
	return s
}

// End stops the coroutine and lets inner judge, unless TLS itself failed.
func (w *wrapped) End(why record.Status) record.Status {
	if w.stop != nil {
		w.stop()
	}
	if w.failed != "" && why == record.OK {
		why = w.failed
	}
	verdict := w.inner.End(why)
	if w.failed != "" && !w.opened {
		return w.failed
	}
	return verdict
}

// run is the coroutine. It holds w.inner only between two yields.
func (w *wrapped) run(yield func(conversation.Step) bool) {
	w.wire.yield = yield
	conn := tls.Client(&w.wire, w.config)
	if err := conn.Handshake(); err != nil {
		w.fail(err)
		return
	}
	w.opened = true
	if told, ok := w.inner.(Witness); ok {
		told.Handshake(shown(conn.ConnectionState()))
	}
	buf := make([]byte, 16<<10)
	for step := w.inner.Open(); ; {
		if len(step.Send) > 0 {
			if _, err := conn.Write(step.Send); err != nil {
				w.fail(err)
				return
			}
		}
		w.wire.want = conversation.Step{Gap: step.Gap, Do: step.Do}
		switch step.Do {
		case conversation.HalfClose:
			if err := conn.CloseWrite(); err != nil {
				w.fail(err)
				return
			}
		case conversation.Done:
			conn.Close() // sends close_notify
			w.wire.flush()
			return
		}
		n, err := conn.Read(buf)
		switch {
		case n > 0:
			step = w.inner.Feed(buf[:n])
		case errors.Is(err, errQuiet):
			step = w.inner.Quiet()
		case err != nil:
			w.fail(err)
			return
		}
	}
}

// fail ends the conversation because of an error of crypto/tls, with whatever
// alert it wants to send.
func (w *wrapped) fail(err error) {
	if w.wire.stopped {
		return
	}
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF):
		w.failed = record.Closed // by close_notify: the FIN is the transport's to tell
	case errors.As(err, &op) && op.Op == "remote error":
		w.failed = record.Alert
	default:
		w.failed = record.Malformed
	}
	w.wire.want = conversation.Step{Do: conversation.Done}
	w.wire.flush()
}

// pipe is the network as crypto/tls sees it.
type pipe struct {
	yield   func(conversation.Step) bool
	want    conversation.Step // Gap and Do of the next Step
	in, out []byte
	quiet   bool
	stopped bool
}

var _ net.Conn = (*pipe)(nil)

// errQuiet is a read deadline to crypto/tls: it may be asked to read on.
var errQuiet net.Error = quietError{}

type quietError struct{}

func (quietError) Error() string   { return "tlsprobe: silence" }
func (quietError) Timeout() bool   { return true }
func (quietError) Temporary() bool { return true }

// Read yields until there is input. Silence ends it with errQuiet.
func (c *pipe) Read(p []byte) (int, error) {
	for len(c.in) == 0 {
		if !c.flush() {
			return 0, net.ErrClosed
		}
		if c.quiet {
			c.quiet = false
			return 0, errQuiet
		}
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

// flush yields what was written. It is false when the conversation is over.
func (c *pipe) flush() bool {
	if c.stopped {
		return false
	}
	s := c.want
	s.Send = c.out
	c.want.Do = conversation.More // said once
	c.stopped = !c.yield(s) || s.Do == conversation.Done
	return !c.stopped
}

func (c *pipe) Write(p []byte) (int, error) {
	if c.stopped {
		return 0, net.ErrClosed
	}
	c.out = append(c.out, p...)
	return len(p), nil
}

func (c *pipe) Close() error                     { return nil }
func (c *pipe) LocalAddr() net.Addr              { return nil }
func (c *pipe) RemoteAddr() net.Addr             { return nil }
func (c *pipe) SetDeadline(time.Time) error      { return nil }
func (c *pipe) SetReadDeadline(time.Time) error  { return nil }
func (c *pipe) SetWriteDeadline(time.Time) error { return nil }
