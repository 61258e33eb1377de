package http

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// ok is a whole page.
func ok(code int, fields, body string) *record.Page {
	return &record.Page{Path: "/", Status: record.OK, Code: code, Body: []byte(body),
		Head: fmt.Appendf(nil, "HTTP/1.1 %d x\r\n%s\r\n", code, fields)}
}

func one(t *testing.T, h *record.HTTP, kind string, names ...string) string {
	t.Helper()
	var found []string
	for _, p := range Of(h, names...) {
		if p.Kind == kind {
			found = append(found, p.Value)
		}
	}
	if len(found) > 1 {
		t.Errorf("%s: several values %q", kind, found)
	}
	return strings.Join(found, "|")
}

// answer loads a recorded one.
func answer(tb testing.TB, file string) *record.HTTP {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	h := new(record.HTTP)
	if err := json.Unmarshal(b, h); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	return h
}

// The vectors are those of the Python module mmh3 over base64.encodebytes.
func TestFaviconVectors(t *testing.T) {
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	for _, test := range []struct {
		in   string
		want int32
	}{
		{"hello", 1155597304}, {strings.Repeat("A", 57), 2013291156}, {strings.Repeat("A", 58), 1915499101},
		{strings.Repeat("A", 114), -81726191}, {string(all[:]), -757223386}, {"", 0},
	} {
		if got := mmh3(lined([]byte(test.in))); got != test.want {
			t.Errorf("%.10q: %d, want %d", test.in, got, test.want)
		}
	}
}

func TestFaviconOnlyOfAnIcon(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n0000"
	svg := `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`
	cut := ok(200, "", png)
	cut.Truncated = true
	broken := ok(200, "", png)
	broken.Status = record.Closed
	for name, test := range map[string]struct {
		page *record.Page
		icon bool
	}{
		"png":                     {ok(200, "Content-Type: text/html\r\n", png), true},
		"svg":                     {ok(200, "", svg), true},
		"odd text as an image":    {ok(200, "Content-Type: image/x-icon\r\n", "hello"), true},
		"text":                    {ok(200, "Content-Type: text/plain\r\n", "hello"), false},
		"JSON":                    {ok(200, "Content-Type: application/json\r\n", `{"error":"no"}`), false},
		"page sent for all paths": {ok(200, "Content-Type: image/x-icon\r\n", "\n<!DOCTYPE html><html>"), false},
		"empty":                   {ok(200, "", ""), false},
		"not found":               {ok(404, "", png), false},
		"cut":                     {cut, false}, "broken off": {broken, false}, "not asked": {nil, false},
	} {
		h := &record.HTTP{Favicon: test.page}
		if got := one(t, h, FaviconMMH3) != ""; got != test.icon {
			t.Errorf("%s: %v", name, got)
		}
		if got := one(t, h, FaviconSHA256) != ""; got != test.icon {
			t.Errorf("%s, SHA-256: %v", name, got)
		}
	}
}

func TestHeaderOrder(t *testing.T) {
	fields := "Server: x\r\nDate: y:z\r\n folded: no field\r\ncontent-type:\r\nno colon\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
	// printf Server:Date:content-type:Set-Cookie:Set-Cookie | sha256sum
	const want = "hhh:1:47148f61467d89bf76748140cd8cbc21ad54346ea3258e43a709ca28f6df4579"
	if got := one(t, &record.HTTP{Root: ok(200, fields, "")}, HeaderOrder); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := one(t, &record.HTTP{Root: ok(200, "", "")}, HeaderOrder); got != "" {
		t.Errorf("no fields: %s", got)
	}
}

