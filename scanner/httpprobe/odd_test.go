package httpprobe

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	fingerprint "github.com/hostkin/hostkin/fingerprints/http"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

func TestOddRequests(t *testing.T) {
	usual := site{host: "192.0.2.1", agent: "x"}.request("/")
	for q, want := range map[question]string{
		root:    string(usual),
		method:  "get / HTTP/1.1\r\nHost: 192.0.2.1\r\nUser-Agent: x\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
		version: "GET / HTTP/9.8\r\nHost: 192.0.2.1\r\nUser-Agent: x\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
		lineEnd: "GET / HTTP/1.1\nHost: 192.0.2.1\nUser-Agent: x\nAccept: */*\nConnection: keep-alive\n\n",
		coding:  "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\nUser-Agent: x\r\nAccept: */*\r\nTransfer-Encoding: hostkin\r\nConnection: keep-alive\r\n\r\n",
	} {
		if diff := cmp.Diff(want, string(oddly(q, usual))); diff != "" {
			t.Errorf("%d (-want +got):\n%s", q, diff)
		}
	}
}

// reply is one response that says nothing of closing.
func reply(code int) string {
	return fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Length: 4\r\n\r\nbody", code)
}

func closing(code int) string {
	return strings.Replace(reply(code), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
}

func TestOddQuestionsHaveTwoConnections(t *testing.T) {
	talk := func(turns ...string) (said conversationtest.Transcript) {
		for _, turn := range turns {
			said.Turns = append(said.Turns, []byte(turn))
		}
		return said
	}
	silent := conversationtest.Transcript{Then: record.Timeout}
	pages := []string{reply(200), reply(404), reply(404)}
	with := func(turns ...string) conversationtest.Transcript { return talk(slices.Concat(pages, turns)...) }
	for name, test := range map[string]struct {
		said        []conversationtest.Transcript
		connections int
		want        string
	}{
		"keeps every connection": {[]conversationtest.Transcript{with(reply(400), reply(505), reply(200), reply(501))}, 1,
			"method 400 body;version 505 body;lf 200;coding 501 body;"},
		"closes after each": {[]conversationtest.Transcript{with(closing(400)), talk(closing(505)), talk(closing(400)), talk(closing(501))}, 3,
			"method 400 body;version 505 body;lf 400 body;"},
		"closes after pages too": {[]conversationtest.Transcript{talk(closing(200)), talk(closing(404)), talk(closing(404)), talk(closing(400)), talk(closing(505))}, 5,
			"method 400 body;version 505 body;"},
		"closes without a word, and again when asked first": {[]conversationtest.Transcript{with(), talk(), talk(reply(505), reply(200))}, 3,
			"method closed;version 505 body;lf 200;"},
		"no answer is no value, and no reason to stop": {[]conversationtest.Transcript{with(), silent, talk(reply(505), reply(200), reply(501))}, 3,
			"method timeout;version 505 body;lf 200;coding 501 body;"},
		"a body without a head": {[]conversationtest.Transcript{with(closing(400)), talk("<html>no such version"), talk(reply(200), closing(501))}, 3,
			"method 400 body;version malformed <html>no such version;lf 200;coding 501 body;"},
		"is gone": {[]conversationtest.Transcript{with(closing(400))}, 2, "method 400 body;"},
	} {
		t.Run(name, func(t *testing.T) {
			a, status, connections := play(Probe{Odd: true}, record.Answer{}, test.said...)
			if status != record.OK || a.HTTP.Raw != nil || connections != test.connections {
				t.Errorf("%s after %d connections, want ok after %d", status, connections, test.connections)
			}
			if got := oddText(a.HTTP.Odd); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if a, _, _ := play(Probe{}, record.Answer{}, with(reply(400))); a.HTTP.Odd != nil {
		t.Errorf("asked without Odd: %+v", a.HTTP.Odd)
	}
	known := record.Answer{HTTP: &record.HTTP{Root: &record.Page{}, Favicon: &record.Page{}, Missing: &record.Page{}, Odd: []record.Odd{{}}}}
	if _, _, connections := play(Probe{Odd: true}, known); connections != 0 {
		t.Errorf("asked again: %d connections", connections)
	}
}

func oddText(all []record.Odd) string {
	var b strings.Builder
	for _, o := range all {
		how := fmt.Sprint(o.Code)
		if o.Code == 0 {
			how = string(o.Status)
		}
		b.WriteString(strings.TrimSuffix(fmt.Sprintf("%s %s %s", o.Request, how, o.Body), " ") + ";")
	}
	return b.String()
}

func TestPlainHTTPToTLS(t *testing.T) {
	seen := record.Answer{
		TLS:  &record.TLS{TLSAnswer: record.TLSAnswer{Version: 0x0304}},
		HTTP: &record.HTTP{TLS: true, Root: &record.Page{}, Favicon: &record.Page{}, Missing: &record.Page{}},
	}
	turn := func(s string) conversationtest.Transcript {
		return conversationtest.Transcript{Turns: [][]byte{[]byte(s)}}
	}
	for name, test := range map[string]struct {
		said conversationtest.Transcript
		want record.Page
	}{
		"a page":   {turn("HTTP/1.0 400 Bad Request\r\n\r\nno"), record.Page{Status: record.OK, Code: 400, Head: []byte("HTTP/1.0 400 Bad Request\r\n\r\n"), Body: []byte("no")}},
		"an alert": {turn("\x15\x03\x01\x00\x02\x02\x16"), record.Page{Status: record.Malformed, Body: []byte("\x15\x03\x01\x00\x02\x02\x16")}},
		"FIN":      {conversationtest.Transcript{}, record.Page{Status: record.Closed}},
		"RST":      {conversationtest.Transcript{Then: record.Reset}, record.Page{Status: record.Reset}},
		"silence":  {conversationtest.Transcript{Then: record.Timeout}, record.Page{Status: record.Timeout}},
	} {
		a, status, connections := play(Probe{}, seen, test.said)
		test.want.Path = "/"
		if status != record.OK || connections != 1 || a.HTTP == nil || a.HTTP.Plain == nil {
			t.Fatalf("%s: %s after %d connections", name, status, connections)
		}
		if diff := cmp.Diff(&test.want, a.HTTP.Plain); diff != "" || a.HTTP.Raw != nil {
			t.Errorf("%s: raw %q (-want +got):\n%s", name, a.HTTP.Raw, diff)
		}
	}
	for name, p := range map[string]Probe{"a first look": {First: true}, "no TLS there": {}} {
		before := seen
		if name == "no TLS there" {
			before.TLS = nil
		}
		if _, _, connections := play(p, before); connections != 0 {
			t.Errorf("%s: %d connections", name, connections)
		}
	}
}

// scripted are servers that are libraries, beside the products.
func scripted() map[string]func(*testing.T, ground) {
	return map[string]func(*testing.T, ground){
		"go": func(t *testing.T, g ground) {
			cert, err := tls.LoadX509KeyPair(g.cert, g.cert)
			if err != nil {
				t.Fatal(err)
			}
			s := &http.Server{Handler: http.FileServer(http.Dir(g.docs)), ErrorLog: log.New(io.Discard, "", 0)}
			for addr, config := range map[netip.AddrPort]*tls.Config{g.plain: nil, g.secure: {Certificates: []tls.Certificate{cert}}} {
				l, err := net.Listen("tcp", addr.String())
				if err != nil {
					t.Fatal(err)
				}
				if config != nil {
					l = tls.NewListener(l, config)
				}
				go s.Serve(l)
			}
			t.Cleanup(func() { s.Close() })
		},
		"node": func(t *testing.T, g ground) {
			f := g.config(t, "s.js", `const http=require('http'),https=require('https'),fs=require('fs')
const files={'/':['text/html','index.html'],'/pics/i.png':['image/png','pics/i.png']}
function answer(q,r){const f=files[q.url];if(!f){r.statusCode=404;return r.end('no '+q.url)}
 r.setHeader('Content-Type',f[0]);r.end(fs.readFileSync('DOCS/'+f[1]))}
const pem=fs.readFileSync('CERT')
http.createServer(answer).listen(PLAINPORT,'127.0.0.1',()=>
 https.createServer({key:pem,cert:pem},answer).listen(TLSPORT,'127.0.0.1'))
`)
			livetest.Serve(t, g.secure, "node", f)
		},
		"python": func(t *testing.T, g ground) {
			f := g.config(t, "s.py", `import functools, http.server, ssl, threading
H = functools.partial(http.server.SimpleHTTPRequestHandler, directory="DOCS")
plain = http.server.ThreadingHTTPServer(("127.0.0.1", PLAINPORT), H)
secure = http.server.ThreadingHTTPServer(("127.0.0.1", TLSPORT), H)
c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
c.load_cert_chain("CERT")
secure.socket = c.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=plain.serve_forever, daemon=True).start()
secure.serve_forever()
`)
			livetest.Serve(t, g.secure, "python3", f)
		},
	}
}

// Every server gives the same values every time, over whatever path, and no two
// products give the same.
func TestOddAnswersOfRealServers(t *testing.T) {
	servers := scripted()
	for name, p := range products() {
		servers[name] = p.start
	}
	// What a server that closes after every one of them was not asked is not there.
	want := map[string]string{
		"nginx":    "method:400 version:505 lf:200 coding:501 TLS:400",
		"apache2":  "method:501 version:200 lf:400 coding:400 TLS:400",
		"haproxy":  "method:200 version:200 lf:200 coding:400 TLS:closed",
		"lighttpd": "method:501 version:505 lf:400 TLS:closed",
		"caddy":    "method:200 version:505 lf:200 coding:501 TLS:400",
		"go":       "method:200 version:505 lf:200 coding:501 TLS:400",
		"node":     "method:400 version:400 lf:400 TLS:closed",
		"python":   "method:501 version:raw TLS:reset",
	}
	seen := map[string]string{}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			g := prepare(t)
			start(t, g)
			cut := livetest.Proxy(t, "127.0.0.1:0", g.plain, inPieces)
			whole := ""
			for i := range 6 {
				at := g.plain
				if i == 5 {
					at = cut
				}
				a, status, said := livetest.Ask(t, Probe{Odd: true}, endpoint(at), record.Answer{})
				if status != record.OK || len(said) > 5 {
					t.Fatalf("%s after %d connections", status, len(said))
				}
				values := refusals(a.HTTP)
				if whole == "" {
					whole = values
				}
				if values != whole {
					t.Errorf("time %d: %s, at first %s", i, values, whole)
				}
				if i == 0 {
					livetest.Keep(t, filepath.Join("testdata", "odd", name+".json"), said)
					livetest.Keep(t, filepath.Join("../../fingerprints/http/testdata/odd", name+".json"), a.HTTP)
				}
			}
			secure := overTLS(t, g.secure)
			if whole += secure; codes(whole) != want[name] {
				t.Errorf("%s, want %s", codes(whole), want[name])
			}
			for other, values := range seen {
				if values == whole {
					t.Errorf("answers as %s: %s", other, values)
				}
			}
			seen[name] = whole
		})
	}
}

// overTLS asks an HTTPS port, and is how it takes plain HTTP, each time alike.
func overTLS(t *testing.T, addr netip.AddrPort) string {
	t.Helper()
	known, _, _ := livetest.Ask(t, tlsprobe.Probe{}, endpoint(addr), record.Answer{})
	values := map[string]bool{}
	value := ""
	for range 5 {
		a, status, _ := livetest.Ask(t, Probe{Odd: true}, endpoint(addr), known)
		if status != record.OK || a.HTTP.Plain == nil || len(a.HTTP.Odd) < 2 {
			t.Fatalf("over TLS: %s, %+v", status, a.HTTP)
		}
		value = refusals(a.HTTP)
		values[value] = true
	}
	if len(values) != 1 {
		t.Errorf("over TLS: %v", values)
	}
	_, plain, _ := strings.Cut(value, "TLS:")
	return "TLS:" + plain
}

// refusals are the values of what cannot be answered well, but for a page that is missing.
func refusals(h *record.HTTP) string {
	var b strings.Builder
	for _, p := range fingerprint.Of(h) {
		switch {
		case p.Kind == fingerprint.ErrorPage && strings.Contains(p.Value, ":"):
			b.WriteString(p.Value + ";")
		case p.Kind == fingerprint.PlainToTLS:
			b.WriteString("TLS:" + p.Value + ";")
		}
	}
	return b.String()
}

// codes leaves the digests out of refusals.
func codes(values string) string {
	var out []string
	for v := range strings.SplitSeq(strings.TrimSuffix(values, ";"), ";") {
		code, _, _ := strings.Cut(v, " ")
		out = append(out, code)
	}
	return strings.Join(out, " ")
}

// inPieces passes on what the server says a few bytes a segment.
func inPieces(client, server net.Conn) {
	buf := make([]byte, 13)
	for {
		n, err := server.Read(buf)
		if _, failed := client.Write(buf[:n]); failed != nil || err != nil {
			return
		}
	}
}

func TestRecordedOddAnswersInPieces(t *testing.T) {
	files, err := filepath.Glob("testdata/odd/*.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		asked := []question{root, favicon, missing, method, version, lineEnd, coding}
		for i, one := range livetest.Transcripts(t, file) {
			start := ask(asked...)
			got, _ := conversationtest.CheckCuts(t, one, start)
			conversationtest.CheckEndings(t, one, func() conversation.Conversation { c, _ := start(); return c })
			if len(got.Ask) == len(asked) {
				t.Errorf("%s, connection %d: left %v", file, i, got.Ask)
			}
			asked = got.Ask
		}
		if len(asked) > 2 {
			t.Errorf("%s: left %v", file, asked)
		}
	}
}

func FuzzOdd(f *testing.F) {
	files, _ := filepath.Glob("testdata/odd/*.json")
	for _, file := range files {
		for _, said := range livetest.Transcripts(f, file) {
			f.Add(bytes.Join(said.Turns, nil))
		}
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		conversationtest.Fuzz(t, said, 2<<10, func() conversation.Conversation {
			c, _ := ask(method, version, lineEnd, coding)()
			return c
		})
	})
}
