package mysqlprobe

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
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

// outcome is all that a connection leaves behind.
type outcome struct {
	MySQL record.MySQL
	TLS   record.TLS
}

func begin() (conversation.Conversation, func() outcome) {
	c := newConnection("")
	return c, func() outcome {
		o := outcome{MySQL: record.MySQL{Greeting: c.greeting, Raw: c.Raw}}
		if c.tls != nil {
			o.TLS, _ = c.tls.Answer()
		}
		return o
	}
}

func TestRecordedServersInPieces(t *testing.T) {
	for name, want := range map[string]struct {
		status record.Status
		first  byte
		tls    bool
	}{
		"default": {record.OK, protocol10, false},
		"tls12":   {record.OK, protocol10, true},
		"denied":  {record.Alert, errPacket, false},
	} {
		said := livetest.Transcripts(t, filepath.Join("testdata", name+".json"))[0]
		got, status := conversationtest.CheckCuts(t, said, begin)
		conversationtest.CheckEndings(t, said, func() conversation.Conversation { c, _ := begin(); return c })
		if status != want.status || got.MySQL.Greeting[0] != want.first || !bytes.HasPrefix(said.Turns[0][headerSize:], got.MySQL.Greeting) {
			t.Errorf("%s: %s %+v", name, status, got.MySQL)
		}
		if want.tls != (len(got.TLS.Certificates) == 1) {
			t.Fatalf("%s: %d certificates", name, len(got.TLS.Certificates))
		}
		if want.tls {
			if cert, err := x509.ParseCertificate(got.TLS.Certificates[0]); err != nil || cert.Subject.CommonName != "rsa.example" {
				t.Errorf("%v %v", cert, err)
			}
		}
	}
}

// packet puts the header before a payload.
func packet(sequence byte, payload string) string {
	n := len(payload)
	return string([]byte{byte(n), byte(n >> 8), byte(n >> 16), sequence}) + payload
}

// v10 is a greeting with the lower half of the capability flags.
func v10(flags string) string {
	return "\x0a8.0.1\x00" + strings.Repeat("i", 4) + strings.Repeat("c", 8) + "\x00" + flags + strings.Repeat("\x00", 16)
}

func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		said   []string
		then   record.Status
		status record.Status
		kept   bool
	}{
		"no TLS":               {[]string{packet(0, v10("\xff\xf7"))}, "", record.OK, true},
		"and more":             {[]string{packet(0, v10("\xff\xf7")) + packet(1, "more")}, "", record.OK, true},
		"protocol 9":           {[]string{packet(0, "\x093.22.1\x00abcd12345678\x00")}, "", record.OK, true},
		"host blocked":         {[]string{packet(0, "\xff\x69\x04Host 'x' is blocked")}, "", record.Alert, true},
		"too many, second":     {[]string{packet(1, "\xff\x10\x04#08004Too many connections")}, "", record.Alert, true},
		"TLS that closes":      {[]string{packet(0, v10("\xff\xff"))}, "", record.Closed, true},
		"TLS that is silent":   {[]string{packet(0, v10("\xff\xff"))}, record.Timeout, record.Timeout, true},
		"TLS alert":            {[]string{packet(0, v10("\xff\xff")), "\x15\x03\x03\x00\x02\x02\x28"}, "", record.Alert, true},
		"TLS that is none":     {[]string{packet(0, v10("\xff\xff")), packet(2, "\xff\x15\x04#28000Access denied")}, "", record.Malformed, true},
		"TLS without end":      {[]string{packet(0, v10("\xff\xff")), strings.Repeat("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 3000)}, record.Truncated, record.Malformed, true},
		"silence":              {nil, record.Timeout, record.Timeout, false},
		"half a packet":        {[]string{packet(0, v10("\xff\xf7"))[:30]}, record.Timeout, record.Timeout, false},
		"a length that lies":   {[]string{"\xff\xff\x00\x00\x0a8.0.1\x00"}, "", record.Malformed, false},
		"a length of nothing":  {[]string{"\x00\x00\x00\x00\x0a8.0.1\x00"}, "", record.Malformed, false},
		"endless version":      {[]string{packet(0, "\x0a"+strings.Repeat("8", 4000))}, "", record.Malformed, false},
		"ends after version":   {[]string{packet(0, "\x0a8.0.1\x00abcd")}, "", record.Malformed, false},
		"error without a code": {[]string{packet(0, "\xff\x69")}, "", record.Malformed, false},
		"another sequence":     {[]string{packet(7, v10("\xff\xf7"))}, "", record.Malformed, false},
		"X protocol":           {[]string{"\x05\x00\x00\x00\x0b\x08\x05\x1a\x00"}, "", record.Malformed, false},
		"SSH":                  {[]string{"SSH-2.0-OpenSSH_9.2\r\n"}, "", record.Malformed, false},
		"FTP":                  {[]string{"220 ready\r\n"}, record.Timeout, record.Malformed, false},
		"endless":              {[]string{strings.Repeat("220-ready\r\n", 9000)}, record.Truncated, record.Malformed, false},
	} {
		t.Run(name, func(t *testing.T) {
			said := conversationtest.Transcript{Then: test.then}
			for _, turn := range test.said {
				said.Turns = append(said.Turns, []byte(turn))
			}
			got, status := conversationtest.CheckCuts(t, said, begin)
			if status != test.status || (got.MySQL.Greeting != nil) != test.kept || (got.MySQL.Raw != nil) != (!test.kept && test.said != nil) {
				t.Errorf("%s %+v", status, got.MySQL)
			}
		})
	}
}

// The request for TLS is that of the MySQL documentation, and names nobody.
func TestSSLRequest(t *testing.T) {
	c := newConnection("")
	c.Open()
	s := c.Feed([]byte(packet(0, v10("\xff\xff"))))
	request, hello := s.Send[:36], s.Send[36:]
	want := "20000001" + "018a0800" + "00000001" + "2d" + strings.Repeat("00", 23)
	if diff := cmp.Diff(want, hex.EncodeToString(request)); diff != "" {
		t.Error(diff)
	}
	if !bytes.HasPrefix(hello, []byte{22, 3, 1}) {
		t.Errorf("then % x", hello[:8])
	}
}

func TestAsksOnce(t *testing.T) {
	r := Probe{}.Start(record.Endpoint{}, record.Answer{})
	var x conversation.Exchange
	if !r.Next(&x) || r.Next(&x) {
		t.Fatal("not one connection")
	}
	x.Status = x.Conv.End(record.Refused)
	r.Ended(&x)
	var a record.Answer
	if got := r.Fold(&a); got != record.Refused || a.MySQL != nil || r.Next(&x) {
		t.Errorf("%s %+v", got, a.MySQL)
	}
	known := record.Answer{MySQL: &record.MySQL{Greeting: []byte{protocol10}}}
	if r := (Probe{}).Start(record.Endpoint{}, known); r.Next(&x) || r.Fold(&a) != record.OK {
		t.Error("asked again")
	}
}

func FuzzGreeting(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		f.Add(bytes.Join(livetest.Transcripts(f, file)[0].Turns, nil))
	}
	f.Add([]byte(packet(0, v10("\xff\xff"))))
	f.Add([]byte(packet(0, "\xff\x6a\x04Host")))
	f.Add(slices.Concat([]byte(packet(0, v10("\xff\xff"))), []byte{22, 3, 3, 0xff, 0xff}))
	f.Fuzz(func(t *testing.T, in []byte) {
		conversationtest.Fuzz(t, in, 4096, func() conversation.Conversation { return newConnection("") })
	})
}
