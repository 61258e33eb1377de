package httpprobe

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

func startPreface() (conversation.Conversation, func() *record.H2) {
	p := new(preface)
	return p, func() *record.H2 { return p.got }
}

func TestRecordedPrefacesInPieces(t *testing.T) {
	all := products()
	for name, product := range all {
		file := filepath.Join("testdata", "h2", name+".json")
		for _, said := range livetest.Transcripts(t, file) {
			got, status := conversationtest.CheckCuts(t, said, startPreface)
			conversationtest.CheckEndings(t, said, func() conversation.Conversation { return new(preface) })
			if status != record.OK || h2Text(got) != product.h2 {
				t.Errorf("%s: %s, %q, want %q", name, status, h2Text(got), product.h2)
			}
		}
	}
}

func TestPrefaces(t *testing.T) {
	settings := func(f *http2.Framer) error { return f.WriteSettings(http2.Setting{ID: 3, Val: 7}) }
	one := string(frames(nil, settings))
	ack := string(frames(nil, (*http2.Framer).WriteSettingsAck))
	window := func(stream uint32) string {
		return string(frames(nil, func(f *http2.Framer) error {
			f.AllowIllegalWrites = true
			return f.WriteWindowUpdate(stream, 99)
		}))
	}
	ping := string(frames(nil, func(f *http2.Framer) error { return f.WritePing(false, [8]byte{}) }))
	goaway := string(frames(nil, func(f *http2.Framer) error { return f.WriteGoAway(0, http2.ErrCodeProtocol, []byte("no")) }))
	for name, test := range map[string]struct {
		said   string
		then   record.Status
		status record.Status
		want   string
	}{
		"with a window":                 {said: one + window(0) + ack, status: record.OK, want: "3:7; +99"},
		"window after the ack":          {said: one + ack + window(0), status: record.OK, want: "3:7; +99"},
		"window of a stream":            {said: one + window(1), then: record.Timeout, status: record.OK, want: "3:7;"},
		"empty settings":                {said: string(frames(nil, func(f *http2.Framer) error { return f.WriteSettings() })), then: record.Timeout, status: record.OK, want: ""},
		"unknown setting":               {said: "\x00\x00\x06\x04\x00\x00\x00\x00\x00\xf0\x00\x00\x00\x00\x01", status: record.OK, want: "61440:1;"},
		"goaway":                        {said: one + goaway, status: record.OK, want: "3:7;"},
		"endless pings":                 {said: one + strings.Repeat(ping, 999), status: record.OK, want: "3:7;"},
		"silence":                       {then: record.Timeout, status: record.Timeout},
		"closes at once":                {status: record.Closed},
		"goaway only":                   {said: goaway, status: record.Malformed},
		"an ack of nothing":             {said: ack + one, status: record.Malformed},
		"HTTP/1.1":                      {said: "HTTP/1.1 400 Bad Request\r\n\r\n", status: record.Malformed},
		"a frame of 16 MiB":             {said: "\xff\xff\xff\x04\x00\x00\x00\x00\x00" + strings.Repeat("x", 20000), status: record.Malformed},
		"settings of 5 bytes":           {said: "\x00\x00\x05\x04\x00\x00\x00\x00\x00xxxxx", status: record.Malformed},
		"settings on a stream":          {said: "\x00\x00\x06\x04\x00\x00\x00\x00\x01\x00\x03\x00\x00\x00\x07", status: record.Malformed},
		"settings cut off":              {said: one[:len(one)-1], status: record.Closed},
		"settings, then a broken frame": {said: one + "\x00\x00\x01\x08\x00\x00\x00\x00\x00x", status: record.Malformed, want: "3:7;"},
	} {
		t.Run(name, func(t *testing.T) {
			said := conversationtest.Transcript{Then: test.then}
			if test.said != "" {
				said.Turns = [][]byte{[]byte(test.said)}
			}
			got, status := conversationtest.CheckCuts(t, said, startPreface)
			if status != test.status || h2Text(got) != test.want {
				t.Errorf("%s %q, want %s %q", status, h2Text(got), test.status, test.want)
			}
		})
	}
}

func TestWhatIsSent(t *testing.T) {
	p := new(preface)
	if s := p.Open(); !bytes.HasPrefix(s.Send, []byte(http2.ClientPreface+"\x00\x00\x06\x04")) {
		t.Errorf("Open: %q", s.Send)
	}
	p.Feed([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	s := p.Quiet()
	if s.Do != conversation.Done || len(s.Send) != 2*frameHeader+8 || s.Send[3] != byte(http2.FrameSettings) || s.Send[frameHeader+3] != byte(http2.FrameGoAway) {
		t.Errorf("Quiet: %q", s.Send)
	}
}

func FuzzPreface(f *testing.F) {
	files, _ := filepath.Glob("testdata/h2/*.json")
	for _, file := range files {
		for _, said := range livetest.Transcripts(f, file) {
			f.Add(bytes.Join(said.Turns, nil))
		}
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		conversationtest.Fuzz(t, said, 1<<10, func() conversation.Conversation { return new(preface) })
	})
}
