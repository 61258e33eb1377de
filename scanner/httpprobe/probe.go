// Package httpprobe asks web servers for their root page, favicon, answer to
// an unknown path and HTTP/2 settings, and keeps the bytes as they come. Nothing
// is followed, decoded or decompressed, and everything is capped.
package httpprobe

import (
	"slices"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// maxReceived bounds a connection, in bytes: three pages, in small chunks, in TLS records.
const maxReceived = 1 << 20

// Probe asks over TLS if an earlier probe of the endpoint found TLS there.
type Probe struct {
	Contact string // URL or mail address for the User-Agent (RFC 9511); "" names hostkin only
	First   bool   // GET / only. Else all that is not yet seen
}

var _ conversation.Probe = Probe{}

// Name is "http".
func (Probe) Name() string { return "http" }

// Start implements conversation.Probe.
func (p Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	known := record.HTTP{}
	if seen.HTTP != nil {
		known = *seen.HTTP
	}
	r := &run{at: at, root: known.Root}
	if t := seen.TLS; t != nil && (t.Version != 0 || len(t.ServerHello) > 0) {
		r.tls, r.h2 = true, mayHaveH2(t) && known.H2 == nil && !p.First
	}
	r.site = newSite(at, r.tls, p.Contact)
	for q, page := range map[question]*record.Page{root: known.Root, favicon: known.Favicon, missing: known.Missing} {
		if page == nil && (q == root || !p.First) {
			r.ask = append(r.ask, q)
		}
	}
	slices.Sort(r.ask)
	return r
}

// mayHaveH2 tells whether a server chose h2 in one of its answers, or went by
// the client's order and may have it further down: tlsprobe offers http/1.0
// before h2, and both before http/1.1.
func mayHaveH2(t *record.TLS) bool {
	for a := range t.Answers() {
		if a.ALPN == "h2" || a.ALPN == "http/1.0" {
			return true
		}
	}
	return false
}

// run asks one endpoint, one connection after the other.
type run struct {
	at   record.Endpoint
	site site
	tls  bool
	root *record.Page // as seen before or now: it names the favicon

	ask     []question // each connection answers at least one, or there is no other
	h2      bool
	now     *pages
	preface *preface

	answer  record.HTTP
	good    bool
	failure record.Status // the first
}

// Next implements conversation.Run.
func (r *run) Next(x *conversation.Exchange) bool {
	if r.now != nil || r.preface != nil {
		return false
	}
	var inner conversation.Conversation
	protocol := "http/1.1"
	switch {
	case len(r.ask) > 0:
		r.now = &pages{site: r.site, ask: slices.Clone(r.ask)}
		r.now.got[root] = r.root
		inner = r.now
	case r.h2:
		r.h2 = false
		r.preface = new(preface)
		inner, protocol = r.preface, "h2"
	default:
		return false
	}
	if r.tls {
		inner = tlsprobe.Wrap(inner, r.at.Host.Name, []string{protocol})
	}
	x.Addr, x.Conv = r.at.AddrPort(), inner
	x.Limits.Bytes = maxReceived
	return true
}

// Ended implements conversation.Run.
func (r *run) Ended(x *conversation.Exchange) {
	if r.preface != nil {
		r.answer.H2 = r.preface.got
		r.note(x.Status)
		r.preface = nil
		return
	}
	p := r.now
	r.now = nil
	if !p.opened { // a refusal, or a failed handshake: it would not be better the next time
		r.note(x.Status)
		r.stop()
		return
	}
	for _, q := range r.ask[:len(r.ask)-len(p.ask)] {
		r.keep(q, p.got[q])
	}
	r.ask = p.ask
	if p.raw != nil {
		r.answer.Raw = p.raw
	}
	if r.failure == record.Timeout || r.answer.Root != nil && r.answer.Root.Status != record.OK {
		r.stop()
	}
}

func (r *run) keep(q question, page *record.Page) {
	switch q {
	case root:
		r.root, r.answer.Root = page, page
	case favicon:
		r.answer.Favicon = page
	case missing:
		r.answer.Missing = page
	}
	r.note(page.Status)
}

func (r *run) note(s record.Status) {
	if s == record.OK {
		r.good = true
	} else if r.failure == "" {
		r.failure = s
	}
}

// stop spares a server that is silent, gone or no web server the other questions.
func (r *run) stop() { r.ask, r.h2 = nil, false }

// Fold implements conversation.Run: how the root page went if it was asked
// for, else OK if anything new came or nothing was wanted.
func (r *run) Fold(a *record.Answer) record.Status {
	h := r.answer
	if h.Root != nil || h.Favicon != nil || h.Missing != nil || h.H2 != nil || h.Raw != nil {
		h.TLS, h.Host = r.tls, r.site.host
		if r.tls {
			h.SNI = r.at.Host.Name
		}
		a.HTTP = &h
	}
	switch {
	case h.Root != nil:
		return h.Root.Status
	case r.good || r.failure == "":
		return record.OK
	}
	return r.failure
}
