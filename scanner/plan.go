package scanner

import (
	"slices"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// Plan is the standard way to ask a host. A port's hint decides what it is
// asked; without one its usual protocol is tried first, and then what the
// server says decides: a banner first, then TLS, then HTTP.
type Plan struct {
	Ports  []Port
	Probes []probes.Entry
	Brief  bool // each protocol's first look only
}

// Next implements the scanner's Next for one host: the first look at every
// port, then what the port turned out to speak, few connections before many.
// With Brief unset it asks whatever is not there yet, so that a brief plan may
// go before it. The ports of a target replace those of the plan, but for hints;
// those that it has besides (Also) are added to them.
func (p Plan) Next(t targets.Target, seen []record.Observation) []Ask {
	var asks []planned
	for _, port := range p.ports(t) {
		look := look{Plan: p, at: record.Endpoint{Host: t.Host, Port: port.Number}, hint: port.Hint}
		for _, o := range seen {
			if o.Port == port.Number {
				look.seen = append(look.seen, o)
			}
		}
		asks = append(asks, look.asks()...)
	}
	slices.SortStableFunc(asks, func(a, b planned) int { return a.cost - b.cost })
	out := make([]Ask, 0, len(asks))
	for _, a := range asks {
		out = append(out, a.Ask)
	}
	return out
}

// ports are those to look at on t, each once, with the hints of the plan.
func (p Plan) ports(t targets.Target) []Port {
	ports := make([]Port, 0, len(p.Ports)+len(t.Ports)+len(t.Also))
	if len(t.Ports) == 0 {
		ports = append(ports, p.Ports...)
	}
	for _, n := range slices.Concat(t.Ports, t.Also) {
		with := func(o Port) bool { return o.Number == n }
		if slices.ContainsFunc(ports, with) {
			continue
		}
		port := Port{Number: n}
		if i := slices.IndexFunc(p.Ports, with); i >= 0 {
			port = p.Ports[i]
		}
		ports = append(ports, port)
	}
	return ports
}

// planned is an ask with its cost in connections.
type planned struct {
	Ask
	cost int
}

// look is what a plan thinks about one port.
type look struct {
	Plan
	at   record.Endpoint
	hint string
	seen []record.Observation
}

// asks is what to ask next; nothing when the port is known well enough.
func (l look) asks() []planned {
	if len(l.seen) == 0 {
		if first := l.first(l.expected()); first != nil {
			return first
		}
		return l.detect()
	}
	if !l.connected() {
		return nil
	}
	protocol, known := l.protocol()
	if !known {
		return l.detect()
	}
	return l.rest(protocol)
}

// expected is the protocol to try first, or "".
func (l look) expected() string {
	if l.hint != "" {
		return l.hint
	}
	return usual(l.at.Port)
}

// first asks the one question that shows whether the port speaks protocol.
func (l look) first(protocol string) []planned {
	for _, e := range l.Probes {
		if probe := l.version(e); e.Speaks == protocol && probe != nil {
			return []planned{{Ask{l.at.Port, probe}, e.Cost}}
		}
	}
	return nil
}

func (l look) version(e probes.Entry) conversation.Probe {
	if l.Brief {
		return e.Brief
	}
	return e.Probe
}

func (l look) detect() []planned {
	if l.find("detect") != nil {
		return nil
	}
	return []planned{{Ask{l.at.Port, detector{}}, 1}}
}

// connected reports whether the port ever accepted a connection.
func (l look) connected() bool {
	return slices.ContainsFunc(l.seen, func(o record.Observation) bool { return o.Probe == "tcp" || o.Status.Connected() })
}

// find is the first observation of a probe, or nil.
func (l look) find(probe string) *record.Observation {
	if i := slices.IndexFunc(l.seen, func(o record.Observation) bool { return o.Probe == probe }); i >= 0 {
		return &l.seen[i]
	}
	return nil
}

// protocol is what the port speaks, as far as that is known. "" and true: none
// that there is a probe for.
func (l look) protocol() (string, bool) {
	if l.hint != "" {
		return l.hint, true
	}
	answer := known(l.seen, l.at.Port)
	if spoken := service(answer); spoken != "" {
		return spoken, true
	}
	switch {
	case spokeTLS(answer):
		return "tls", true
	case answer.SSH != nil && len(answer.SSH.Banner) > 0:
		return "ssh", true
	}
	if o := l.find("detect"); o != nil {
		d := o.Detect
		if d == nil || d.Protocol == "" && len(d.Banner)+len(d.Reply) == 0 {
			return "http", true // it said nothing, but to HTTP it may
		}
		return d.Protocol, true
	}
	if h := answer.HTTP; h != nil && h.Root != nil && h.Root.Code > 0 {
		// A TLS port answers a plain request with 400, as HTTP.
		return "http", h.Root.Code != 400
	}
	for _, e := range l.Probes {
		if o := l.find(e.Probe.Name()); o != nil && o.Status == record.OK {
			return e.Speaks, true
		}
	}
	return "", false
}

// rest asks what a port that speaks protocol has not been asked yet.
func (l look) rest(protocol string) []planned {
	answer := known(l.seen, l.at.Port)
	var asks []planned
	for _, e := range l.Probes {
		seen := l.seen
		switch {
		case e.Speaks == inside(l.at.Port) && protocol == "tls":
			// Inside TLS nothing counts that was said before there was TLS, and
			// what is asked there depends on all the answers to TLS (HTTP/2).
			if !shookHands(answer) || slices.ContainsFunc(asks, func(a planned) bool { return a.Probe.Name() == protocol }) {
				continue
			}
			seen = seen[slices.IndexFunc(seen, func(o record.Observation) bool { return o.TLS != nil }):]
		case e.Speaks != protocol:
			continue
		}
		if probe := l.unasked(e, seen, answer); probe != nil {
			asks = append(asks, planned{Ask{l.at.Port, probe}, e.Cost})
		}
	}
	if first := l.first(protocol); protocol != "http" && len(first) > 0 && len(asks) > 0 {
		return l.worthwhile(first[0].Probe.Name(), answer, asks)
	}
	return asks
}

// worthwhile leaves out the other questions of a protocol while its first is
// open, and for good if the answer was silence or another protocol.
func (l look) worthwhile(first string, answer record.Answer, asks []planned) []planned {
	if i := slices.IndexFunc(asks, func(a planned) bool { return a.Probe.Name() == first }); i >= 0 && l.find(first) == nil {
		return asks[i : i+1]
	}
	spoke := spokeTLS(answer) || answer.SSH != nil && len(answer.SSH.Banner) > 0 || service(answer) != ""
	o := l.find(first)
	if !spoke && o != nil && (o.Status == record.Malformed || o.Status == record.Timeout) {
		return nil
	}
	return asks
}

// unasked is the probe of e that is still to be asked, or nil. A probe that had
// its brief look is asked again for the rest, if there is any.
func (l look) unasked(e probes.Entry, seen []record.Observation, answer record.Answer) conversation.Probe {
	name := e.Probe.Name()
	var before []record.Observation
	for _, o := range seen {
		if o.Probe == name {
			before = append(before, o)
		}
	}
	switch {
	case len(before) == 0:
		return l.version(e)
	case l.Brief, len(before) > 1, e.Brief == nil, before[0].Status != record.OK:
		return nil
	}
	if !e.Probe.Start(l.at, answer).Next(new(conversation.Exchange)) {
		return nil
	}
	return e.Probe
}

// service is the protocol of an answer that is no site's and no shell's, or "".
// Such a port may have shown TLS too, after an upgrade.
func service(a record.Answer) string {
	lines := func(l *record.Lines) bool { return l != nil && !l.TLS && len(l.Greeting) > 0 }
	switch {
	case lines(a.SMTP):
		return "smtp"
	case lines(a.FTP):
		return "ftp"
	case lines(a.IMAP):
		return "imap"
	case lines(a.POP3):
		return "pop3"
	case a.RDP != nil && len(a.RDP.Confirm) > 0:
		return "rdp"
	case a.MySQL != nil && len(a.MySQL.Greeting) > 0:
		return "mysql"
	case a.Postgres != nil && (a.Postgres.SSL != "" || len(a.Postgres.Error) > 0):
		return "postgres"
	case a.Redis != nil && len(a.Redis.Reply) > 0:
		return "redis"
	}
	return ""
}

// spokeTLS reports whether there was any TLS in the answers, an alert too.
func spokeTLS(a record.Answer) bool {
	return shookHands(a) || a.TLS != nil && (len(a.TLS.Alerts) > 0 || len(a.TLS.HelloRetry) > 0)
}

// shookHands reports whether a TLS handshake got as far as a ServerHello: HTTP
// may then be asked inside TLS.
func shookHands(a record.Answer) bool {
	return a.TLS != nil && (a.TLS.Version != 0 || len(a.TLS.ServerHello) > 0)
}
