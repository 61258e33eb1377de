package httpprobe

import (
	"bytes"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
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
	Got [questions]*record.Page
	Raw []byte
	Ask []question // not answered
}

// Equal spares cmp from comparing bodies of 64 KiB one byte at a time.
func (o outcome) Equal(other outcome) bool { return reflect.DeepEqual(o, other) }

func ask(qs ...question) func() (conversation.Conversation, func() outcome) {
	return func() (conversation.Conversation, func() outcome) {
		p := &pages{site: site{scheme: "http", host: "192.0.2.1", agent: "x"}, ask: qs}
		return p, func() outcome { return outcome{p.got, p.raw, p.ask} }
	}
}

func TestRecordedServersInPieces(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		said := livetest.Transcripts(t, file)
		asked := []question{root, favicon, missing}
		for i, one := range said {
			start := ask(asked...)
			got, status := conversationtest.CheckCuts(t, one, start)
			conversationtest.CheckEndings(t, one, func() conversation.Conversation { c, _ := start(); return c })
			if status != record.OK || len(got.Ask) == len(asked) {
				t.Errorf("%s, connection %d: %s, left %v", file, i, status, got.Ask)
			}
			asked = got.Ask
		}
		if len(asked) > 0 {
			t.Errorf("%s: %v was not answered", file, asked)
		}
	}
}

