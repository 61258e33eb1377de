package httpprobe

import (
	"bytes"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/scanner/record"
)

// What a watched connection may make us keep.
const (
	maxPending = 64 // requests without an answer yet
	maxSeen    = 8  // pages of one connection
)

// Seen is an answer to the request of another client.
type Seen struct {
	Host string // Host field of the request
	Page record.Page
}

// Watch reads a connection that another client makes, out of a capture, and
// keeps the answers to questions that the probe asks too: GET of the root page,
// of what may be the favicon, of the missing path. Both sides' bytes come in
// their own order.
type Watch struct {
	requests requests
	early    []byte // of the server, before any request
	received int

	now   *response // under way, to asked
	asked request
	seen  []Seen
	raw   []byte
	over  bool
}

// Client takes bytes of the client.
func (w *Watch) Client(in []byte) {
	if w.over {
		return
	}
	w.requests.feed(in)
	if early := w.early; len(early) > 0 && len(w.requests.pending) > 0 {
		w.early = nil
		w.respond(early)
	}
	if w.requests.broken && len(w.requests.pending) == 0 && w.now == nil {
		w.over = true
	}
}

// Server takes bytes of the server.
func (w *Watch) Server(in []byte) {
	if w.over {
		return
	}
	room := maxReceived - w.received
	w.received += len(in)
	w.respond(in[:min(len(in), room)])
	if len(in) > room && !w.over {
		w.finish(record.Truncated)
	}
}

func (w *Watch) respond(in []byte) {
	for len(in) > 0 && !w.over {
		if w.now == nil {
			if len(w.requests.pending) == 0 {
				if w.early = append(w.early, in...); len(w.early) > maxHead {
					w.over = true
				}
				return
			}
			w.asked = w.requests.pending[0]
			w.requests.pending = w.requests.pending[1:]
			w.now = &response{drain: true, bodiless: w.asked.method == "HEAD"}
		}
		in = w.now.feed(in)
		if w.now.status != "" {
			w.answered()
		}
	}
}

// answered keeps a page that is of use.
func (w *Watch) answered() {
	r := w.now
	w.now = nil
	w.over = !r.reusable || w.asked.method == "CONNECT"
	if !w.asked.wanted() || r.code == 304 || r.code == 206 || len(w.seen) == maxSeen {
		return
	}
	page := record.Page{Path: w.asked.path, Status: r.status, Code: r.code, Head: r.head, Body: r.body, Truncated: r.truncated}
	if r.junk {
		page.Code, page.Head = 0, nil
		if w.asked.path == "/" {
			w.raw = r.head
		}
	}
	w.seen = append(w.seen, Seen{w.asked.host, page})
}

// finish ends a response that is under way.
func (w *Watch) finish(why record.Status) {
	switch {
	case w.now == nil:
	case w.now.truncated && w.now.status == "": // all that is kept of it came
		w.now.status = record.OK
		w.answered()
	default:
		w.now.end(why)
		w.answered()
	}
	w.over = true
}

// Done reports whether nothing more is to be learnt.
func (w *Watch) Done() bool { return w.over }

// Kept is about how many bytes are held.
func (w *Watch) Kept() int {
	n := len(w.early) + len(w.requests.head)
	if w.now != nil {
		n += len(w.now.head) + len(w.now.body)
	}
	for _, s := range w.seen {
		n += len(s.Page.Head) + len(s.Page.Body)
	}
	return n
}

// End tells why there is no more. A request that was not answered was asked
// for nothing: it is left out unless it was the first.
func (w *Watch) End(why record.Status) {
	if w.over {
		return
	}
	if w.now == nil && w.received == 0 && len(w.requests.pending) > 0 {
		w.asked, w.now = w.requests.pending[0], &response{}
	}
	w.finish(why)
}

// Seen are the pages, in the order of their requests, once End was called.
func (w *Watch) Seen() []Seen { return w.seen }

// Raw is the first bytes of an answer that is not HTTP.
func (w *Watch) Raw() []byte { return w.raw }

