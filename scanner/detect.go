package scanner

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/lineprobe"
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
	r := &conversation.Single{At: at, Bytes: detectLimits}
	if seen.Detect == nil {
		d := &detection{name: at.Host.Name}
		r.Conv, r.Write = d, d.write
	}
	return r
}

func (d *detection) write(a *record.Answer) {
	if d.opened {
		found := d.found
		a.Detect = &found
	}
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
	d.found.Protocol = recognise(*to, d.asked, len(*to) == detectKept)
	if d.found.Protocol != "" || len(*to) == detectKept {
		return conversation.Step{Do: conversation.Done}
	}
	return conversation.Step{Gap: bannerWait}
}

// Quiet: no banner, or no more of it, or of a reply.
func (d *detection) Quiet() conversation.Step {
	if d.asked || len(d.found.Banner) > 0 {
		d.over()
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

// over judges what is there: no more comes.
func (d *detection) over() {
	for _, said := range [][]byte{d.found.Reply, d.found.Banner} {
		if d.found.Protocol == "" && len(said) > 0 {
			d.found.Protocol = recognise(said, d.asked, true)
		}
	}
}

func (d *detection) End(why record.Status) record.Status {
	d.over()
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
// may come before an SSH identification (RFC 4253 section 4.2). over: no more
// bytes come, so that what is not whole is judged as it is.
func recognise(b []byte, afterHello, over bool) string {
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
	switch start := bytes.ToLower(bytes.TrimLeft(b, " \t\r\n")); {
	case afterHello && len(b) >= 3 && (b[0] == alert || b[0] == handshake) && b[1] == 3 && b[2] <= 4:
		return "tls"
	case afterHello && (bytes.HasPrefix(start, []byte("<html")) || bytes.HasPrefix(start, []byte("<!doctype"))):
		return "http" // HTTP/0.9 style errors of old servers
	case greetsMySQL(b):
		return "mysql"
	case afterHello && bytes.HasPrefix(b, []byte("-ERR ")), bytes.HasPrefix(b, []byte("-DENIED Redis")):
		return "redis" // what it makes of the lines in a ClientHello; protected mode
	}
	return lineprobe.Recognise(b, over)
}

// greetsMySQL tells the first packet of a MySQL or MariaDB server: 3 bytes of
// length, number 0, and HandshakeV10 with a version that begins with a digit,
// or an ERR packet with an error from 1000 on, all of which fits the length.
func greetsMySQL(b []byte) bool {
	if len(b) < 7 || b[3] != 0 {
		return false
	}
	length := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	number := int(b[5]) | int(b[6])<<8 // of the error
	return b[4] == 10 && length >= 32 && length < 1024 && b[5] >= '0' && b[5] <= '9' ||
		b[4] == 0xff && length >= 4 && length < 1024 && number >= 1000 && number < 5000
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
