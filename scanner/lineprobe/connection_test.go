package lineprobe

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// result is all that a connection leaves behind.
type result struct {
	Lines record.Lines
	TLS   record.TLS
}

// fresh begins a connection of a protocol.
func fresh(t testing.TB, protocol string) (conversation.Conversation, func() result) {
	t.Helper()
	r := Probe{Protocol: protocol}.Start(record.Endpoint{}, record.Answer{})
	var x conversation.Exchange
	if !r.Next(&x) {
		t.Fatalf("%s is not asked", protocol)
	}
	return x.Conv, func() result {
		var a record.Answer
		r.Fold(&a)
		var got result
		for _, d := range dialects() {
			if l := *d.field(&a); l != nil {
				got.Lines = *l
			}
		}
		if a.TLS != nil {
			got.TLS = *a.TLS
		}
		return got
	}
}

func TestRecordedServersInPieces(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		protocol, _, plain := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "-")
		for _, said := range livetest.Transcripts(t, file) {
			got, status := conversationtest.CheckCuts(t, said, func() (conversation.Conversation, func() result) { return fresh(t, protocol) })
			conversationtest.CheckEndings(t, said, func() conversation.Conversation { c, _ := fresh(t, protocol); return c })
			if status != record.OK || len(got.Lines.Greeting) == 0 || len(got.Lines.Replies) != 2 || (len(got.TLS.ServerHello) == 0) != plain {
				t.Errorf("%s: %s %+v", file, status, got)
			}
		}
	}
}