func TestRootPage(t *testing.T) {
	h := &record.HTTP{Host: "203.0.113.9:8080", Root: ok(200, "server: nginx\r\nSet-Cookie: SESS0123456789abcdef=1; Path=/\r\nSet-Cookie: lb_42=x\r\n", "hello")}
	for kind, want := range map[string]string{
		Server: "nginx", CookieNames: "SESS#, lb_#", Redirect: "", Title: "", ErrorPage: "", H2Settings: "",
		BodySHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
	} {
		if got := one(t, h, kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	h.Root.Truncated = true
	if got := one(t, h, BodySHA256); got != "" {
		t.Errorf("cut body: %s", got)
	}
	h.Root = &record.Page{Path: "/", Status: record.Truncated, Head: []byte("HTTP/1.1 200 OK\r\nServer: endless\r\n")}
	if got := Of(h); got != nil {
		t.Errorf("head without an end: %v", got)
	}
}

func TestTitle(t *testing.T) {
	for body, want := range map[string]string{
		"<TITLE>\n Caf&eacute; &amp;\tBar </title>": "Café & Bar",
		"<title></title>":                               "",
		"<title>never closed":                           "",
		"<!--<title>no</title>--><title>yes</title>":    "yes",
		"<title>a <b>b</b></title><title>second</title": "a <b>b</b>",
		"<title>\x1b[31m\x00\u202e\xff</title>":         `\x1b[31m` + "\ufffd" + `\u202e\xff`,
		"<title>login at 203.0.113.9</title>":           "login at {host}",
		"<title>login at 203.0.113.90</title>":          "login at 203.0.113.90",
		"<title>login at 1203.0.113.9</title>":          "login at 1203.0.113.9",
		"<title>panel.example.</title>":                 "{host}.",
		"":                                              "",
	} {
		if got := one(t, &record.HTTP{Host: "203.0.113.9", Root: ok(200, "", body)}, Title, "panel.example"); got != want {
			t.Errorf("%.60q: %q, want %q", body, got, want)
		}
	}
	long := one(t, &record.HTTP{Root: ok(200, "", "<title>"+strings.Repeat("é", 900)+"</title>")}, Title)
	if len(long) > value.Max || !utf8.ValidString(long) || !strings.Contains(long, ":sha256:") {
		t.Errorf("%d bytes: %q", len(long), long)
	}
}

func TestUnaskedGzip(t *testing.T) {
	pack := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(s))
		z.Close()
		return b.String()
	}
	h := func(body string) *record.HTTP {
		return &record.HTTP{Root: ok(200, "Content-Encoding: gzip\r\n", body)}
	}
	plain := &record.HTTP{Root: ok(200, "", "<title>x</title>")}
	for _, kind := range []string{Title, BodySHA256} {
		if got, want := one(t, h(pack("<title>x</title>")), kind), one(t, plain, kind); got != want {
			t.Errorf("%s: %q, unpacked %q", kind, got, want)
		}
	}
	var before, after runtime.MemStats
	bomb := h(pack("<title>boom</title>" + strings.Repeat("\x00", 50<<20)))
	runtime.ReadMemStats(&before)
	if got := one(t, bomb, Title); got != "boom" {
		t.Errorf("bomb: %q", got)
	}
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 8<<20 {
		t.Errorf("bomb: %d bytes allocated", after.TotalAlloc-before.TotalAlloc)
	}
	if got := one(t, bomb, BodySHA256); got != "" {
		t.Errorf("bomb: body %q", got)
	}
	if got := one(t, h("no gzip"), Title) + one(t, h("no gzip"), BodySHA256); got != "" {
		t.Errorf("no gzip: %q", got)
	}
}

func TestRedirect(t *testing.T) {
	for _, test := range []struct{ host, location, want string }{
		{"203.0.113.9", "https://203.0.113.9/login", "https://{host}/login"},
		{"203.0.113.9:8080", "https://203.0.113.9:8443?x=1", "https://{host}:8443?x"},
		{"[2001:db8::1]:8080", "https://[2001:db8::1]/", "https://{host}/"},
		{"a.example", "//A.Example/x", "//{host}/x"},
		{"a.example", "https://www.a.example/", "https://www.{host}/"},
		{"a.example", "https://bba.example/", "https://bba.example/"},
		{"203.0.113.9", "https://1.203.0.113.9/", "https://#.#.#.#.#/"},
		{"203.0.113.9", "https://node17.b.example/", "https://node#.b.example/"},
		{"a.example", "/login?next=http://a.example/&ts=1700000000", "/login?next&ts"},
		{"a.example", "/user/17/edit.php", "/user/#/edit.php"},
		{"a.example", "/s/0123456789abcdef0/t/550e8400-e29b-41d4-a716-446655440000/Zk3JQ7xQ0mTt2LwPq", "/s/#/t/#/#"},
		{"a.example", "login", "login"}, {"a.example", "https://a.example/#/u/5?x=1", "https://{host}/#/u/#?x=#"},
		{"a.example", "/go//https://b.example/", "/go//https://b.example/"},
		{"a.example", "/\x1b[J", `/\x1b[J`},
		{"a.example", "", ""},
	} {
		h := &record.HTTP{Host: test.host, Root: ok(302, "Location: "+test.location+"\r\n", "")}
		if got := one(t, h, Redirect); got != test.want {
			t.Errorf("%s of %s: %q, want %q", test.location, test.host, got, test.want)
		}
	}
	if got := one(t, &record.HTTP{Root: ok(201, "Location: /new\r\n", "")}, Redirect); got != "" {
		t.Errorf("201: %q", got)
	}
}

