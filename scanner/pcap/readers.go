package pcap

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/httpprobe"
	"github.com/hostkin/hostkin/scanner/jarmprobe"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/sshprobe"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// reader reads what one connection speaks. Bytes are valid during a call only.
type reader interface {
	client(in []byte)
	server(in []byte)
	done() bool       // nothing more is wanted
	halfCloses() bool // the server may go on when the client has ended
	end(why record.Status)
	kept() int // about how many bytes are held
	// into adds what was learnt, after end, to the endpoint.
	into(e *endpoint, c *conn)
}

// given is why for a probe's conversation that is not done: OK means that the
// client left, as it does after a silence.
func given(why record.Status) record.Status {
	if why == record.OK {
		return record.Timeout
	}
	return why
}

// newTLSReader reads the answer to a ClientHello record, which may be one of JARM's.
func newTLSReader(hello []byte) (reader, bool) {
	if w, ok := jarmprobe.NewWatch(hello); ok {
		return &jarmReader{watch: w}, true
	}
	w, err := tlsprobe.Watch(slices.Clone(hello))
	return &tlsReader{watch: w}, err == nil
}

type tlsReader struct {
	watch tlsprobe.Handshake
	over  bool
	n     int
}

func (r *tlsReader) client([]byte) { r.step(r.watch.Quiet()) }

func (r *tlsReader) server(in []byte) {
	r.n += len(in)
	r.step(r.watch.Feed(in))
}

func (r *tlsReader) step(s conversation.Step) { r.over = r.over || s.Do == conversation.Done }

func (r *tlsReader) done() bool            { return r.over }
func (r *tlsReader) halfCloses() bool      { return false }
func (r *tlsReader) end(why record.Status) { r.watch.End(why) }
func (r *tlsReader) kept() int             { return r.n }

func (r *tlsReader) into(e *endpoint, c *conn) {
	t, ok := r.watch.Answer()
	if !ok {
		return
	}
	s := e.site(t.SNI)
	if s == nil || slices.ContainsFunc(s.tls, func(a record.TLSAnswer) bool { return a.Hello == t.Hello }) {
		return
	}
	s.tlsSpan.add(c)
	s.tls = append(s.tls, t.TLSAnswer)
	e.keep(r.n)
}

type jarmReader struct {
	watch *jarmprobe.Watch
	over  bool
}

func (r *jarmReader) client([]byte)         {}
func (r *jarmReader) server(in []byte)      { r.over = r.watch.Feed(in) }
func (r *jarmReader) done() bool            { return r.over }
func (r *jarmReader) halfCloses() bool      { return false }
func (r *jarmReader) end(why record.Status) { r.watch.End(given(why)) }
func (r *jarmReader) kept() int             { return r.watch.Kept() }

func (r *jarmReader) into(e *endpoint, c *conn) {
	s := e.site(r.watch.SNI)
	if s == nil {
		return
	}
	if s.jarm == nil {
		s.jarm = &record.JARM{SNI: r.watch.SNI, Answers: make([]record.JARMAnswer, jarmprobe.Count)}
	}
	to := &s.jarm.Answers[r.watch.Index]
	if to.Status != "" && to.Status != record.Timeout && to.Status != record.Truncated {
		return
	}
	s.jarmSpan.add(c)
	*to = r.watch.Answer()
	e.keep(len(to.ServerHello))
}

type sshReader struct {
	watch  sshprobe.Watch
	status record.Status
}

func (r *sshReader) client(in []byte)      { r.watch.Client(in) }
func (r *sshReader) server(in []byte)      { r.watch.Server(in) }
func (r *sshReader) done() bool            { return r.watch.Done() }
func (r *sshReader) halfCloses() bool      { return false }
func (r *sshReader) kept() int             { return r.watch.Kept() }
func (r *sshReader) end(why record.Status) { r.status = r.watch.End(given(why)) }

func (r *sshReader) into(e *endpoint, c *conn) {
	s := e.site("") // SSH knows no names
	if s == nil {
		return
	}
	if s.ssh == nil {
		s.ssh, s.sshStatus = new(record.SSH), r.status
	}
	if r.watch.Fold(s.ssh) {
		s.sshSpan.add(c)
		e.keep(r.watch.Kept() + 2<<10) // the lists of a KEXINIT
	}
	if r.status == record.OK {
		s.sshStatus = record.OK
	}
}

type httpReader struct{ watch httpprobe.Watch }

func (r *httpReader) client(in []byte)      { r.watch.Client(in) }
func (r *httpReader) server(in []byte)      { r.watch.Server(in) }
func (r *httpReader) done() bool            { return r.watch.Done() }
func (r *httpReader) halfCloses() bool      { return true }
func (r *httpReader) kept() int             { return r.watch.Kept() }
func (r *httpReader) end(why record.Status) { r.watch.End(given(why)) }

func (r *httpReader) into(e *endpoint, c *conn) {
	for _, seen := range r.watch.Seen() {
		s := e.site(hostName(seen.Host))
		if s == nil {
			continue
		}
		if s.http == nil {
			s.http = new(record.HTTP)
		}
		if s.http.Raw == nil && seen.Page.Code == 0 {
			s.http.Raw = r.watch.Raw()
		}
		if httpprobe.Place(s.http, seen) {
			s.httpSpan.add(c)
			e.keep(len(seen.Page.Head) + len(seen.Page.Body))
		}
	}
}

// hostName is the name in a Host field, in lower case, or "" for an address.
func hostName(field string) string {
	name := field
	if host, port, ok := strings.Cut(field, ":"); ok && !strings.Contains(port, ":") {
		name = host
	}
	return nameOf(name)
}

// nameOf is a name that a host was asked by, or "" for none and for an address.
func nameOf(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil || len(name) > 253 || strings.HasPrefix(name, "[") ||
		strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return name
}

// maxBanner bounds what is kept of a server that spoke first, like the
// scanner's own detection.
const maxBanner = 512

// bannerReader holds the first words of a server that nothing else is read of.
type bannerReader struct{ banner []byte }

func (r *bannerReader) client([]byte)     {}
func (r *bannerReader) server([]byte)     {}
func (r *bannerReader) done() bool        { return true }
func (r *bannerReader) halfCloses() bool  { return false }
func (r *bannerReader) kept() int         { return len(r.banner) }
func (r *bannerReader) end(record.Status) {}

func (r *bannerReader) into(e *endpoint, c *conn) {
	s := e.site("")
	if s == nil || s.banner != nil {
		return
	}
	s.banner = slices.Clone(r.banner)
	s.bannerSpan.add(c)
	e.keep(len(s.banner))
}