// A conversation goes as the protocol's answers say.
func TestTalk(t *testing.T) {
	type want struct {
		status  record.Status
		sent    string
		replies string // statuses
		raw     string
	}
	const (
		ehlo = "EHLO hostkin.invalid\r\n"
		helo = "HELO hostkin.invalid\r\n"
	)
	for _, c := range []struct {
		name, protocol string
		turns          []string
		then           record.Status
		want           want
	}{
		{"no upgrade", "smtp", []string{"220 a ESMTP\r\n", "250-a\r\n250 SIZE 1\r\n", "221 bye\r\n"}, "", want{record.OK, ehlo + "QUIT\r\n", "ok ok", ""}},
		{"long greeting", "smtp", []string{"220-a\r\n220-b\r\n220 c\r\n", "250 a\r\n", "221 bye\r\n"}, "", want{record.OK, ehlo + "QUIT\r\n", "ok ok", ""}},
		{"bare line feeds", "smtp", []string{"220 a\n", "250 a\n", "221\n"}, "", want{record.OK, ehlo + "QUIT\r\n", "ok ok", ""}},
		{"too old for EHLO", "smtp", []string{"220 a\r\n", "500 what?\r\n", "250 a\r\n", "221 bye\r\n"}, "", want{record.OK, ehlo + helo + "QUIT\r\n", "alert ok ok", ""}},
		{"not us", "smtp", []string{"220 a\r\n", "550 no\r\n", "550 no\r\n", "221 bye\r\n"}, "", want{record.OK, ehlo + helo + "QUIT\r\n", "alert alert ok", ""}},
		{"later", "smtp", []string{"220 a\r\n", "421 busy\r\n"}, "", want{record.OK, ehlo + "QUIT\r\n", "alert", ""}},
		{"no service", "smtp", []string{"554 no\r\n", "221 bye\r\n"}, "", want{record.Alert, "QUIT\r\n", "ok", ""}},
		{"no service, gone", "smtp", []string{"421 no\r\n"}, "", want{record.Alert, "QUIT\r\n", "", ""}},
		{"no TLS now", "smtp", []string{"220 a\r\n", "250-a\r\n250 STARTTLS\r\n", "454 no\r\n", "221 bye\r\n"}, "", want{record.OK, ehlo + "STARTTLS\r\nQUIT\r\n", "ok alert ok", ""}},
		{"hangs up", "smtp", []string{"220 a\r\n"}, record.Reset, want{record.OK, ehlo, "reset", ""}},
		{"silent after a teaser", "smtp", []string{"220-a ESMTP\r\n"}, record.Timeout, want{record.Timeout, "", "", "220-a ESMTP\r\n"}},
		{"silent", "smtp", nil, record.Timeout, want{record.Timeout, "", "", ""}},
		{"changing codes", "smtp", []string{"220-a\r\n250 b\r\n"}, "", want{record.Malformed, "", "", "220-a\r\n250 b\r\n"}},
		{"changing codes in the list", "smtp", []string{"220 a\r\n", "250-a\r\n251 b\r\n"}, "", want{record.OK, ehlo, "malformed", ""}},
		{"nonsense instead of a list", "smtp", []string{"220 a\r\n", "\x00\x01\r\n"}, "", want{record.OK, ehlo, "malformed", ""}},
		{"ssh", "smtp", []string{"SSH-2.0-x\r\n"}, "", want{record.Malformed, "", "", "SSH-2.0-x\r\n"}},
		{"half a line", "smtp", []string{"22"}, "", want{record.Closed, "", "", "22"}},
		{"ftp on the port", "smtp", []string{"220 FTP server\r\n"}, "", want{record.Malformed, "", "", "220 FTP server\r\n"}},
		{"a binary protocol", "smtp", []string{"J\x00\x00\x00\n8.0"}, record.Timeout, want{record.Malformed, "", "", "J\x00\x00\x00\n8.0"}},

		{"list, no TLS", "ftp", []string{"220 a\r\n", "211-Features\r\n UTF8\r\n211 End\r\n", "221 bye\r\n"}, "", want{record.OK, "FEAT\r\nQUIT\r\n", "ok ok", ""}},
		{"no list, perhaps TLS", "ftp", []string{"220 a\r\n", "530 login\r\n", "530 login\r\n", "221 bye\r\n"}, "", want{record.OK, "FEAT\r\nAUTH TLS\r\nQUIT\r\n", "alert alert ok", ""}},
		{"codes within a reply", "ftp", []string{"220-a\r\n211 not the end\r\n220 b\r\n", "211 no features\r\n", "221 bye\r\n"}, "", want{record.OK, "FEAT\r\nQUIT\r\n", "ok ok", ""}},
		{"several ways", "ftp", []string{"220 a\r\n", "211-x\r\n AUTH SSL;TLS;\r\n211 End\r\n", "431 no\r\n", "221 x\r\n"}, "", want{record.OK, "FEAT\r\nAUTH TLS\r\nQUIT\r\n", "ok alert ok", ""}},
		{"smtp on the port", "ftp", []string{"220 a ESMTP\r\n"}, "", want{record.Malformed, "", "", "220 a ESMTP\r\n"}},

		{"no TLS", "imap", []string{"* OK hi\r\n", "* CAPABILITY IMAP4rev1\r\na OK done\r\n", "* BYE\r\nc OK\r\n"}, "", want{record.OK, "a CAPABILITY\r\nc LOGOUT\r\n", "ok ok", ""}},
		{"turned away", "imap", []string{"* BYE busy\r\n"}, "", want{record.Alert, "c LOGOUT\r\n", "", ""}},
		{"another's tag", "imap", []string{"* OK hi\r\n", "x OK\r\n"}, "", want{record.OK, "a CAPABILITY\r\n", "malformed", ""}},
		{"bad", "imap", []string{"* PREAUTH hi\r\n", "a BAD no\r\n", "c OK\r\n"}, "", want{record.OK, "a CAPABILITY\r\nc LOGOUT\r\n", "alert ok", ""}},
		{"a star is not enough", "imap", []string{"* hello\r\n"}, "", want{record.Malformed, "", "", "* hello\r\n"}},

		{"no list", "pop3", []string{"+OK hi\r\n", "-ERR no\r\n", "+OK bye\r\n"}, "", want{record.OK, "CAPA\r\nQUIT\r\n", "alert ok", ""}},
		{"list, no TLS", "pop3", []string{"+OK hi\r\n", "+OK\r\nUIDL\r\n.\r\n", "+OK bye\r\n"}, "", want{record.OK, "CAPA\r\nQUIT\r\n", "ok ok", ""}},
		{"turned away", "pop3", []string{"-ERR busy\r\n"}, "", want{record.Alert, "QUIT\r\n", "", ""}},
	} {
		tr := conversationtest.Transcript{Then: c.then}
		for _, turn := range c.turns {
			tr.Turns = append(tr.Turns, []byte(turn))
		}
		start := func() (conversation.Conversation, func() result) { return fresh(t, c.protocol) }
		got, status := conversationtest.CheckCuts(t, tr, start)
		conversationtest.CheckEndings(t, tr, func() conversation.Conversation { conv, _ := start(); return conv })
		conv, _ := start()
		_, sent := conversationtest.Play(conv, tr, nil)
		var replies []string
		for _, r := range got.Lines.Replies {
			replies = append(replies, string(r.Status))
		}
		if diff := cmp.Diff(c.want, want{status, string(sent), strings.Join(replies, " "), string(got.Lines.Raw)}, cmp.AllowUnexported(want{})); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", c.protocol, c.name, diff)
		}
		if (status == record.OK || status == record.Alert) != (len(got.Lines.Greeting) > 0) {
			t.Errorf("%s, %s: %s with the greeting %q", c.protocol, c.name, status, got.Lines.Greeting)
		}
	}
}

