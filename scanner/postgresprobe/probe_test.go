package postgresprobe

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// outcome is all that a connection leaves behind.
type outcome struct {
	SSL        string
	Error, Raw []byte
	TLS        record.TLS
}

func starting(c *connection) (conversation.Conversation, func() outcome) {
	return c, func() outcome {
		o := outcome{SSL: c.ssl, Error: c.error, Raw: append(c.Raw, c.version.Raw...)}
		if c.tls != nil {
			o.TLS, _ = c.tls.Answer()
		}
		return o
	}
}

func TestRecordedServersInPieces(t *testing.T) {
	for name, ssl := range map[string]string{"plain": "N", "tls12": "S"} {
		said := livetest.Transcripts(t, filepath.Join("testdata", name+".json"))
		last := said[len(said)-1]
		first := func() (conversation.Conversation, func() outcome) { return starting(askSSL("")) }
		got, status := conversationtest.CheckCuts(t, said[0], first)
		conversationtest.CheckEndings(t, said[0], func() conversation.Conversation { c, _ := first(); return c })
		if status != record.OK || got.SSL != ssl || got.Raw != nil {
			t.Errorf("%s: %s %+v", name, status, got)
		}
		if ssl == "S" {
			if cert, err := x509.ParseCertificate(got.TLS.Certificates[0]); err != nil || cert.Subject.CommonName != "db.example" {
				t.Errorf("%v %v", cert, err)
			}
			got, status = conversationtest.CheckCuts(t, last, func() (conversation.Conversation, func() outcome) { return starting(askVersion()) })
		}
		if want := last.Turns[len(last.Turns)-1][5:]; status != record.OK || !bytes.Equal(got.Error, want) {
			t.Errorf("%s: %s %q", name, status, got.Error)
		}
	}
}

const refusal = "E\x00\x00\x00\x1aSFATAL\x00C0A000\x00Mno\x00R\xff\x00\x00"

func transcript(then record.Status, turns ...string) conversationtest.Transcript {
	said := conversationtest.Transcript{Then: then}
	for _, turn := range turns {
		said.Turns = append(said.Turns, []byte(turn))
	}
	return said
}

