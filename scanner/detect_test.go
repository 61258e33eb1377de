package scanner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// silence is a first turn that is over by Quiet.
var silence = []byte{}

func TestDetect(t *testing.T) {
	const hello = "\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"
	for _, c := range []struct {
		name   string
		turns  []string // the first before our ClientHello
		then   record.Status
		want   record.Detect
		status record.Status
	}{
		{"ssh", []string{"SSH-2.0-x\r\n"}, "", record.Detect{Protocol: "ssh"}, record.OK},
		{"ssh after lines", []string{"welcome\r\nSSH-2.0-x\r\n"}, "", record.Detect{Protocol: "ssh"}, record.OK},
		{"slow ssh", []string{"", "SSH-2.0-x\r\n"}, "", record.Detect{Protocol: "ssh"}, record.OK},
		{"smtp", []string{"220 mail ESMTP\r\n"}, record.Timeout, record.Detect{Protocol: "smtp"}, record.OK},
		{"smtp, the rest late", []string{"220-mail ESMTP\r\n"}, record.Timeout, record.Detect{Protocol: "smtp"}, record.OK},
		{"slow smtp", []string{"", "220 mail ESMTP\r\n"}, record.Timeout, record.Detect{Protocol: "smtp"}, record.OK},
		{"ftp", []string{"220-hello\r\n220 FTP mail.example.com\r\n"}, record.Timeout, record.Detect{Protocol: "ftp"}, record.OK},
		{"smtp or ftp", []string{"220 ready\r\n"}, record.Timeout, record.Detect{Banner: []byte("220 ready\r\n")}, record.Malformed},
		{"imap", []string{"* OK ready\r\n"}, record.Timeout, record.Detect{Protocol: "imap"}, record.OK},
		{"pop3", []string{"+OK ready\r\n"}, record.Timeout, record.Detect{Protocol: "pop3"}, record.OK},
		{"mysql", []string{"J\x00\x00\x00\n8.0.36\x00\x08\x00\x00\x00"}, record.Timeout, record.Detect{Protocol: "mysql"}, record.OK},
		{"mysql turns away", []string{"F\x00\x00\x00\xffj\x04Host '192.0.2.1' is not allowed"}, record.Closed, record.Detect{Protocol: "mysql"}, record.OK},
		{"not mysql", []string{"\xff\xfb\x01\x00\n8.0.36"}, record.Timeout, record.Detect{Banner: []byte("\xff\xfb\x01\x00\n8.0.36")}, record.Malformed},
		{"redis", []string{"", "-ERR unknown command\r\n"}, record.Closed, record.Detect{Protocol: "redis"}, record.OK},
		{"redis, protected", []string{"-DENIED Redis is running in protected mode"}, record.Closed, record.Detect{Protocol: "redis"}, record.OK},
		{"tls", []string{"", hello}, "", record.Detect{Protocol: "tls"}, record.OK},
		{"tls alert", []string{"", "\x15\x03\x01\x00\x02\x02\x28"}, "", record.Detect{Protocol: "tls"}, record.OK},
		{"tls in a banner is none", []string{hello}, record.Timeout, record.Detect{Banner: []byte(hello)}, record.Malformed},
		{"http", []string{"", "HTTP/1.1 400 Bad Request\r\n\r\n"}, "", record.Detect{Protocol: "http"}, record.OK},
		{"old http", []string{"", "\r\n<!DOCTYPE HTML>"}, "", record.Detect{Protocol: "http"}, record.OK},
		{"other reply", []string{"", "what?\r\n"}, record.Closed, record.Detect{Reply: []byte("what?\r\n")}, record.Malformed},
		{"closed", []string{""}, record.Closed, record.Detect{}, record.Closed},
		{"reset", nil, record.Reset, record.Detect{}, record.Reset},
		{"silent", []string{""}, record.Timeout, record.Detect{}, record.Timeout},
	} {
		tr := conversationtest.Transcript{Then: c.then}
		for _, turn := range c.turns {
			tr.Turns = append(tr.Turns, []byte(turn))
		}
		got, status := conversationtest.CheckCuts(t, tr, func() (conversation.Conversation, func() record.Detect) {
			d := &detection{hello: []byte("hello")} // crypto/tls draws a new one each time
			// Where the protocol is recognised depends on the cuts: the bytes kept do.
			return d, func() record.Detect {
				if d.found.Protocol != "" {
					return record.Detect{Protocol: d.found.Protocol}
				}
				return d.found
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" || status != c.status {
			t.Errorf("%s: status %q, want %q (-want +got):\n%s", c.name, status, c.status, diff)
		}
	}
}

func TestDetectionEndings(t *testing.T) {
	conversationtest.CheckEndings(t, conversationtest.Transcript{Turns: [][]byte{silence, []byte("\x16\x03\x03\x00\x7a\x02")}},
		func() conversation.Conversation { return &detection{} })
}

func TestDetectionKeepsLittle(t *testing.T) {
	d := &detection{}
	status, _ := conversationtest.Play(d, conversationtest.Transcript{Turns: [][]byte{[]byte(strings.Repeat("x", 100_000))}}, nil)
	if len(d.found.Banner) != detectKept || status != record.Malformed {
		t.Errorf("%q, %d bytes kept", status, len(d.found.Banner))
	}
}

func FuzzDetection(f *testing.F) {
	for _, text := range []string{"SSH-2.0-x\r\n", "\x16\x03\x03\x00\x7a\x02", "HTTP/1.1 200", "220 \r\n", "\n\n\n<HTML", "* OK x\r\n", "J\x00\x00\x00\n8.0.36\x00"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		conversationtest.Fuzz(t, in, 4096, func() conversation.Conversation { return &detection{} })
	})
}
