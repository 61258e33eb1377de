// Package lineprobe asks the servers of protocols that speak in lines: SMTP,
// FTP, IMAP and POP3. One connection brings the greeting, the list of what the
// server can do, and, if it can turn the connection into TLS, its certificate.
// Nobody logs in, and nothing is said before the greeting.
package lineprobe

import (
	"net/url"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// maxReceived bounds a connection, in bytes: a few replies and a TLS handshake.
const maxReceived = 384 << 10

// Probe asks one protocol, inside TLS if an earlier probe of the endpoint found
// TLS there.
type Probe struct {
	Protocol string // "smtp", "ftp", "imap" or "pop3"
	Contact  string // URL or mail address; its domain is who we say we are in EHLO
}

var _ conversation.Probe = Probe{}

// Name is the protocol.
func (p Probe) Name() string { return p.Protocol }

// Start implements conversation.Probe. A protocol that is not in the table is
// not asked. The status is OK for a greeting, Alert for one that turns us away,
// whatever came after it.
func (p Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	r := &conversation.Single{At: at, Bytes: maxReceived}
	list := dialects()
	i := slices.IndexFunc(list, func(d dialect) bool { return d.name == p.Protocol })
	if i < 0 {
		return r
	}
	t, before := seen.TLS, *list[i].field(&seen)
	inside := t != nil && (t.Version != 0 || len(t.ServerHello) > 0)
	// After a greeting in plain text the TLS is that of the upgrade.
	if before != nil && (len(before.Greeting) > 0 || before.TLS == inside) {
		return r
	}
	c := &connection{dialect: list[i], sni: at.Host.Name, us: clientName(p.Contact), tls: inside}
	r.Conv, r.Write = c, c.write
	if inside {
		r.Conv = tlsprobe.Wrap(c, at.Host.Name, nil)
	}
	return r
}

func (c *connection) write(a *record.Answer) {
	if lines, ok := c.result(); ok {
		*c.field(a) = &lines
	}
	if c.secured {
		if t, ok := c.shake.Answer(); ok {
			a.TLS = &t
		}
	}
}

// nobody is who we are in EHLO without a contact. RFC 5321 section 4.1.1.1
// wants a name or an address; what address the server sees we cannot know, and
// this name is nobody's (RFC 2606 section 2).
const nobody = "hostkin.invalid"

// clientName is the domain of a contact.
func clientName(contact string) string {
	name := contact[strings.LastIndexByte(contact, '@')+1:]
	if u, err := url.Parse(contact); err == nil && u.Host != "" {
		name = u.Hostname()
	}
	odd := func(r rune) bool {
		return r != '-' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	if !strings.Contains(name, ".") || len(name) > 253 || strings.ContainsFunc(name, odd) {
		return nobody
	}
	return name
}
