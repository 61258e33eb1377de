package pcap

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// maxNames bounds the names that one endpoint is asked by.
const maxNames = 32

// book holds what is known of endpoints until it is written.
type book struct {
	config    Config
	stats     *Stats
	endpoints map[netip.AddrPort]*endpoint
	bytes     int
}

// endpoint is what is known of one.
type endpoint struct {
	book        *book
	at          netip.AddrPort
	first, last uint64 // packets
	tcp         *record.TCP
	tcpSpan     span
	sites       []*site
	bytes       int
}

// site is an endpoint under one name, or "".
type site struct {
	name   string
	tls    []record.TLSAnswer
	jarm   *record.JARM
	ssh    *record.SSH
	http   *record.HTTP
	banner []byte

	sshStatus                                        record.Status
	tlsSpan, jarmSpan, sshSpan, httpSpan, bannerSpan span
}

// span is the packets and the time of an observation.
type span struct {
	first    uint64
	from, to time.Time
}

func (s *span) add(c *conn) {
	if s.first == 0 || c.number < s.first {
		s.first, s.from = c.number, c.began
	}
	if c.until.After(s.to) {
		s.to = c.until
	}
}

// add takes in a connection that is over.
func (b *book) add(c *conn) {
	complete := c.syn != nil && c.synAck != nil
	if c.server == unknown || c.reader == nil && !complete {
		return
	}
	at := c.ends[c.server]
	e := b.endpoints[at]
	if e == nil {
		e = &endpoint{book: b, at: at, first: c.number}
		b.endpoints[at] = e
		e.keep(1 << 10) // of this program's own
	}
	e.first, e.last = min(e.first, c.number), max(e.last, c.last)
	if complete && (e.tcp == nil || c.number < e.tcpSpan.first) {
		e.tcp, e.tcpSpan = &record.TCP{SYN: c.syn, SYNACK: c.synAck}, span{c.number, c.began, c.shaken}
	}
	if c.reader != nil {
		c.reader.into(e, c)
	}
	if len(b.endpoints) > b.config.Endpoints || b.bytes > b.config.Bytes {
		b.write(b.silent())
	}
}

// keep counts n bytes more.
func (e *endpoint) keep(n int) {
	e.bytes += n
	e.book.bytes += n
}

// site is the one of a name, or nil when there are too many.
func (e *endpoint) site(name string) *site {
	name = nameOf(name)
	for _, s := range e.sites {
		if s.name == name {
			return s
		}
	}
	if len(e.sites) == maxNames {
		e.book.stats.Names++
		return nil
	}
	s := &site{name: name}
	e.sites = append(e.sites, s)
	return s
}

// silent is the half of the endpoints that was silent for longest.
func (b *book) silent() []*endpoint {
	all := b.all()
	slices.SortFunc(all, func(a, b *endpoint) int { return cmp.Compare(a.last, b.last) })
	return all[:(len(all)+1)/2]
}

func (b *book) all() []*endpoint {
	var all []*endpoint
	for _, e := range b.endpoints {
		all = append(all, e)
	}
	return all
}

// flush writes all endpoints.
func (b *book) flush() { b.write(b.all()) }

// write writes endpoints in the order of their first packets, and forgets them.
func (b *book) write(list []*endpoint) {
	slices.SortFunc(list, func(a, b *endpoint) int { return cmp.Compare(a.first, b.first) })
	for _, e := range list {
		b.stats.Endpoints++
		e.write()
		delete(b.endpoints, e.at)
		b.bytes -= e.bytes
	}
}

// write emits the observations of e: the handshake, then those of each name in
// the order in which the names were first asked for.
func (e *endpoint) write() {
	if e.tcp != nil {
		e.emit("", "tcp", record.OK, e.tcpSpan, record.Answer{TCP: e.tcp})
	}
	e.shareD()
	spokeTLS := slices.ContainsFunc(e.sites, func(s *site) bool {
		return slices.ContainsFunc(s.tls, func(a record.TLSAnswer) bool { return len(a.ServerHello) > 0 })
	})
	for _, s := range e.sites {
		s.write(e, spokeTLS)
	}
}

// shareD puts the answer to hello D, which names no host, beside the answers to
// the other hellos under whatever name those were sent.
func (e *endpoint) shareD() {
	isD := func(a record.TLSAnswer) bool { return a.Hello == "d" }
	ours := func(a record.TLSAnswer) bool { return a.Hello != "" && !isD(a) }
	i := slices.IndexFunc(e.sites, func(s *site) bool { return slices.ContainsFunc(s.tls, isD) })
	if i < 0 {
		return
	}
	from, taken := e.sites[i], false
	d := from.tls[slices.IndexFunc(from.tls, isD)]
	for _, s := range e.sites {
		if s != from && slices.ContainsFunc(s.tls, ours) {
			s.tls, taken = append(s.tls, d), true
		}
	}
	if taken && !slices.ContainsFunc(from.tls, ours) {
		from.tls = slices.DeleteFunc(from.tls, isD)
	}
}

func (s *site) write(e *endpoint, spokeTLS bool) {
	if s.banner != nil {
		e.emit(s.name, "detect", record.Malformed, s.bannerSpan, record.Answer{Detect: &record.Detect{Banner: s.banner}})
	}
	if len(s.tls) > 0 {
		t, status := tlsprobe.Join(s.name, s.tls)
		e.emit(s.name, "tls", status, s.tlsSpan, record.Answer{TLS: t})
	}
	if s.jarm != nil {
		e.emit(s.name, "jarm", jarmStatus(s.jarm), s.jarmSpan, record.Answer{JARM: s.jarm})
	}
	if s.ssh != nil && s.sshSpan.first != 0 {
		e.emit(s.name, "ssh", s.sshStatus, s.sshSpan, record.Answer{SSH: s.ssh})
	}
	if h := s.http; h != nil && s.httpSpan.first != 0 {
		status := record.OK
		for _, p := range []*record.Page{h.Missing, h.Favicon, h.Root} {
			if p != nil {
				status = p.Status
			}
		}
		if spokeTLS { // plain HTTP on a TLS port is not its site
			h = &record.HTTP{TLS: true, Host: h.Host, Plain: h.Root}
		}
		if !spokeTLS || h.Plain != nil {
			e.emit(s.name, "http", status, s.httpSpan, record.Answer{HTTP: h})
		}
	}
}

// jarmStatus is that of the probe: OK if there is any ServerHello, else that
// of the first answer. A hello that was not seen is unknown.
func jarmStatus(j *record.JARM) record.Status {
	for i := range j.Answers {
		if j.Answers[i].Status == "" {
			j.Answers[i].Status = record.Timeout
		}
	}
	status := j.Answers[0].Status
	for _, a := range j.Answers {
		if a.Status == record.OK {
			status = record.OK
		}
	}
	return status
}

func (e *endpoint) emit(name, probe string, status record.Status, s span, a record.Answer) {
	e.book.config.Emit(record.Observation{
		Schema: record.Schema,
		Host:   record.Host{IP: e.at.Addr(), Name: name},
		Port:   e.at.Port(),
		Probe:  probe,
		Status: status,
		At:     s.from.UTC(),
		Ms:     max(0, float64(s.to.Sub(s.from).Microseconds())/1000),
		Answer: a,
	})
}
