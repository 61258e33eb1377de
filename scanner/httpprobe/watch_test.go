package httpprobe

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/scanner/record"
)

// watched reads a connection, the client's bytes first, in pieces of a size.
func watched(client, server []byte, size int) ([]Seen, []byte) {
	var w Watch
	each := func(b []byte, take func([]byte)) {
		for len(b) > 0 {
			n := min(size, len(b))
			take(b[:n:n])
			b = b[n:]
		}
	}
	each(client, w.Client)
	each(server, w.Server)
	w.End(record.Timeout)
	return w.Seen(), w.Raw()
}

const (
	clientSaid = "POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n" +
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /hostkin-asks-for-a-missing-page HTTP/1.0\r\n\r\n"
	serverSaid = "HTTP/1.1 204 X\r\n\r\nHTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nroot" +
		"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nicon\r\n0\r\n\r\nHTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 X\r\n\r\nnot here"
)

func TestWatchMatchesAnswersWithRequests(t *testing.T) {
	seen, _ := watched([]byte(clientSaid), []byte(serverSaid), 1000)
	var h record.HTTP
	for _, s := range seen {
		if !Place(&h, s) {
			t.Errorf("%s has no place", s.Page.Path)
		}
	}
	if h.Host != "a" || h.Root == nil || string(h.Root.Body) != "root" || h.Favicon == nil || string(h.Favicon.Body) != "icon" ||
		h.Missing == nil || string(h.Missing.Body) != "not here" || h.Missing.Status != record.Timeout {
		t.Errorf("%+v, %+v, %+v", h.Root, h.Favicon, h.Missing)
	}
}

func TestPlacePrefersGoodPagesAndTheNamedIcon(t *testing.T) {
	page := func(path string, s record.Status, body string) Seen {
		return Seen{"a", record.Page{Path: path, Status: s, Code: 200, Body: []byte(body)}}
	}
	var h record.HTTP
	for _, c := range []struct {
		seen Seen
		want bool
	}{
		{page("/pic.png", record.OK, ""), false}, // nobody has named it yet
		{page("/favicon.ico", record.OK, ""), true},
		{page("/", record.Closed, ""), true},
		{page("/", record.Reset, ""), false},
		{page("/", record.OK, `<link rel=icon href=/pic.png>`), true}, // and /favicon.ico goes
		{page("/", record.OK, ""), false},
		{page("/favicon.ico", record.OK, ""), false},
		{page("/pic.png", record.OK, "picture"), true},
	} {
		if got := Place(&h, c.seen); got != c.want {
			t.Errorf("%s %s: %v", c.seen.Page.Path, c.seen.Page.Status, got)
		}
	}
	if h.Favicon == nil || string(h.Favicon.Body) != "picture" {
		t.Errorf("favicon %+v", h.Favicon)
	}
}

// FuzzWatch: pages do not depend on how the bytes are cut.
func FuzzWatch(f *testing.F) {
	f.Add([]byte(clientSaid), []byte(serverSaid), 7)
	f.Add([]byte("GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 100 X\r\n\r\nHTTP/1.1 101 X\r\n\r\nrest"), 2)
	f.Add([]byte("CONNECT a HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 X\r\n\r\nGET /"), 3)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), []byte("SSH-2.0-x\r\n"), 1)
	f.Fuzz(func(t *testing.T, client, server []byte, size int) {
		whole, raw := watched(client, server, len(client)+len(server)+1)
		cut, cutRaw := watched(client, server, 1+size&0xff)
		if diff := cmp.Diff(whole, cut); diff != "" {
			t.Errorf("-whole +cut:\n%s", diff)
		}
		if diff := cmp.Diff(raw, cutRaw); diff != "" {
			t.Errorf("raw: -whole +cut:\n%s", diff)
		}
	})
}
