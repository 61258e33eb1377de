package lineprobe

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/scanner/record"
)

// dialect is what tells one protocol of lines from another: how a reply is
// read, and what is said in which order. No command of any needs a login.
type dialect struct {
	name    string
	start   []string // how a server's first bytes may begin; '9' is any digit
	ask     string   // for the list of what the server can; %s is our name
	askOld  string   // instead, of a server too old for ask
	offer   string   // the word in the list that offers the upgrade
	upgrade string
	leave   string
	read    func(command string, first, line []byte) outcome
	field   func(*record.Answer) **record.Lines
}

// outcome is what a line makes of the reply that it belongs to.
type outcome uint8

const (
	unfinished outcome = iota
	granted            // whole, positive
	denied             // whole, negative
	broken             // not a reply of the protocol
)

// dialects is the table, by the name of the protocol.
func dialects() []dialect {
	return []dialect{
		{
			name: "smtp", start: []string{"999"}, read: readSMTP, // RFC 5321
			ask: "EHLO %s", askOld: "HELO %s", offer: "STARTTLS", upgrade: "STARTTLS", leave: "QUIT", // RFC 3207
			field: func(a *record.Answer) **record.Lines { return &a.SMTP },
		}, {
			name: "ftp", start: []string{"999"}, read: readFTP, // RFC 959
			ask: "FEAT", offer: "TLS", upgrade: "AUTH TLS", leave: "QUIT", // RFC 2389, RFC 4217
			field: func(a *record.Answer) **record.Lines { return &a.FTP },
		}, {
			name: "imap", start: []string{"* "}, read: readIMAP, // RFC 9051
			ask: "a CAPABILITY", offer: "STARTTLS", upgrade: "b STARTTLS", leave: "c LOGOUT",
			field: func(a *record.Answer) **record.Lines { return &a.IMAP },
		}, {
			name: "pop3", start: []string{"+OK", "-ERR"}, read: readPOP3, // RFC 1939
			ask: "CAPA", offer: "STLS", upgrade: "STLS", leave: "QUIT", // RFC 2449, RFC 2595
			field: func(a *record.Answer) **record.Lines { return &a.POP3 },
		},
	}
}

// fits tells whether b may be the beginning of a greeting.
func (d dialect) fits(b []byte) bool {
	return slices.ContainsFunc(d.start, func(start string) bool {
		for i := range min(len(b), len(start)) {
			if same := b[i] == start[i] || start[i] == '9' && isDigit(b[i]); !same {
				return false
			}
		}
		return true
	})
}

// offers tells whether a list of what the server can has the upgrade. FTP
// servers that show no list to strangers may have it all the same.
func (d dialect) offers(list record.Reply) bool {
	if list.Status != record.OK {
		return d.name == "ftp"
	}
	words := strings.FieldsFunc(string(list.Text), func(r rune) bool { return r < '0' || r > '9' && r < 'A' || r > 'z' })
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, d.offer) })
}

// readSMTP: every line begins with the same code (RFC 5321 section 4.2.1).
func readSMTP(_ string, first, line []byte) outcome {
	if code := codeOf(line); code == "" || code != codeOf(first) {
		return broken
	}
	return byCode(line)
}

// readFTP: what lies between the first line and the last, which begin with the
// same code, may begin with anything (RFC 959 section 4.2).
func readFTP(_ string, first, line []byte) outcome {
	switch start := codeOf(first); {
	case start == "":
		return broken
	case codeOf(line) != start:
		return unfinished
	}
	return byCode(line)
}

func byCode(line []byte) outcome {
	switch {
	case len(line) > 3 && line[3] == '-':
		return unfinished
	case line[0] == '2':
		return granted
	}
	return denied
}

// codeOf is the three digits that begin a line of a reply, or "".
func codeOf(line []byte) string {
	line = bytes.TrimRight(line, "\r\n")
	if len(line) < 3 || !isDigit(line[0]) || !isDigit(line[1]) || !isDigit(line[2]) || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return ""
	}
	return string(line[:3])
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// readIMAP: untagged lines before the one with the command's tag (RFC 9051
// section 2.2.2). A greeting is one untagged line (section 7.1).
func readIMAP(command string, _, line []byte) outcome {
	tag, _, asked := strings.Cut(command, " ")
	if !asked {
		tag = "*"
	}
	words := strings.Fields(strings.ToUpper(string(line)))
	switch {
	case len(words) < 2:
		return broken
	case !strings.EqualFold(words[0], tag):
		if words[0] == "*" {
			return unfinished
		}
		return broken
	case words[1] == "OK", words[1] == "PREAUTH" && !asked:
		return granted
	case words[1] == "BYE" && !asked, words[1] == "NO" && asked, words[1] == "BAD" && asked:
		return denied
	}
	return broken
}

// readPOP3: one line, but for the list, which ends with a line of a single dot
// (RFC 1939 section 3).
func readPOP3(command string, first, line []byte) outcome {
	switch list := command == "CAPA" && bytes.HasPrefix(first, []byte("+OK")); {
	case list && string(bytes.TrimRight(line, "\r\n")) == ".":
		return granted
	case list:
		return unfinished
	case bytes.HasPrefix(line, []byte("+OK")):
		return granted
	case bytes.HasPrefix(line, []byte("-ERR")):
		return denied
	}
	return broken
}
