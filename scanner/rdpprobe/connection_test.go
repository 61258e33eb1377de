package rdpprobe

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"testing/cryptotest"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/conversation/opening"
	"github.com/hostkin/hostkin/scanner/record"
)

// outcome is all that a connection leaves behind.
type outcome struct {
	RDP record.RDP
	TLS record.TLS
}

func begin() (conversation.Conversation, func() outcome) {
	c := newConnection("", false)
	return c, func() outcome {
		t, _ := c.tls()
		return outcome{c.answer(), t}
	}
}

func TestRecordedServersInPieces(t *testing.T) {
	for name, want := range map[string]struct {
		status    record.Status
		tls, ntlm bool
	}{
		"xrdp-plain":      {record.OK, false, false},
		"xrdp-tls12":      {record.OK, true, false},
		"freerdp-nla":     {record.OK, true, true},
		"freerdp-refuses": {record.Alert, false, false},
	} {
		said := livetest.Transcripts(t, filepath.Join("testdata", name+".json"))[0]
		start := func() (conversation.Conversation, func() outcome) {
			cryptotest.SetGlobalRandom(t, 1) // hellos equal to those recorded
			return begin()
		}
		got, status := conversationtest.CheckCuts(t, said, start)
		conversationtest.CheckEndings(t, said, func() conversation.Conversation { c, _ := start(); return c })
		if status != want.status || !bytes.Equal(got.RDP.Confirm, said.Turns[0]) || got.RDP.Raw != nil || (got.RDP.Challenge != nil) != want.ntlm {
			t.Errorf("%s: %s %+v", name, status, got.RDP)
		}
		if (len(got.TLS.Certificates) == 1) != want.tls {
			t.Fatalf("%s: %+v", name, got.TLS)
		}
		if want.tls {
			if _, err := x509.ParseCertificate(got.TLS.Certificates[0]); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	confirm := func(negotiation string) string {
		b, err := hex.DecodeString("030000130ed00000123400" + negotiation)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	ssl, hybrid := confirm("0200080001000000"), confirm("021f080002000000")
	for name, test := range map[string]struct {
		said   []string
		then   record.Status
		status record.Status
		kept   bool
	}{
		"no negotiation":       {[]string{"\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00"}, "", record.OK, true},
		"RDP's own security":   {[]string{confirm("0200080000000000")}, "", record.OK, true},
		"failure":              {[]string{confirm("0300080005000000")}, "", record.Alert, true},
		"unknown protocol":     {[]string{confirm("02000800ffffffff")}, "", record.OK, true},
		"unknown type":         {[]string{confirm("ff00080001000000")}, "", record.OK, true},
		"SSL, then closed":     {[]string{ssl}, "", record.Closed, true},
		"SSL, then silence":    {[]string{ssl}, record.Timeout, record.Timeout, true},
		"SSL, then nonsense":   {[]string{ssl, "nonsense"}, "", record.Malformed, true},
		"SSL without end":      {[]string{ssl, strings.Repeat("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 3000)}, record.Truncated, record.Malformed, true},
		"CredSSP, then alert":  {[]string{hybrid, "\x15\x03\x03\x00\x02\x02\x50"}, "", record.Alert, true},
		"CredSSP, then closed": {[]string{hybrid}, "", record.Closed, true},
		"CredSSP, no TLS":      {[]string{hybrid, "nonsense"}, "", record.Malformed, true},
		"silence":              {nil, record.Timeout, record.Timeout, false},
		"half a confirm":       {[]string{ssl[:9]}, "", record.Closed, false},
		"a length that lies":   {[]string{"\x03\x00\xff\xff\x0e\xd0"}, "", record.Malformed, false},
		"too short a length":   {[]string{"\x03\x00\x00\x07\x02\xd0\x80"}, "", record.Malformed, false},
		"X.224 disconnect":     {[]string{"\x03\x00\x00\x0b\x06\x80\x00\x00\x12\x34\x00"}, "", record.Malformed, false},
		"HTTP":                 {[]string{"HTTP/1.1 400 Bad Request\r\n\r\n"}, "", record.Malformed, false},
		"endless":              {[]string{strings.Repeat("x", 5000)}, record.Truncated, record.Malformed, false},
	} {
		t.Run(name, func(t *testing.T) {
			said := conversationtest.Transcript{Then: test.then}
			for _, turn := range test.said {
				said.Turns = append(said.Turns, []byte(turn))
			}
			got, status := conversationtest.CheckCuts(t, said, func() (conversation.Conversation, func() outcome) {
				cryptotest.SetGlobalRandom(t, 1)
				return begin()
			})
			if status != test.status || (got.RDP.Confirm != nil) != test.kept || (got.RDP.Raw != nil) != (!test.kept && test.said != nil) {
				t.Errorf("%s %+v", status, got.RDP)
			}
		})
	}
}

// The request is that of MS-RDPBCGR 2.2.1.1 without cookie: it names nobody.
func TestConnectionRequest(t *testing.T) {
	if got, want := hex.EncodeToString(connectionRequest()), "030000130ee00000000000"+"010008000b000000"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTSRequest(t *testing.T) {
	if got := tsRequest(negotiate()); hex.EncodeToString(got) != "3037a003020106a130302e302ca02a0428"+"4e544c4d5353500001000000b78208e2"+strings.Repeat("00", 23)+"0f" {
		t.Errorf("%x", got)
	}
	for name, test := range map[string]struct {
		said   string // hex
		length int    // of the whole; Not
		status record.Status
		raw    bool
	}{
		"challenge":           {"301ba003020106a114301230" + "10a00e040c" + "4e544c4d5353500002000000", 29, record.OK, false},
		"error":               {"300da003020106a4060204c000006d", 15, record.Alert, false},
		"error, five bytes":   {"300ea003020106a407020500c000006d", 16, record.Alert, false},
		"neither":             {"3005a003020106", 7, record.Malformed, true},
		"no version":          {"3009a1073005300304" + "0100", 11, record.Malformed, true},
		"another NTLM type":   {"301ba003020106a114301230" + "10a00e040c" + "4e544c4d5353500003000000", 29, record.Malformed, true},
		"token of SPNEGO":     {"3017a003020106a110300e30" + "0ca00a0408" + "a106300405000000", 25, record.Malformed, true},
		"lengths that lie":    {"301ba003020106a114301230" + "10a00e047c" + "4e544c4d5353500002000000", 29, record.Malformed, true},
		"version too large":   {"3008a006020401000000", 10, record.Malformed, true},
		"indefinite length":   {"3080a0030201060000", opening.Not, record.Malformed, true},
		"a length too large":  {"3082ffff", opening.Not, record.Malformed, true},
		"length of a length":  {"3084000000ff", opening.Not, record.Malformed, true},
		"not even a sequence": {"04030201", opening.Not, record.Malformed, true},
		"long form":           {"3081" + "05a003020106", 8, record.Malformed, true},
	} {
		t.Run(name, func(t *testing.T) {
			said, err := hex.DecodeString(test.said)
			if err != nil {
				t.Fatal(err)
			}
			if got := derLength(said); got != test.length || test.length > 0 && got != len(said) {
				t.Errorf("length %d of %d bytes", got, len(said))
			}
			got, status := conversationtest.CheckCuts(t, conversationtest.Transcript{Turns: [][]byte{said}}, func() (conversation.Conversation, func() record.RDP) {
				c := newCredSSP()
				return c, func() record.RDP {
					return record.RDP{CredSSP: c.version, ErrorCode: c.errorCode, Challenge: c.challenge, Raw: c.Raw}
				}
			})
			if status != test.status || (got.Raw != nil) != test.raw || status == record.Alert && got.ErrorCode != 0xc000006d || (status == record.OK) != (got.Challenge != nil) {
				t.Errorf("%s %+v", status, got)
			}
		})
	}
}

func FuzzConfirm(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		f.Add(bytes.Join(livetest.Transcripts(f, file)[0].Turns, nil))
	}
	f.Add([]byte("\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00"))
	f.Add([]byte("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x1f\x08\x00\x08\x00\x00\x00\x16\x03\x03\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		conversationtest.Fuzz(t, in, 8192, func() conversation.Conversation { return newConnection("", false) })
	})
}

func FuzzTSRequest(f *testing.F) {
	f.Add(tsRequest(negotiate()))
	f.Add(tsRequest([]byte(ntlmChallenge)))
	f.Add([]byte("\x30\x0d\xa0\x03\x02\x01\x06\xa4\x06\x02\x04\xc0\x00\x00\x6d"))
	f.Add([]byte("\x30\x80\xa0\x80"))
	f.Add([]byte("\x30\x82\x20\x01"))
	f.Fuzz(func(t *testing.T, in []byte) {
		conversationtest.Fuzz(t, in, 128, func() conversation.Conversation { return newCredSSP() })
	})
}
