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
		{"mail", []string{"220 mail ESMTP\r\n"}, record.Timeout, record.Detect{Banner: []byte("220 mail ESMTP\r\n")}, record.Malformed},
		{"tls", []string{"", hello}, "", record.Detect{Protocol: "tls"}, record.OK},
		{"tls alert", []string{"", "\x15\x03\x01\x00\x02\x02\x28"}, "", record.Detect{Protocol: "tls"}, record.OK},
		{"tls in a banner is none", []string{hello}, record.Timeout, record.Detect{Banner: []byte(hello)}, record.Malformed},
		{"http", []string{"", "HTTP/1.1 400 Bad Request\r\n\r\n"}, "", record.Detect{Protocol: "http"}, record.OK},
		{"old http", []string{"", "\r\n<!DOCTYPE HTML>"}, "", record.Detect{Protocol: "http"}, record.OK},
		{"other reply", []string{"", "-ERR unknown command\r\n"}, record.Closed, record.Detect{Reply: []byte("-ERR unknown command\r\n")}, record.Malformed},
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
	for _, text := range []string{"SSH-2.0-x\r\n", "\x16\x03\x03\x00\x7a\x02", "HTTP/1.1 200", "220 \r\n", "\n\n\n<HTML"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		conversationtest.Fuzz(t, in, 4096, func() conversation.Conversation { return &detection{} })
	})
}