func TestAnswers(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for name, test := range map[string]struct {
		said   conversationtest.Transcript
		status record.Status
		ssl    string
		error  bool
		raw    bool
	}{
		"no TLS":              {transcript("", "N", refusal), record.OK, "N", true, false},
		"all at once":         {transcript("", "N"+refusal), record.OK, "N", true, false},
		"an error at once":    {transcript("", refusal), record.OK, "E", true, false},
		"no TLS, then closed": {transcript("", "N"), record.Closed, "N", false, false},
		"no TLS, then silent": {transcript(record.Timeout, "N"), record.Timeout, "N", false, false},
		"no TLS, then HTTP":   {transcript("", "N", "HTTP/1.1 400 Bad\r\n"), record.Malformed, "N", false, true},
		"TLS alert":           {transcript("", "S", "\x15\x03\x03\x00\x02\x02\x28"), record.Alert, "S", false, false},
		"TLS that is none":    {transcript("", "S", "Sorry\r\n"), record.Malformed, "S", false, false},
		"TLS that never ends": {transcript(record.Truncated, "S", strings.Repeat("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 3000)), record.Malformed, "S", false, false},
		"silence":             {transcript(record.Timeout), record.Timeout, "", false, false},
		"HTTP":                {transcript("", "HTTP/1.1 400 Bad Request\r\n\r\n"+long), record.Malformed, "", false, true},
		"a length that lies":  {transcript("", "E\x7f\xff\xff\xffSFATAL\x00"), record.Malformed, "", false, true},
		"a length of nothing": {transcript("", "E\x00\x00\x00\x00"), record.Malformed, "", false, true},
		"an error cut short":  {transcript("", refusal[:12]), record.Closed, "", false, true},
		"protocol 2":          {transcript("", "EFATAL:  unsupported\n\x00"), record.Malformed, "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, status := conversationtest.CheckCuts(t, test.said, func() (conversation.Conversation, func() outcome) { return starting(askSSL("")) })
			if status != test.status || got.SSL != test.ssl || (got.Error != nil) != test.error || (got.Raw != nil) != test.raw {
				t.Errorf("%s %+v", status, got)
			}
		})
	}
}

// What is sent names no user and no database.
func TestRequests(t *testing.T) {
	for got, want := range map[string]string{
		hex.EncodeToString(sslRequest()): "0000000804d2162f",
		hex.EncodeToString(badVersion()): "00000009" + "00ff00ff" + "00",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// play runs a probe against a list of answers, one a connection.
func play(p Probe, seen record.Answer, answers ...conversationtest.Transcript) (a record.Answer, status record.Status, connections int) {
	r := p.Start(record.Endpoint{}, seen)
	for ; ; connections++ {
		var x conversation.Exchange
		if !r.Next(&x) {
			return a, r.Fold(&a), connections
		}
		said := answers[connections]
		x.Status, _ = conversationtest.Play(x.Conv, said, nil)
		r.Ended(&x)
	}
}

func TestRun(t *testing.T) {
	recorded := livetest.Transcripts(t, "testdata/tls12.json")
	silent, http := transcript(record.Timeout), transcript("", "HTTP/1.1 400 Bad Request\r\n")
	for name, test := range map[string]struct {
		probe       Probe
		seen        *record.Postgres
		answers     []conversationtest.Transcript
		status      record.Status
		connections int
		want        *record.Postgres
	}{
		"TLS":              {answers: recorded, status: record.OK, connections: 2, want: &record.Postgres{SSL: "S", Error: recorded[1].Turns[0][5:]}},
		"TLS, first look":  {probe: Probe{First: true}, answers: recorded, status: record.OK, connections: 1, want: &record.Postgres{SSL: "S"}},
		"TLS, the rest":    {seen: &record.Postgres{SSL: "S"}, answers: recorded[1:], status: record.OK, connections: 1, want: &record.Postgres{Error: recorded[1].Turns[0][5:]}},
		"broken TLS":       {answers: []conversationtest.Transcript{transcript("", "S"), recorded[1]}, status: record.Closed, connections: 2, want: &record.Postgres{SSL: "S", Error: recorded[1].Turns[0][5:]}},
		"all is known":     {seen: &record.Postgres{SSL: "N", Error: []byte("x")}, status: record.OK},
		"silent":           {answers: []conversationtest.Transcript{silent}, status: record.Timeout, connections: 1},
		"not Postgres":     {answers: []conversationtest.Transcript{http}, status: record.Malformed, connections: 1, want: &record.Postgres{Raw: http.Turns[0]}},
		"silent after TLS": {answers: []conversationtest.Transcript{recorded[0], silent}, status: record.Timeout, connections: 2, want: &record.Postgres{SSL: "S"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, status, connections := play(test.probe, record.Answer{Postgres: test.seen}, test.answers...)
			if status != test.status || connections != test.connections {
				t.Errorf("%s after %d connections, want %s after %d", status, connections, test.status, test.connections)
			}
			if diff := cmp.Diff(test.want, a.Postgres); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFirstLookAndTheRestMakeTheWhole(t *testing.T) {
	said := livetest.Transcripts(t, "testdata/tls12.json")
	whole, _, _ := play(Probe{}, record.Answer{}, said...)
	brief, _, _ := play(Probe{First: true}, record.Answer{}, said...)
	rest, _, _ := play(Probe{}, brief, said[1])
	brief.Merge(rest)
	if diff := cmp.Diff(whole, brief); diff != "" || whole.Postgres.Error == nil {
		t.Errorf("%+v\n%s", whole.Postgres, diff)
	}
}

func FuzzConnections(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		for _, said := range livetest.Transcripts(f, file) {
			f.Add(bytes.Join(said.Turns, nil))
		}
	}
	f.Add([]byte("N" + refusal))
	f.Add([]byte("E\x00\x00\x00\x05\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		conversationtest.Fuzz(t, in, 4096, func() conversation.Conversation { return askSSL("") })
		conversationtest.Fuzz(t, in, len(badVersion()), func() conversation.Conversation { return askVersion() })
	})
}