// Place puts a page into its field of h, if it is an answer to one of the
// probe's questions to that host and h has no good one yet; it reports whether
// it did.
func Place(h *record.HTTP, s Seen) bool {
	if h.Host == "" {
		h.Host = visible(s.Host)
	}
	var to **record.Page
	switch at := (site{scheme: "http", host: h.Host}); s.Page.Path {
	case "/":
		to = &h.Root
	case missingPath:
		to = &h.Missing
	case at.icon(h.Root):
		to = &h.Favicon
	default:
		return false
	}
	if *to != nil && ((*to).Status == record.OK || s.Page.Status != record.OK) {
		return false
	}
	*to = &s.Page
	if h.Favicon != nil && h.Root != nil && h.Favicon.Path != (site{scheme: "http", host: h.Host}).icon(h.Root) {
		h.Favicon = nil // the page names another
	}
	return true
}

// request is one request of the client.
type request struct {
	method, path, host string
	special            bool // conditional, for a part, or odd: the answer is not what others get
}

// wanted tells a question that the probe asks too. What the page names as its
// icon is known only when both were seen, so that whatever looks like a
// picture passes.
func (a request) wanted() bool {
	if a.method != "GET" || a.special {
		return false
	}
	if a.path == "/" || a.path == missingPath {
		return true
	}
	u, err := url.ParseRequestURI(a.path)
	if err != nil || len(a.path) > maxIconPath || !printable(a.path) {
		return false
	}
	return strings.Contains(u.Path, "icon") ||
		slices.Contains([]string{".ico", ".png", ".svg", ".gif", ".jpg", ".jpeg", ".webp"}, path.Ext(u.Path))
}

// requests reads the requests of a client (RFC 9112 section 3).
type requests struct {
	head    []byte
	left    int64     // bytes of a body to come
	chunks  *chunked  // of a body in chunks
	broken  bool      // no requests, or none any more
	pending []request // read and not answered
}

func (q *requests) feed(in []byte) {
	for len(in) > 0 && !q.broken {
		switch {
		case q.left > 0:
			n := min(int64(len(in)), q.left)
			q.left -= n
			in = in[n:]
		case q.chunks != nil:
			var err error
			if _, in, err = q.chunks.cut(in); err != nil {
				q.broken = true
			} else if q.chunks.done() {
				q.chunks = nil
			}
		default:
			in = q.feedHead(in)
		}
	}
}

func (q *requests) feedHead(in []byte) (rest []byte) {
	if len(q.head) == 0 {
		in = bytes.TrimLeft(in, "\r\n")
	}
	from := max(0, len(q.head)-2)
	room := min(len(in), maxHead-len(q.head))
	q.head = append(q.head, in[:room]...)
	end := endOfHead(q.head, from)
	if end < 0 {
		q.broken = len(q.head) == maxHead
		return in[room:]
	}
	rest = in[room-(len(q.head)-end):]
	q.begin(q.head[:end])
	q.head = nil
	return rest
}

// begin learns from a whole head what follows it.
func (q *requests) begin(head []byte) {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	text, ended := strings.CutSuffix(string(line), "\r")
	words := strings.Split(text, " ")
	if len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/1.") || len(q.pending) == maxPending {
		q.broken = true
		return
	}
	a := request{method: words[0], path: words[1], special: !ended}
	if host := fields(head, "Host"); len(host) > 0 {
		a.host = host[0]
	}
	for _, name := range []string{"If-Modified-Since", "If-None-Match", "Range", "Transfer-Encoding"} {
		a.special = a.special || len(fields(head, name)) > 0
	}
	q.pending = append(q.pending, a)
	coding, length := tokens(fields(head, "Transfer-Encoding")), fields(head, "Content-Length")
	switch {
	case a.method == "CONNECT":
		q.broken = true
	case len(coding) > 0:
		q.chunks = new(chunked)
	case len(length) > 0:
		var ok bool
		if q.left, ok = contentLength(length); !ok {
			q.broken = true
		}
	}
}
