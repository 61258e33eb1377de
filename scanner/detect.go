package scanner

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// detector finds out what an unknown port speaks, with one connection: it
// waits for a banner, then sends a ClientHello and looks at what comes back.
// Its observation ("detect") is OK when a protocol was recognised.
type detector struct{}

var _ conversation.Probe = detector{}

const (
	bannerWait   = 500 * time.Millisecond // for a server that speaks first
	detectKept   = 512                    // bytes kept of a banner, and of a reply
	detectLimits = 64 << 10               // bytes received
)

// Name implements conversation.Probe.
func (detector) Name() string { return "detect" }

// Start implements conversation.Probe.
func (detector) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	return &detectRun{at: at, done: seen.Detect != nil}
}

type detectRun struct {
	at     record.Endpoint
	done   bool
	c      detection
	status record.Status
}

func (r *detectRun) Next(x *conversation.Exchange) bool {
	if r.done {
		return false
	}
	r.done = true
	r.c.name = r.at.Host.Name
	x.Addr, x.Conv = r.at.AddrPort(), &r.c
	x.Limits.Bytes = detectLimits
	return true
}

func (r *detectRun) Ended(x *conversation.Exchange) { r.status = x.Status }

func (r *detectRun) Fold(a *record.Answer) record.Status {
	if r.c.opened {
		found := r.c.found
		a.Detect = &found
	}
	return r.status
}

// detection is the connection of a detector.
type detection struct {
	name   string // server name, if the host has one
	found  record.Detect
	opened bool
	asked  bool   // the ClientHello is sent
	hello  []byte // made when it is needed
}

func (d *detection) Open() conversation.Step {
	d.opened = true
	return conversation.Step{Gap: bannerWait}
}

func (d *detection) Feed(in []byte) conversation.Step {
	to := &d.found.Banner
	if d.asked {
		to = &d.found.Reply
	}
	*to = append(*to, in[:min(len(in), detectKept-len(*to))]...)
	d.found.Protocol = recognise(*to, d.asked)
	if d.found.Protocol != "" || len(*to) == detectKept {
		return conversation.Step{Do: conversation.Done}
	}
	return conversation.Step{Gap: bannerWait}
}

// Quiet: no banner, or no more of it, or of a reply.
func (d *detection) Quiet() conversation.Step {
	if d.asked || len(d.found.Banner) > 0 {
		return conversation.Step{Do: conversation.Done}
	}
	d.asked = true
	if d.hello == nil {
		var err error
		if d.hello, err = clientHello(d.name); err != nil {
			return conversation.Step{Do: conversation.Done}
		}
	}
	return conversation.Step{Send: d.hello}
}

func (d *detection) End(why record.Status) record.Status {
	switch {
	case d.found.Protocol != "":
		return record.OK
	case len(d.found.Banner)+len(d.found.Reply) > 0 && why != record.Cancelled:
		return record.Malformed
	case why == record.OK:
		return record.Timeout
	}
	return why
}

// recognise names the protocol of the first bytes of a server, or "". Lines
// may come before an SSH identification (RFC 4253 section 4.2).
func recognise(b []byte, afterHello bool) string {
	line := b
	for {
		switch {
		case bytes.HasPrefix(line, []byte("SSH-")):
			return "ssh"
		case bytes.HasPrefix(line, []byte("HTTP/")):
			return "http"
		}
		_, rest, more := bytes.Cut(line, []byte("\n"))
		if !more {
			break
		}
		line = rest
	}
	const alert, handshake = 21, 22 // content types, RFC 8446 section 5.1
	if afterHello && len(b) >= 3 && (b[0] == alert || b[0] == handshake) && b[1] == 3 && b[2] <= 4 {
		return "tls"
	}
	if start := bytes.ToLower(bytes.TrimLeft(b, " \t\r\n")); afterHello &&
		(bytes.HasPrefix(start, []byte("<html")) || bytes.HasPrefix(start, []byte("<!doctype"))) {
		return "http" // HTTP/0.9 style errors of old servers
	}
	return ""
}

// clientHello is a common ClientHello, by crypto/tls.
func clientHello(name string) ([]byte, error) {
	c := &firstWrite{}
	// The handshake fails as soon as the hello is out.
	err := tls.Client(c, &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true, // nothing is verified or trusted: the answer's first byte is looked at
		MinVersion:         tls.VersionTLS10,
		CurvePreferences:   []tls.CurveID{tls.X25519, tls.CurveP256},
	}).Handshake()
	if len(c.wrote) == 0 {
		return nil, err
	}
	return c.wrote, nil
}

// firstWrite is a connection that keeps the first write and then fails.
type firstWrite struct {
	net.Conn
	wrote []byte
}

func (c *firstWrite) Write(p []byte) (int, error) {
	if c.wrote == nil {
		c.wrote = bytes.Clone(p)
	}
	return len(p), nil
}

func (c *firstWrite) Read([]byte) (int, error) { return 0, errors.New("hello only") }
func (c *firstWrite) Close() error             { return nil }
