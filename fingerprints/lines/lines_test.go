package lines

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// said is an answer: a greeting, then commands and what came of them, in turn.
func said(greeting string, more ...string) *record.Lines {
	l := &record.Lines{Greeting: []byte(greeting)}
	for i := 0; i < len(more); i += 2 {
		r := record.Reply{Command: more[i], Status: record.OK, Text: []byte(more[i+1])}
		if strings.ContainsAny(more[i+1][:1], "45-") {
			r.Status = record.Alert
		}
		l.Replies = append(l.Replies, r)
	}
	return l
}

func of(a record.Answer) map[string]string {
	out := map[string]string{}
	for _, p := range Of(a, "203.0.113.9", "") {
		out[p.Kind] = p.Value
	}
	return out
}

// What the servers of Debian 12's packages say, as recorded.
func TestRecordedServers(t *testing.T) {
	for _, c := range []struct {
		answer record.Answer
		want   map[string]string
	}{
		{record.Answer{SMTP: said("220 mx7.provider.net ESMTP Postfix (Debian/GNU)\r\n",
			"EHLO hostkin.invalid", "250-mx7.provider.net\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n",
			"STARTTLS", "220 2.0.0 Ready to start TLS\r\n")},
			map[string]string{
				"smtp.greeting": "220 {host} ESMTP Postfix (Debian/GNU)",
				"smtp.ehlo":     "PIPELINING, SIZE 10240000, VRFY, ETRN, STARTTLS, ENHANCEDSTATUSCODES, 8BITMIME, DSN, SMTPUTF8, CHUNKING",
				"mail.domain":   "provider.net",
			}},
		{record.Answer{FTP: said("220 (vsFTPd 3.0.3)\r\n", "FEAT", "211-Features:\r\n AUTH TLS\r\n EPRT\r\n EPSV\r\n MDTM\r\n PASV\r\n PBSZ\r\n PROT\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n211 End\r\n")},
			map[string]string{
				"ftp.banner":   "220 (vsFTPd #.#.#)",
				"ftp.features": "AUTH TLS, EPRT, EPSV, MDTM, PASV, PBSZ, PROT, REST STREAM, SIZE, TVFS",
			}},
		{record.Answer{IMAP: said("* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ STARTTLS AUTH=PLAIN] Dovecot (Debian) ready.\r\n",
			"a CAPABILITY", "* CAPABILITY IMAP4rev1 SASL-IR LITERAL+ STARTTLS AUTH=PLAIN\r\na OK Pre-login capabilities listed.\r\n")},
			map[string]string{
				"imap.greeting":     "* OK [CAPABILITY] Dovecot (Debian) ready.",
				"imap.capabilities": "IMAP4rev1 SASL-IR LITERAL+ STARTTLS AUTH=PLAIN",
			}},
		{record.Answer{POP3: said("+OK Dovecot (Debian) ready.\r\n", "CAPA", "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nSTLS\r\nSASL PLAIN\r\n.\r\n")},
			map[string]string{
				"pop3.greeting":     "+OK Dovecot (Debian) ready.",
				"pop3.capabilities": "CAPA, TOP, UIDL, STLS, SASL PLAIN",
			}},
	} {
		if diff := cmp.Diff(c.want, of(c.answer)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// A template has nothing of one host or one moment, and all of the product.
func TestTemplates(t *testing.T) {
	for greeting, want := range map[string][2]string{ // template, domain
		"220 mail.example.com ESMTP Exim 4.96 Tue, 24 Nov 2026 23:46:39 +0000\r\n":                              {"220 {host} ESMTP Exim #.# {date}", "example.com"},
		"220 mx.example.com ESMTP Sendmail 8.17.1/8.17.1/Debian-2; Tue, 24 Nov 2026 23:46:39 GMT; (No UCE)\r\n": {"220 {host} ESMTP Sendmail #.#.#/#.#.#/Debian-#; {date}; (No UCE)", "example.com"},
		"220 mx.example.com ESMTP ready at Tue Nov 24 23:46:39 2026\r\n":                                        {"220 {host} ESMTP ready at {date}", "example.com"},
		"220 mx.example.com ESMTP 2026-11-24T23:46:39 x\r\n":                                                    {"220 {host} ESMTP {date} x", "example.com"},
		"220 mx.google.com ESMTP d9443c01a7336-2a1b2c3d4e5fsi1234567ad.123 - gsmtp\r\n":                         {"220 {host} ESMTP #-#.# - gsmtp", "google.com"},
		"220 AM6EUR05FT0.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026 23:46:39 +0000 [08DE1A2B3C4D5E6F]\r\n": {
			"220 {host} Microsoft ESMTP MAIL Service ready at {date} [#]", "outlook.com"},
		"220-mx.example.net ESMTP\r\n220-hands off\r\n220 mx.example.net\r\n": {`220-{host} ESMTP\n220-hands off\n220 {host}`, "example.net"},
		"220 [203.0.113.9] ESMTP\r\n":                                         {"220 [{host}] ESMTP", ""},
		"220 vm12 ESMTP\r\n":                                                  {"220 vm# ESMTP", ""},
		"220 ready\n":                                                         {`220 ready\n`, ""}, // not CR LF
		"220 \x1b[31m\u202e\xff\r\n":                                          {`220 \x1b[#m\u202e\xff`, ""},
		"554 mx.example.com No SMTP service here\r\n":                         {"554 {host} No SMTP service here", "example.com"},
	} {
		got := of(record.Answer{SMTP: said(greeting)})
		if got[SMTPGreeting] != want[0] || got[Domain] != want[1] {
			t.Errorf("%q:\n%q of %q, want\n%q of %q", greeting, got[SMTPGreeting], got[Domain], want[0], want[1])
		}
	}
	for greeting, want := range map[string][2]string{
		"220 ProFTPD Server (Debian) [::ffff:203.0.113.9]\r\n":                                               {"220 ProFTPD Server (Debian) [::ffff:{host}]", ""},
		"220 ftp.example.org FTP server (Version 6.4/OpenBSD) ready.\r\n":                                    {"220 {host} FTP server (Version #.#/OpenBSD) ready.", "example.org"},
		"220-FileZilla Server 0.9.41\r\n220-by Tim Kosse (Tim.Kosse@gmx.de)\r\n220 see http://sf.net/x/\r\n": {`220-FileZilla Server #.#.#\n220-by Tim Kosse (Tim.Kosse@gmx.de)\n220 see http://sf.net/x/`, ""},
		"220-You are user number 7 of 50 allowed.\r\n220-Local time is now 23:46. Server port: 21.\r\n220 x\r\n": {
			`220-You are user number # of # allowed.\n220-Local time is now {date}. Server port: #.\n220 x`, ""},
	} {
		got := of(record.Answer{FTP: said(greeting)})
		if got[FTPBanner] != want[0] || got[Domain] != want[1] {
			t.Errorf("%q:\n%q of %q, want\n%q of %q", greeting, got[FTPBanner], got[Domain], want[0], want[1])
		}
	}
	pop := of(record.Answer{POP3: said("+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n")}) // RFC 1939 section 7
	if pop[POP3Greeting] != "+OK POP# server ready {stamp}" {
		t.Errorf("%q", pop)
	}
	imap := of(record.Answer{IMAP: said("* OK The Microsoft Exchange IMAP4 service is ready. [QgBOADgAUABSADAANgBNAEIAMwAxADMAMAA=]\r\n")})
	if imap[IMAPGreeting] != "* OK The Microsoft Exchange IMAP# service is ready. {stamp}" {
		t.Errorf("%q", imap)
	}
}

// Without an own name in the greeting the one in the reply to EHLO counts, and
// a name without dots is one if both say it.
func TestNames(t *testing.T) {
	for _, c := range []struct{ greeting, ehlo, template, domain string }{
		{"220 ready\r\n", "250-mx.example.com hello\r\n250 SIZE\r\n", "220 ready", "example.com"},
		{"220 vm ESMTP vm\r\n", "250 vm\r\n", "220 {host} ESMTP {host}", ""},
		{"220 Welcome\r\n", "250 vm\r\n", "220 Welcome", ""},
		{"220 mx.example.com.lan x mx.example.com.\r\n", "250 mx.example.com\r\n", "220 {host} x {host}.", "example.com"},
	} {
		got := of(record.Answer{SMTP: said(c.greeting, "EHLO x.example", c.ehlo)})
		if got[SMTPGreeting] != c.template || got[Domain] != c.domain {
			t.Errorf("%q: %q", c.greeting, got)
		}
	}
	asked := Of(record.Answer{SMTP: said("220 panel.example ESMTP\r\n")}, "203.0.113.9", "panel.example")
	if want := (value.Pair{Kind: SMTPGreeting, Value: "220 {host} ESMTP"}); !slices.Contains(asked, want) || len(asked) != 1 {
		t.Errorf("%q", asked)
	}
}

func TestLists(t *testing.T) {
	for want, a := range map[string]record.Answer{
		"500":                             {SMTP: said("220 x\r\n", "EHLO a", "500 what?\r\n", "HELO a", "250 x\r\n")},
		"SIZE 1, AUTH PLAIN LOGIN, X\\,Y": {SMTP: said("220 x\r\n", "EHLO a", "250-x\r\n250-SIZE 1\r\n250-AUTH PLAIN LOGIN\r\n250 X,Y\r\n")},
		"530 Please login.":               {FTP: said("220 x\r\n", "FEAT", "530 Please login.\r\n")},
		"MDTM, SIZE":                      {FTP: said("220 x\r\n", "FEAT", "211-Extensions\r\n211-MDTM\r\n211-SIZE\r\n211 End\r\n")},
		"211 no-features":                 {FTP: said("220 x\r\n", "FEAT", "211 no-features\r\n")},
		"":                                {POP3: said("+OK\r\n", "CAPA", "-ERR\r\n")},
	} {
		got := of(a)
		if list := got[SMTPEHLO] + got[FTPFeatures] + got[POP3Capabilities] + got[IMAPCapabilities]; list != want {
			t.Errorf("%q, want %q", list, want)
		}
	}
	broken := said("220 x\r\n", "EHLO a", "250-x\r\n250-SIZE 1\r\n")
	broken.Replies[0].Status = record.Closed
	if got := of(record.Answer{SMTP: broken}); got[SMTPEHLO] != "" {
		t.Errorf("a list that broke off is a fingerprint: %q", got)
	}
}

func TestBanner(t *testing.T) {
	for banner, want := range map[string]string{
		"RFB 003.008\n":                "RFB #.#\\n",
		"\xff\xfd\x18\xff\xfd\x20":     `\xff\xfd\x18\xff\xfd `,
		"203.0.113.9 says 0123456789a": "{host} says #",
		"":                             "",
	} {
		if got := of(record.Answer{Detect: &record.Detect{Banner: []byte(banner)}})[Banner]; got != want {
			t.Errorf("%q: %q, want %q", banner, got, want)
		}
	}
	if got := of(record.Answer{Detect: &record.Detect{Protocol: "ssh", Banner: []byte("SSH-2.0-x\r\n")}}); len(got) > 0 {
		t.Errorf("a protocol that is known: %q", got)
	}
}

func FuzzOf(f *testing.F) {
	for _, s := range []string{"220 mx.example.com ESMTP\r\n", "* OK [CAPABILITY a] x\r\n", "+OK <1@x>\r\n", "220-\n\n220", "211-\r\n x\r\n211 e\r\n", "a", "\n", "* CAPABILITY ", ""} {
		f.Add([]byte(s), []byte(s), "mx.example.com")
	}
	f.Fuzz(func(t *testing.T, greeting, text []byte, name string) {
		for _, status := range []record.Status{record.OK, record.Alert} {
			l := &record.Lines{Greeting: greeting}
			for _, command := range []string{"EHLO x", "FEAT", "a CAPABILITY", "CAPA"} {
				l.Replies = append(l.Replies, record.Reply{Command: command, Status: status, Text: text})
			}
			for _, p := range Of(record.Answer{SMTP: l, FTP: l, IMAP: l, POP3: l, Detect: &record.Detect{Banner: greeting}}, "203.0.113.9", name) {
				if p.Value == "" || len(p.Value) > value.Max || strings.ContainsFunc(p.Value, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%s: %q", p.Kind, p.Value)
				}
			}
		}
	})
}
