package httpprobe

import (
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// settle is the silence that ends the reading of what is not HTTP.
const settle = 200 * time.Millisecond

// question is one of the requests that are made, in the order in which they are.
type question uint8

const (
	root question = iota
	favicon
	missing
	method // this and the next three are odd. Few servers keep a connection after them, none after the last
	version
	lineEnd
	coding
	plain // to a TLS port, on a connection of its own
	questions
)

// pages is one connection, on which one page after the other is asked for as
// long as the server keeps it open.
type pages struct {
	site site
	ask  []question // still to be asked
	got  [questions]*record.Page
	raw  []byte // first bytes of what is not HTTP

	opened bool
	nth    int // responses read on this connection
	path   string
	now    *response
}

// Open implements conversation.Conversation.
func (p *pages) Open() conversation.Step {
	p.opened = true
	return conversation.Step{Send: p.request()}
}

// request begins the next question.
func (p *pages) request() []byte {
	p.path = "/"
	switch p.ask[0] {
	case favicon:
		p.path = p.site.icon(p.got[root])
	case missing:
		p.path = missingPath
	}
	p.now = new(response)
	return oddly(p.ask[0], p.site.request(p.path))
}

// Feed implements conversation.Conversation. Bytes after the end of a response
// are the beginning of the next one.
func (p *pages) Feed(in []byte) conversation.Step {
	var s conversation.Step
	for len(in) > 0 {
		in = p.now.feed(in)
		if p.now.status == "" {
			break
		}
		if again := p.answered(); !again {
			s.Do = conversation.Done
			return s
		}
		s.Send = append(s.Send, p.request()...)
	}
	if p.now.junk {
		s.Gap = settle
	}
	return s
}

// Quiet implements conversation.Conversation: what is not HTTP has paused.
func (p *pages) Quiet() conversation.Step {
	p.now.end(record.Malformed)
	p.answered()
	return conversation.Step{Do: conversation.Done}
}

// End implements conversation.Conversation. A connection that closes instead
// of answering a further request leaves the question open.
func (p *pages) End(why record.Status) record.Status {
	if !p.opened || p.now == nil {
		return why
	}
	if idle := !p.now.begun() && (why == record.Closed || why == record.Reset); idle && p.nth > 0 {
		return record.OK
	}
	if p.now.status == "" {
		p.now.end(why)
		p.answered()
	}
	return p.now.status
}

// answered keeps a response as a page and tells whether there is a further
// question and a connection for it.
func (p *pages) answered() bool {
	r, q := p.now, p.ask[0]
	page := &record.Page{Path: p.path, Status: r.status, Code: r.code, Head: r.head, Body: r.body, Truncated: r.truncated}
	switch {
	case r.junk:
		page.Code, page.Head = 0, nil
		if q.odd() != "" || q == plain {
			page.Body = r.head
		} else if p.nth == 0 {
			p.raw = r.head
		}
	case q.odd() != "" && r.code < 400: // the page of an ordinary request once more
		page.Body = nil
	}
	p.got[q] = page
	p.ask = p.ask[1:]
	p.nth++
	return r.reusable && len(p.ask) > 0
}