func TestResponses(t *testing.T) {
	type check func(*record.Page) bool
	body := func(want string) check {
		return func(p *record.Page) bool { return string(p.Body) == want && !p.Truncated }
	}
	headOnly := func(p *record.Page) bool { return p.Body == nil && len(p.Head) > 0 }
	capped := func(p *record.Page) bool { return len(p.Body) == maxBody && p.Truncated }
	ok := "HTTP/1.1 200 OK\r\n"
	chunked := ok + "Transfer-Encoding: chunked\r\n\r\n"
	big := strings.Repeat("x", maxBody+100)
	for name, test := range map[string]struct {
		said   string
		then   record.Status
		status record.Status
		check  check
	}{
		"length":                       {said: ok + "Content-Length: 3\r\n\r\nabc", status: record.OK, check: body("abc")},
		"length, more follows":         {said: ok + "Content-Length: 3\r\n\r\nabcdef", status: record.OK, check: body("abc")},
		"length 0":                     {said: ok + "Content-Length: 0\r\n\r\n", then: record.Timeout, status: record.OK, check: headOnly},
		"equal lengths twice":          {said: ok + "Content-Length: 3, 3\r\ncontent-length: 3\r\n\r\nabc", status: record.OK, check: body("abc")},
		"folded length":                {said: ok + "Content-Length:\r\n 3\r\n\r\nabc", status: record.OK, check: body("abc")},
		"to close":                     {said: ok + "\r\nabc", status: record.OK, check: body("abc")},
		"to close, but reset":          {said: ok + "\r\nabc", then: record.Reset, status: record.Reset, check: body("abc")},
		"to close, but silent":         {said: ok + "\r\nabc", then: record.Timeout, status: record.Timeout, check: body("abc")},
		"HTTP/1.0 and LF only":         {said: "HTTP/1.0 404 \nA: b\n\nno", status: record.OK, check: func(p *record.Page) bool { return p.Code == 404 && string(p.Body) == "no" }},
		"no reason":                    {said: "HTTP/1.1 200\r\n\r\nx", status: record.OK, check: body("x")},
		"no fields":                    {said: "HTTP/1.1 204 No Content\r\n\r\n", then: record.Timeout, status: record.OK, check: headOnly},
		"not modified":                 {said: "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", then: record.Timeout, status: record.OK, check: headOnly},
		"blank lines first":            {said: "\r\n\r\n" + ok + "Content-Length: 1\r\n\r\na", status: record.OK, check: body("a")},
		"interim":                      {said: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok + "Content-Length: 1\r\n\r\na", status: record.OK, check: func(p *record.Page) bool { return p.Code == 200 && !bytes.Contains(p.Head, []byte("Link")) }},
		"endless interim":              {said: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 99), status: record.Malformed},
		"chunks":                       {said: chunked + "3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nT: u\r\n\r\n", then: record.Timeout, status: record.OK, check: body("abc0123456789")},
		"chunks with LF":               {said: chunked + "3 \nabc\n0\n\n", then: record.Timeout, status: record.OK, check: body("abc")},
		"chunks and a length":          {said: ok + "Content-Length: 99\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", then: record.Timeout, status: record.OK, check: body("a")},
		"no chunks, but another code":  {said: ok + "Transfer-Encoding: gzip\r\n\r\nabc", status: record.OK, check: body("abc")},
		"chunks end too early":         {said: chunked + "3\r\nabc\r\n", status: record.Closed, check: body("abc")},
		"chunk longer than said":       {said: chunked + "3\r\nabcd\r\n0\r\n\r\n", status: record.Malformed, check: body("abc")},
		"chunk size empty":             {said: chunked + "\r\nabc", status: record.Malformed},
		"chunk size negative":          {said: chunked + "-3\r\nabc", status: record.Malformed},
		"chunk size 0x3":               {said: chunked + "0x3\r\nabc", status: record.Malformed},
		"chunk size over 64 bits":      {said: chunked + "FFFFFFFFFFFFFFFFF\r\nabc", status: record.Malformed},
		"chunk size enormous":          {said: chunked + "FFFFFFFFFFFFFFF\r\n" + big, status: record.OK, check: capped},
		"endless chunk line":           {said: chunked + "3;" + big, status: record.Malformed},
		"endless trailers":             {said: chunked + "0\r\n" + strings.Repeat("A: b\r\n", 9000), status: record.Malformed},
		"endless chunks":               {said: chunked + strings.Repeat("1\r\nx\r\n", maxBody+9), status: record.OK, check: capped},
		"endless body":                 {said: ok + "\r\n" + big, status: record.OK, check: capped},
		"body of just the cap":         {said: ok + "\r\n" + big[:maxBody], status: record.OK, check: body(big[:maxBody])},
		"length over the cap":          {said: ok + "Content-Length: 99999999\r\n\r\n" + big, status: record.OK, check: capped},
		"length over 64 bits":          {said: ok + "Content-Length: 99999999999999999999999\r\n\r\nabc", status: record.Closed, check: body("abc")},
		"length negative":              {said: ok + "Content-Length: -1\r\n\r\nabc", status: record.Malformed, check: headOnly},
		"length signed":                {said: ok + "Content-Length: +1\r\n\r\nabc", status: record.Malformed, check: headOnly},
		"length empty":                 {said: ok + "Content-Length:\r\n\r\nabc", status: record.Malformed, check: headOnly},
		"lengths differ":               {said: ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nabc", status: record.Malformed, check: headOnly},
		"length not reached":           {said: ok + "Content-Length: 9\r\n\r\nabc", status: record.Closed, check: body("abc")},
		"NULs":                         {said: ok + "A\x00b: \x00\r\nContent-Length: 2\r\n\r\n\x00\x00", status: record.OK, check: body("\x00\x00")},
		"endless head":                 {said: ok + strings.Repeat("A: b\r\n", 9000), status: record.Truncated, check: func(p *record.Page) bool { return len(p.Head) == maxHead }},
		"endless line":                 {said: ok + big, status: record.Truncated},
		"head is cut short":            {said: ok + "A: b\r\n", status: record.Closed, check: headOnly},
		"silence":                      {then: record.Timeout, status: record.Timeout},
		"closes at once":               {status: record.Closed},
		"byte cap of the connection":   {said: ok + "\r\nabc", then: record.Truncated, status: record.Truncated, check: func(p *record.Page) bool { return p.Truncated }},
		"SSH":                          {said: "SSH-2.0-OpenSSH_9.2\r\n", then: record.Timeout, status: record.Malformed},
		"a TLS alert":                  {said: "\x15\x03\x01\x00\x02\x02\x46", status: record.Malformed},
		"a body without a head":        {said: "<html>" + big, status: record.Malformed},
		"a code that is none":          {said: "HTTP/1.1 2x0 OK\r\n\r\n" + big, status: record.Malformed},
		"a code below 100":             {said: "HTTP/1.1 099 OK\r\n\r\n", status: record.Malformed},
		"a code of four digits":        {said: "HTTP/1.1 2000 OK\r\n\r\n", status: record.Malformed},
		"HTTP and nothing else":        {said: "HTTP/\r\n\r\n", status: record.Malformed},
		"only blank lines":             {said: strings.Repeat("\r\n", 99), status: record.Malformed},
		"upgrade that nobody asked of": {said: "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nzzz", status: record.OK, check: headOnly},
	} {
		t.Run(name, func(t *testing.T) {
			said := conversationtest.Transcript{Then: test.then}
			if test.said != "" {
				said.Turns = [][]byte{[]byte(test.said)}
			}
			got, status := conversationtest.CheckCuts(t, said, ask(root))
			page := got.Got[root]
			if page == nil || page.Status != test.status || status != test.status {
				t.Fatalf("verdict %s, page %+v, want %s", status, page, test.status)
			}
			if test.check != nil && !test.check(page) {
				t.Errorf("code %d, head %q, %d bytes of body %.80q, truncated %v", page.Code, page.Head, len(page.Body), page.Body, page.Truncated)
			}
			if junk := page.Code == 0 && page.Head == nil && test.said != "" && page.Status == record.Malformed && !strings.Contains(name, "interim"); junk {
				if want := strings.TrimLeft(test.said, "\r\n"); len(got.Raw) == 0 || !strings.HasPrefix(want, string(got.Raw)) && name != "only blank lines" {
					t.Errorf("raw %q", got.Raw)
				}
			}
		})
	}
}

