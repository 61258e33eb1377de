package sshprobe

import (
	"bytes"
	"slices"

	"github.com/hostkin/hostkin/scanner/record"
)

// Watch reads a connection that another client makes, out of a capture: the
// same server's words as a probe's, negotiated with the lists of that client.
// Both sides' bytes come in their own order.
type Watch struct {
	client []byte // not yet read; nil when its KEXINIT is known or given up
	known  bool   // nothing more is needed of the client
	named  bool   // its identification was read
	unread bool   // its KEXINIT was not
	offer  record.KEXINIT

	held   []byte // of the server, until the client is known
	server *connection
	ended  bool
}

// Client takes bytes of the client.
func (w *Watch) Client(in []byte) {
	if w.known || w.ended {
		return
	}
	w.client = append(w.client, in...)
	for !w.known && w.readClient() {
	}
	if len(w.client) > maxPacket {
		w.giveUp()
	}
	if w.known {
		w.client = nil
		w.begin()
	}
}

// readClient reads the identification or one packet; false: more is needed.
func (w *Watch) readClient() bool {
	if !w.named {
		end := bytes.IndexByte(w.client, '\n') + 1
		if end == 0 {
			return false
		}
		w.named, w.client = true, w.client[end:]
		return true
	}
	payload, n, err := packet(w.client)
	switch {
	case err != nil:
		w.giveUp()
	case n == 0:
		return false
	case payload[0] == msgKexInit:
		offer, err := parseKexInit(payload)
		if err != nil || len(offer.Kex) == 0 || len(offer.HostKey) == 0 {
			w.giveUp()
			return false
		}
		w.offer, w.known = *offer, true
	default: // nothing of note comes before it
		w.client = w.client[n:]
		return true
	}
	return false
}

// giveUp reads the server as if the client were hostkin.
func (w *Watch) giveUp() { w.offer, w.known, w.unread = generalOffer(), true, true }

func (w *Watch) begin() {
	w.server = &connection{offer: w.offer, identified: true, started: true}
	if len(w.held) > 0 {
		w.server.Feed(w.held)
	}
	w.held = nil
}

// Server takes bytes of the server.
func (w *Watch) Server(in []byte) {
	switch {
	case w.ended:
	case w.server != nil:
		if w.server.status == "" {
			w.server.Feed(in)
		}
	case len(w.held)+len(in) > maxReceived:
		w.giveUp()
		w.begin()
		w.server.Feed(in)
	default:
		w.held = append(w.held, in...)
	}
}

// Done reports whether nothing more is to be learnt.
func (w *Watch) Done() bool { return w.ended || w.server != nil && w.server.status != "" }

// Kept is about how many bytes are held.
func (w *Watch) Kept() int {
	n := len(w.client) + len(w.held)
	if w.server != nil {
		n += len(w.server.buf)
	}
	return n
}

// End tells why there is no more. It is called once.
func (w *Watch) End(why record.Status) record.Status {
	if !w.known {
		w.giveUp()
		w.begin()
	}
	w.ended = true
	status := w.server.End(why)
	if kind, _, ok := cutString(w.server.key.Blob); ok && w.unread && printable(kind) {
		w.server.key.Algorithm = string(kind) // what was agreed on is not known
	}
	return status
}

// Fold adds what the connection showed to a, once End was called: the greeting
// if a has none with a KEXINIT, and the host key if a has none of its type. It
// reports whether there was anything to add.
func (w *Watch) Fold(a *record.SSH) (added bool) {
	s := w.server.seen
	if some := s.Banner != nil || s.Raw != nil || len(s.Preamble) > 0; some && a.KEXINIT == nil && (s.KEXINIT != nil || a.Banner == nil && a.Raw == nil) {
		a.Preamble, a.Banner, a.KEXINIT, a.Raw = s.Preamble, s.Banner, s.KEXINIT, s.Raw
		added = true
	}
	k := w.server.key
	same := func(have record.HostKey) bool { return keyType(have.Algorithm) == keyType(k.Algorithm) }
	if k.Status != record.OK || slices.ContainsFunc(a.HostKeys, same) || len(a.HostKeys) == maxKeyTypes {
		return added
	}
	a.HostKeys = append(a.HostKeys, k)
	return true
}
