// Package lines derives fingerprints from services that speak in lines (SMTP,
// FTP, IMAP, POP3), and from banners of services that nobody knows.
package lines

import (
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// The kinds, as in a fingerprint/1 line. Greetings are templates: {host} for
// names of the host, {date} for when it was, '#' for what counts or identifies.
const (
	SMTPGreeting     = "smtp.greeting"
	SMTPEHLO         = "smtp.ehlo" // extensions with their parameters, in wire order
	FTPBanner        = "ftp.banner"
	FTPFeatures      = "ftp.features" // of FEAT, likewise
	IMAPGreeting     = "imap.greeting"
	IMAPCapabilities = "imap.capabilities"
	POP3Greeting     = "pop3.greeting"
	POP3Capabilities = "pop3.capabilities"
	Banner           = "banner"
	Domain           = "mail.domain" // registrable domain of what the server calls itself
)

// Of derives the fingerprints of what a host at that address, with that name
// or none, said.
func Of(a record.Answer, addr, name string) []value.Pair {
	var out value.List
	h := host{addr, name}
	if l := whole(a.SMTP); l != nil {
		h := h.and(smtpNames(l)...)
		out.Add(SMTPGreeting, h.template(l.Greeting))
		out.Add(SMTPEHLO, extensions(l))
		out.Add(Domain, h.domain())
	}
	if l := whole(a.FTP); l != nil {
		h := h.and(namesIn(l.Greeting)...)
		out.Add(FTPBanner, h.template(l.Greeting))
		out.Add(FTPFeatures, features(l))
		out.Add(Domain, h.domain())
	}
	if l := whole(a.IMAP); l != nil {
		greeting := withoutCapability(l.Greeting)
		h := h.and(namesIn(greeting)...)
		out.Add(IMAPGreeting, h.template(greeting))
		out.Add(IMAPCapabilities, capabilityIMAP(l))
		out.Add(Domain, h.domain())
	}
	if l := whole(a.POP3); l != nil {
		h := h.and(namesIn(l.Greeting)...)
		out.Add(POP3Greeting, h.template(l.Greeting))
		out.Add(POP3Capabilities, capabilityPOP3(l))
		out.Add(Domain, h.domain())
	}
	if d := a.Detect; d != nil && d.Protocol == "" {
		out.Add(Banner, h.template(d.Banner[:min(len(d.Banner), maxBanner)]))
	}
	return out
}

// maxBanner is how much of an unknown service's first words is its banner.
const maxBanner = 256

func whole(l *record.Lines) *record.Lines {
	if l == nil || len(l.Greeting) == 0 {
		return nil
	}
	return l
}

// reply is the answer to a command, by its word ("EHLO"), nil if there is none
// that is whole.
func reply(l *record.Lines, word string) *record.Reply {
	for i, r := range l.Replies {
		if strings.Contains(" "+r.Command+" ", " "+word+" ") && (r.Status == record.OK || r.Status == record.Alert) {
			return &l.Replies[i]
		}
	}
	return nil
}

// linesOf are the lines of a text without their endings, at least one.
func linesOf(text []byte) (out []string) {
	for line := range strings.Lines(string(text)) {
		out = append(out, strings.TrimRight(line, "\r\n"))
	}
	if out == nil {
		out = []string{""}
	}
	return out
}

// joined is a list in wire order: "PIPELINING, SIZE 10240000".
func joined(items []string) string {
	for i, item := range items {
		items[i] = value.Escaped(item, `,\`)
	}
	return strings.Join(items, ", ")
}

// extensions of an EHLO reply, whose first line names the host and greets the
// client. A server that refuses EHLO is told by its code.
func extensions(l *record.Lines) string {
	r := reply(l, "EHLO")
	if r == nil {
		return ""
	}
	if r.Status == record.Alert {
		return value.Text(string(r.Text[:min(3, len(r.Text))]))
	}
	var list []string
	for _, line := range linesOf(r.Text)[1:] {
		_, line = cutCode(line)
		list = append(list, line)
	}
	return joined(list)
}

// features of a FEAT reply (RFC 2389 section 3.2): each in a line that begins
// with a space. A refusal is the code and what it says.
func features(l *record.Lines) string {
	r := reply(l, "FEAT")
	if r == nil {
		return ""
	}
	lines := linesOf(r.Text)
	if r.Status == record.Alert || len(lines) == 1 {
		return value.Text(strings.Join(lines, "\n"))
	}
	var list []string
	for _, line := range lines[1 : len(lines)-1] {
		_, line = cutCode(line)
		list = append(list, strings.TrimPrefix(line, " "))
	}
	return joined(list)
}

// capabilityIMAP is the untagged answer to CAPABILITY.
func capabilityIMAP(l *record.Lines) string {
	r := reply(l, "CAPABILITY")
	if r == nil {
		return ""
	}
	for _, line := range linesOf(r.Text) {
		if list, ok := cutPrefix(line, "* CAPABILITY "); ok {
			return value.Text(list)
		}
	}
	return ""
}

// capabilityPOP3 is the list between "+OK" and the dot (RFC 2449 section 5).
func capabilityPOP3(l *record.Lines) string {
	r := reply(l, "CAPA")
	if r == nil || r.Status != record.OK {
		return ""
	}
	lines := linesOf(r.Text)
	return joined(lines[1:max(1, len(lines)-1)])
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
