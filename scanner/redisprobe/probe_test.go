package redisprobe

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

func start() (conversation.Conversation, func() record.Redis) {
	c := newConnection()
	return c, func() record.Redis { return record.Redis{Reply: c.reply, Raw: c.Raw} }
}

func TestRecordedServersInPieces(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		said := livetest.Transcripts(t, file)[0]
		got, status := conversationtest.CheckCuts(t, said, start)
		conversationtest.CheckEndings(t, said, func() conversation.Conversation { c, _ := start(); return c })
		want := record.OK
		if strings.Contains(file, "protected") {
			want = record.Alert
		}
		if status != want || !bytes.Equal(got.Reply, said.Turns[0]) {
			t.Errorf("%s: %s %q", file, status, got.Reply)
		}
	}
}

func TestAnswers(t *testing.T) {
	long := strings.Repeat("A", 3*maxLine)
	for said, want := range map[string]struct {
		status record.Status
		reply  string
	}{
		"+PONG\r\n":                        {record.OK, "+PONG\r\n"},
		"-LOADING Redis is loading\r\n":    {record.OK, "-LOADING Redis is loading\r\n"},
		"-ERR\r\nmore":                     {record.OK, "-ERR\r\n"},
		"-DENIED no\r\n":                   {record.Alert, "-DENIED no\r\n"},
		"-ERR unended":                     {record.Closed, ""},
		"+PON":                             {record.Closed, ""},
		"+OK Dovecot ready.\r\n":           {record.Malformed, ""},
		"-err no such command\r\n":         {record.Malformed, ""},
		"- \r\n":                           {record.Malformed, ""},
		"$4\r\nPING\r\n":                   {record.Malformed, ""},
		"HTTP/1.1 400 Bad Request\r\n\r\n": {record.Malformed, ""},
		"SSH-2.0-OpenSSH_9.2\r\n":          {record.Malformed, ""},
		"-ERR " + long + "\r\n":            {record.Malformed, ""},
		"-" + long:                         {record.Malformed, ""},
		"\x15\x03\x01\x00\x02\x02\x46":     {record.Malformed, ""},
		"-NOAUTH Authentication needed.\n": {record.OK, "-NOAUTH Authentication needed.\n"},
		"-ERR \x1b[2Jcontrol\x00bytes\r\n": {record.OK, "-ERR \x1b[2Jcontrol\x00bytes\r\n"},
		"":                                 {record.Closed, ""},
	} {
		tr := conversationtest.Transcript{}
		if said != "" {
			tr.Turns = [][]byte{[]byte(said)}
		}
		got, status := conversationtest.CheckCuts(t, tr, start)
		if status != want.status || string(got.Reply) != want.reply {
			t.Errorf("%.40q: %s %.40q", said, status, got.Reply)
		}
		if (got.Raw != nil) != (want.reply == "" && said != "") {
			t.Errorf("%.40q: raw %.40q", said, got.Raw)
		}
	}
}

// Nothing but PING is ever said.
func TestOnlyPing(t *testing.T) {
	_, sent := conversationtest.Play(newConnection(), conversationtest.Transcript{Turns: [][]byte{[]byte("-NOAUTH Authentication required.\r\n")}}, nil)
	if string(sent) != "PING\r\n" {
		t.Errorf("sent %q", sent)
	}
}

func FuzzReply(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		f.Add(bytes.Join(livetest.Transcripts(f, file)[0].Turns, nil))
	}
	f.Add([]byte("+PONX"))
	f.Add([]byte("-A\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		conversationtest.Fuzz(t, in, len(ping), func() conversation.Conversation { return newConnection() })
	})
}