func TestKeepAlive(t *testing.T) {
	answer := func(fields, body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", fields, len(body), body)
	}
	for name, test := range map[string]struct {
		turns  []string
		status record.Status
		left   int
		sent   int // requests
	}{
		"all on one":                {turns: []string{answer("", "a"), answer("", "b"), answer("", "c")}, status: record.OK, sent: 3},
		"closes as announced":       {turns: []string{answer("Connection: Foo, Close\r\n", "a")}, status: record.OK, left: 2, sent: 1},
		"closes unannounced":        {turns: []string{answer("", "a")}, status: record.OK, left: 2, sent: 2},
		"HTTP/1.0 closes":           {turns: []string{"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"}, status: record.OK, left: 2, sent: 1},
		"HTTP/1.0 keeps":            {turns: []string{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", answer("", "b")}, status: record.OK, left: 1, sent: 3},
		"a body to the end":         {turns: []string{"HTTP/1.1 200 OK\r\n\r\nabc"}, status: record.OK, left: 2, sent: 1},
		"a smuggler's framing":      {turns: []string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}, status: record.OK, left: 2, sent: 1},
		"CR LF after the body":      {turns: []string{answer("", "a") + "\r\n", answer("", "b") + "\r\n", answer("", "c")}, status: record.OK, sent: 3},
		"all answers at once":       {turns: []string{answer("", "a") + answer("", "b") + answer("", "c")}, status: record.OK, sent: 3},
		"the second is not HTTP":    {turns: []string{answer("", "a"), "oops\r\n"}, status: record.Malformed, left: 1, sent: 2},
		"the second is only begun":  {turns: []string{answer("", "a"), "HTTP/1.1 100 Continue\r\n\r\n"}, status: record.Closed, left: 1, sent: 2},
		"the second is half a head": {turns: []string{answer("", "a"), "HTTP/1.1 2"}, status: record.Closed, left: 1, sent: 2},
	} {
		t.Run(name, func(t *testing.T) {
			var said conversationtest.Transcript
			for _, turn := range test.turns {
				said.Turns = append(said.Turns, []byte(turn))
			}
			got, status := conversationtest.CheckCuts(t, said, ask(root, favicon, missing))
			if status != test.status || len(got.Ask) != test.left {
				t.Errorf("%s, left %v; want %s, %d left", status, got.Ask, test.status, test.left)
			}
			c, _ := ask(root, favicon, missing)()
			if _, sent := conversationtest.Play(c, said, nil); bytes.Count(sent, []byte("GET /")) != test.sent {
				t.Errorf("%d requests, want %d", bytes.Count(sent, []byte("GET /")), test.sent)
			}
			if len(got.Raw) > 0 {
				t.Errorf("raw %q", got.Raw)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	for _, test := range []struct {
		ip, name string
		port     uint16
		tls      bool
		host     string
	}{
		{"192.0.2.1", "", 80, false, "192.0.2.1"}, {"192.0.2.1", "", 8080, false, "192.0.2.1:8080"},
		{"192.0.2.1", "a.example", 443, true, "a.example"}, {"192.0.2.1", "a.example", 80, true, "a.example:80"},
		{"2001:db8::1", "", 443, true, "[2001:db8::1]"}, {"2001:db8::1", "", 443, false, "[2001:db8::1]:443"},
		{"192.0.2.1", "a\r\nX: y", 80, false, "aX:y"},
	} {
		at := record.Endpoint{Host: record.Host{IP: netip.MustParseAddr(test.ip), Name: test.name}, Port: test.port}
		want := "GET /p HTTP/1.1\r\nHost: " + test.host + "\r\nUser-Agent: hostkin/1 (+https://x.example/a)\r\n" +
			"Accept: */*\r\nConnection: keep-alive\r\n\r\n"
		if diff := cmp.Diff(want, string(newSite(at, test.tls, "https://x.example/a\r\n)").request("/p"))); diff != "" {
			t.Error(diff)
		}
	}
	if got := userAgent(""); got != "Mozilla/5.0 (compatible; hostkin/1)" {
		t.Errorf("without contact: %q", got)
	}
}

func TestIcon(t *testing.T) {
	s := site{scheme: "https", host: "a.example:8443"}
	for body, want := range map[string]string{
		"":                                      "/favicon.ico",
		`<link rel="icon" href="/i.svg?v=1#x">`: "/i.svg?v=1",
		`<link rel=icon href=i.svg>`:            "/i.svg",
		`<link rel="stylesheet" href="/s.css"><link rel="apple-touch-icon" href="/t.png"><link REL='Shortcut ICON' HREF='i.ico'>`: "/i.ico",
		`<link rel=icon href="https://A.example:8443/i.ico">`:                                                                     "/i.ico",
		`<link rel=icon href="//cdn.example/i.ico"><link rel=icon href="/mine.ico">`:                                              "/mine.ico",
		`<link rel=icon href="http://a.example:8443/i.ico">`:                                                                      "/favicon.ico",
		`<link rel=icon href="data:image/png;base64,AAAA">`:                                                                       "/favicon.ico",
		`<link rel=icon href="https:i.ico">`:                                                                                      "/favicon.ico",
		"<link rel=icon href=\"/a\r\nX: y\">":                                                                                     "/favicon.ico",
		`<link rel=icon href="/?a b">`:                                                                                            "/favicon.ico",
		`<link rel=icon href="/a b.png">`:                                                                                         "/a%20b.png",
		`<link rel=icon href="` + strings.Repeat("a", 2000) + `">`:                                                                "/favicon.ico",
		`<!-- <link rel=icon href="/no.ico"> --><script>"<link rel=icon href=/no.ico>"</script><link rel="icon" href="&#x2f;e&amp;.ico`: "/favicon.ico",
		`<link rel="icon" href="&#x2f;e&amp;.ico">`: "/e&.ico",
	} {
		if got := s.icon(&record.Page{Body: []byte(body)}); got != want {
			t.Errorf("%.80s: %q, want %q", body, got, want)
		}
	}
	if got := s.icon(nil); got != "/favicon.ico" {
		t.Errorf("no page: %q", got)
	}
}

// play runs a probe against answers, one a connection.
func play(p Probe, seen record.Answer, answers ...conversationtest.Transcript) (a record.Answer, status record.Status, connections int) {
	r := p.Start(record.Endpoint{Host: record.Host{IP: netip.MustParseAddr("192.0.2.1")}, Port: 80}, seen)
	for ; ; connections++ {
		var x conversation.Exchange
		if !r.Next(&x) {
			return a, r.Fold(&a), connections
		}
		if connections < len(answers) {
			x.Status, _ = conversationtest.Play(x.Conv, answers[connections], nil)
		} else {
			x.Status = x.Conv.End(record.Refused)
		}
		r.Ended(&x)
	}
}

func TestRun(t *testing.T) {
	turn := func(s string) conversationtest.Transcript {
		return conversationtest.Transcript{Turns: [][]byte{[]byte(s)}}
	}
	good := turn("HTTP/1.1 200 OK\r\n\r\nabc")
	silent := conversationtest.Transcript{Then: record.Timeout}
	for name, test := range map[string]struct {
		probe       Probe
		seen        record.Answer
		answers     []conversationtest.Transcript
		status      record.Status
		connections int
		nothing     bool
	}{
		"three pages":            {answers: []conversationtest.Transcript{good, good, good}, status: record.OK, connections: 3},
		"the first only":         {probe: Probe{First: true}, answers: []conversationtest.Transcript{good}, status: record.OK, connections: 1},
		"refused":                {status: record.Refused, connections: 1, nothing: true},
		"silent":                 {answers: []conversationtest.Transcript{silent}, status: record.Timeout, connections: 1},
		"no web server":          {answers: []conversationtest.Transcript{turn("220 ready\r\n")}, status: record.Malformed, connections: 1},
		"silent at the second":   {answers: []conversationtest.Transcript{good, silent, good}, status: record.OK, connections: 2},
		"the second breaks off":  {answers: []conversationtest.Transcript{good, turn("HTTP/1.1 2"), good}, status: record.OK, connections: 3},
		"gone at the second":     {answers: []conversationtest.Transcript{good}, status: record.OK, connections: 2},
		"TLS that cannot be had": {seen: record.Answer{TLS: &record.TLS{TLSAnswer: record.TLSAnswer{Version: 0x0303, ALPN: "h2"}}}, answers: []conversationtest.Transcript{turn("\x15\x03\x03\x00\x02\x02\x28")}, status: record.Alert, connections: 1, nothing: true},
		"TLS was refused before": {seen: record.Answer{TLS: &record.TLS{}}, answers: []conversationtest.Transcript{good, good, good}, status: record.OK, connections: 3},
		"all is known": {seen: record.Answer{HTTP: &record.HTTP{Root: &record.Page{}, Favicon: &record.Page{}, Missing: &record.Page{}}},
			status: record.OK, connections: 0, nothing: true},
	} {
		t.Run(name, func(t *testing.T) {
			a, status, connections := play(test.probe, test.seen, test.answers...)
			if status != test.status || connections != test.connections {
				t.Errorf("%s after %d connections, want %s after %d", status, connections, test.status, test.connections)
			}
			if (a.HTTP == nil) != test.nothing {
				t.Errorf("answer %+v", a.HTTP)
			}
			if a.HTTP != nil && a.HTTP.Host != "192.0.2.1" {
				t.Errorf("host %q", a.HTTP.Host)
			}
		})
	}
}

func FuzzResponse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		for _, said := range livetest.Transcripts(f, file) {
			f.Add(bytes.Join(said.Turns, nil), uint16(40))
		}
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n"), uint16(50))
	f.Add([]byte("\r\nHTTP/1.0 100 x\n\nHTTP/1.1 404 x\nContent-Length: 1, 1\nConnection: close\n\na"), uint16(3))
	f.Fuzz(func(t *testing.T, said []byte, at uint16) {
		if at == 0 || int(at) >= len(said) {
			return
		}
		turn := conversationtest.Transcript{Turns: [][]byte{said}}
		whole, wantOf := ask(root, missing)()
		cut, gotOf := ask(root, missing)()
		want, sent := conversationtest.Play(whole, turn, nil)
		got, _ := conversationtest.Play(cut, turn, func(b []byte) [][]byte { return [][]byte{b[:at:at], b[at:]} })
		if want != got {
			t.Errorf("verdict %q, cut at %d %q", want, at, got)
		}
		if diff := cmp.Diff(wantOf(), gotOf()); diff != "" {
			t.Errorf("cut at %d:\n%s", at, diff)
		}
		if n := bytes.Count(sent, []byte("GET ")); n > 2 {
			t.Errorf("%d requests", n)
		}
		for _, page := range wantOf().Got {
			if page != nil && (len(page.Body) > maxBody || len(page.Head) > maxHead) {
				t.Errorf("%d bytes of head, %d of body", len(page.Head), len(page.Body))
			}
		}
	})
}

func BenchmarkThreePages(b *testing.B) {
	said := livetest.Transcripts(b, "testdata/nginx.json")
	b.ReportAllocs()
	for b.Loop() {
		if _, status, _ := play(Probe{}, record.Answer{}, said...); status != record.OK {
			b.Fatal(status)
		}
	}
}