// What comes in plain text after the server agreed to TLS is kept apart, and
// is not taken for anything that was said in TLS.
func TestTextBehindTheUpgrade(t *testing.T) {
	said := livetest.Transcripts(t, "testdata/smtp.json")[0]
	clean, _ := conversationtest.CheckCuts(t, said, func() (conversation.Conversation, func() result) { return fresh(t, "smtp") })
	const injected = "250 injected\r\n250-more"
	for _, apart := range []bool{false, true} {
		dirty := conversationtest.Transcript{Turns: slices.Clone(said.Turns), Then: said.Then}
		if apart { // after our ClientHello
			dirty.Turns[3] = append([]byte(injected), said.Turns[3]...)
		} else {
			dirty.Turns[2] = append(bytes.Clone(said.Turns[2]), injected...)
		}
		got, status := conversationtest.CheckCuts(t, dirty, func() (conversation.Conversation, func() result) { return fresh(t, "smtp") })
		want := clean
		want.Lines.Replies = append(slices.Clone(clean.Lines.Replies), record.Reply{Status: record.Malformed, Text: []byte(injected)})
		if diff := cmp.Diff(want, got); diff != "" || status != record.OK {
			t.Errorf("apart %v: %s (-want +got):\n%s", apart, status, diff)
		}
	}
}

// Whatever a server sends, little is kept and the connection ends.
func TestHostileServers(t *testing.T) {
	many := strings.Repeat("220-x\r\n", 1_000_000)
	for _, c := range []struct {
		name, protocol, greeting, list string
		want                           record.Status
	}{
		{"endless line", "smtp", "220 " + strings.Repeat("x", 1<<20), "", record.Truncated},
		{"a million lines", "smtp", many, "", record.Truncated},
		{"a million lines", "ftp", many, "", record.Truncated},
		{"zeros", "smtp", strings.Repeat("\x00", 1<<20), "", record.Malformed},
		{"zeros in a greeting", "smtp", "220 " + strings.Repeat("\x00", 64) + "\r\n", "", record.OK},
		{"endless line in the list", "smtp", "220 a\r\n", "250-" + strings.Repeat("x", 1<<20), record.OK},
		{"a million capabilities", "pop3", "+OK\r\n", "+OK\r\n" + strings.Repeat("X\r\n", 1_000_000), record.OK},
		{"a million untagged lines", "imap", "* OK hi\r\n", strings.Repeat("* X\r\n", 1_000_000), record.OK},
		{"a list that never ends", "ftp", "220 a\r\n", "211-\r\n" + strings.Repeat("211-x\r\n", 1_000_000), record.OK},
		{"text without end instead of TLS", "pop3", "+OK\r\n", "+OK\r\nSTLS\r\n.\r\n+OK go\r\n" + strings.Repeat("x", 1<<20), record.OK},
	} {
		conv, got := fresh(t, c.protocol)
		tr := conversationtest.Transcript{Then: record.Timeout}
		for _, turn := range []string{c.greeting, c.list} {
			if turn != "" {
				tr.Turns = append(tr.Turns, []byte(turn))
			}
		}
		status, sent := conversationtest.Play(conv, tr, func(b []byte) [][]byte { return slices.Collect(slices.Chunk(b, 16<<10)) })
		kept := len(fmt.Sprint(got()))
		if status != c.want || kept > 100_000 || len(sent) > 4096 {
			t.Errorf("%s, %s: %s, want %s; kept about %d bytes, sent %d", c.protocol, c.name, status, c.want, kept, len(sent))
		}
		if r := got().Lines.Replies; c.list != "" && (len(r) == 0 || r[len(r)-1].Status != record.Truncated) {
			t.Errorf("%s, %s: the last reply is not cut off", c.protocol, c.name)
		}
		for _, r := range got().Lines.Replies {
			if len(r.Text) > maxReply {
				t.Errorf("%s, %s: a reply of %d bytes is kept", c.protocol, c.name, len(r.Text))
			}
		}
	}
}

func FuzzConnection(f *testing.F) {
	for _, text := range []string{
		"220 a ESMTP\r\n250-a\r\n250 STARTTLS\r\n220 go\r\n\x16\x03\x03\x00\x04\x0e\x00\x00\x00",
		"220 a\n500\n250 x\n221\n", "220-a\r\nfree\r\n220 FTP\r\n211-x\r\n AUTH TLS\r\n211 e\r\n234\r\nplain",
		"* OK [CAPABILITY X] hi\r\n* CAPABILITY STARTTLS\r\na OK\r\nb OK\r\n", "+OK <1.2@x>\r\n+OK\r\nSTLS\r\n.\r\n+OK\r\n", "-ERR\r\n", "",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, d := range dialects() {
			conversationtest.Fuzz(t, in, 4096, func() conversation.Conversation { c, _ := fresh(t, d.name); return c })
		}
	})
}