func TestPoweredBy(t *testing.T) {
	h := &record.HTTP{Host: "203.0.113.9", Root: ok(200, "x-powered-by: PHP/8.2.1\r\nServer: x\r\nVia: 1.1 203.0.113.9 (squid/5.7)\r\nX-Powered-By: ASP.NET\r\n", "")}
	if got, want := one(t, h, PoweredBy), "x-powered-by: PHP/8.2.1; via: 1.1 {host} (squid/5.7); x-powered-by: ASP.NET"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Equal software shows equal error pages whatever the host, the request and the hour.
func TestErrorPage(t *testing.T) {
	at := func(host, body string, names ...string) string {
		p := ok(404, "Server: x\r\n", body)
		p.Path = "/odd-path"
		return one(t, &record.HTTP{Host: host, Missing: p}, ErrorPage, names...)
	}
	a := at("203.0.113.9:8080", "no /odd-path at 203.0.113.9 Port 8080, Mon, 23 Nov 2026 15:28:19 GMT, ray 8f3a2b1c9d0e4f5a")
	b := at("[2001:db8::1]:8080", "no /odd-path at 2001:db8::1 Port 8080, Tue, 24 Nov 2026 3:00:00 GMT, ray 0123456789abcdef0")
	if a != b || !strings.HasPrefix(a, "404 ") || len(a) != 4+16+1+16 {
		t.Errorf("%q, %q", a, b)
	}
	if c := at("203.0.113.9", "other"); c == a || c[:20] != a[:20] {
		t.Errorf("another body: %q, %q", a, c)
	}
	if c := at("192.0.2.1", "at x.example", "x.example"); c != at("y.example", "at y.example") {
		t.Errorf("another name of the host: %q", c)
	}
	for _, pair := range [][2]string{
		{`{"timestamp":"2026-11-23T15:28:19.123+00:00"}`, `{"timestamp":"2027-01-02T05:08:00.9+00:00"}`},
		{"Mon Nov 23 15:28:19 UTC 2026", "Fri Jan  2 05:08:00 UTC 2026"},
		{"id 123456789", "id 9876543210"},
		{"at h.example:8080", "at h.example"}, {"token Zk3JQ7xQ0mTt2LwPq", "token q0mTt2LwPqZk3JQ7x"},
	} {
		if at("h.example", pair[0]) != at("h.example", pair[1]) {
			t.Errorf("differ: %q", pair)
		}
	}
	if at("h.example", "nginx/1.22.1") == at("h.example", "nginx/1.24.0") {
		t.Error("versions do not count")
	}
	if got := at("h.example", ""); !strings.HasSuffix(got, " -") {
		t.Errorf("no body: %q", got)
	}
}

func TestH2Settings(t *testing.T) {
	for _, test := range []struct {
		h    *record.H2
		want string
	}{
		{&record.H2{Settings: []record.H2Setting{{ID: 3, Value: 128}, {ID: 4, Value: 65536}}, WindowUpdate: 2147418112}, "3:128;4:65536 +2147418112"},
		{&record.H2{Settings: []record.H2Setting{{ID: 8, Value: 1}}}, "8:1"},
		{&record.H2{}, "empty"}, {nil, ""},
	} {
		if got := one(t, &record.HTTP{H2: test.h}, H2Settings); got != test.want {
			t.Errorf("%+v: %q, want %q", test.h, got, test.want)
		}
	}
}

// What real servers in different products answer differs in what tells
// products apart, and is equal in what they were given to serve.
func TestRealServers(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d answers, %v", len(files), err)
	}
	distinct := map[string]map[string]bool{}
	for _, file := range files {
		for _, p := range Of(answer(t, file)) {
			if distinct[p.Kind] == nil {
				distinct[p.Kind] = map[string]bool{}
			}
			distinct[p.Kind][p.Value] = true
		}
	}
	got := map[string]int{}
	for kind, values := range distinct {
		got[kind] = len(values)
	}
	want := map[string]int{HeaderOrder: 7, Server: 4, ErrorPage: 6, Title: 1, TitlePattern: 1, BodySHA256: 1, FaviconMMH3: 1, FaviconSHA256: 1, H2Settings: 5, PlainToTLS: 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("distinct values a kind (-want +got):\n%s\n%v", diff, distinct)
	}
}

func FuzzOf(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		h := answer(f, file)
		f.Add(h.Root.Head, h.Root.Body, h.Host)
		f.Add(h.Missing.Head, h.Missing.Body, h.Host)
	}
	f.Add([]byte("HTTP/1.1 302 x\r\nLocation: //[::1]:8/\r\nSet-Cookie: =\r\nContent-Encoding: gzip\r\n\r\n"), []byte("\x1f\x8b\x08"), "[::1]:80")
	f.Fuzz(func(t *testing.T, head, body []byte, host string) {
		page := &record.Page{Path: "/odd", Status: record.OK, Code: 302, Head: head, Body: body}
		icon := &record.Page{Path: "/i", Status: record.OK, Code: 200, Head: head, Body: body}
		for _, p := range Of(&record.HTTP{Host: host, Root: page, Missing: page, Favicon: icon}) {
			if p.Value == "" || len(p.Value) > value.Max || !utf8.ValidString(p.Value) || strings.ContainsAny(p.Value, "\x00\x1b\r\n\u202e") {
				t.Errorf("%s: %q", p.Kind, p.Value)
			}
		}
	})
}

// Hosts that show their own name in the title have its pattern in common.
func TestTitlePattern(t *testing.T) {
	at := func(title string) string {
		return one(t, &record.HTTP{Root: ok(200, "", "<title>"+title+"</title>")}, TitlePattern)
	}
	if a, b := at("vps-502399d7 is ready"), at("vps-4f9b5c48 is ready"); a != b || a != "vps-# is ready" {
		t.Errorf("%q, %q", a, b)
	}
}
