package lab

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

const (
	maxLine     = 8 << 10 // of a request head
	maxLines    = 100
	maxRequests = 100 // on one connection
)

// field is one header field.
type field struct{ name, value string }

// software is how a web server product answers, whatever it serves.
type software struct {
	server   string   // Server field
	order    []string // of fields; "+" is where the site's own go
	missing  string   // page for what is not there
	settings []http2.Setting
	window   uint32 // HTTP/2 WINDOW_UPDATE that comes with the settings
}

// page is what a site has at one path.
type page struct {
	code     int
	mime     string
	body     []byte
	file     bool   // has Last-Modified, ETag, Accept-Ranges
	location string // of a redirect
}

// site is what a host serves.
type site struct {
	software software
	pages    map[string]page
	fields   []field // extra ones, on every answer
	cookie   string  // name of a session cookie, "" for none
	label    string  // what the session's values are derived from
}

// answer is one response before it is written.
type answer struct {
	code   int
	fields []field
	body   []byte
}

// answer builds the response to a GET of path; n counts the site's requests on
// a connection.
func (s *site) answer(path string, n int, keepAlive bool) answer {
	p, ok := s.pages[path]
	if !ok {
		p = page{code: 404, mime: "text/html", body: []byte(s.software.missing)}
	}
	values := map[string]string{
		"Server": s.software.server, "Date": time.Now().UTC().Format(http.TimeFormat), "Content-Type": p.mime,
		"Content-Length": strconv.Itoa(len(p.body)), "Location": p.location,
		"Connection": map[bool]string{true: "keep-alive", false: "close"}[keepAlive],
	}
	if p.file {
		values["Last-Modified"] = epoch().AddDate(0, 0, -len(p.body)%400).Format(http.TimeFormat)
		values["ETag"] = fmt.Sprintf(`"%x"`, sha256.Sum256(p.body))[:15] + `"`
		values["Accept-Ranges"], values["Vary"] = "bytes", "Accept-Encoding"
	}
	out := answer{code: p.code, body: p.body}
	for _, name := range s.software.order {
		if name == "+" {
			out.fields = append(out.fields, s.fields...)
			if s.cookie != "" && strings.HasPrefix(p.mime, html) {
				session := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", s.label, n, time.Now().UnixNano()))
				out.fields = append(out.fields, field{"Set-Cookie", fmt.Sprintf("%s=%x; path=/; HttpOnly", s.cookie, session[:12])})
			}
		} else if values[name] != "" {
			out.fields = append(out.fields, field{name, values[name]})
		}
	}
	return out
}

func (a answer) bytes(body bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.code, http.StatusText(a.code))
	for _, f := range a.fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
	}
	b.WriteString("\r\n")
	if body {
		b.Write(a.body)
	}
	return b.Bytes()
}

// serveHTTP answers HTTP/1.1 byte for byte as the site's software would, which
// net/http does not allow: it sorts the fields.
func serveHTTP(s *site) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReaderSize(c, maxLine)
		for n := range maxRequests {
			if c.SetDeadline(time.Now().Add(idle)) != nil {
				return
			}
			method, path, keepAlive, ok := readRequest(r)
			if !ok {
				return
			}
			keepAlive = keepAlive && n < maxRequests-1
			if _, err := c.Write(s.answer(path, n, keepAlive).bytes(method != "HEAD")); err != nil || !keepAlive {
				return
			}
		}
	}
}

// readRequest reads a request head (RFC 9112 section 2.1).
func readRequest(r *bufio.Reader) (method, path string, keepAlive, ok bool) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return
	}
	words := strings.Fields(string(line))
	if len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/1.") {
		return
	}
	keepAlive = words[2] == "HTTP/1.1"
	for range maxLines {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		text := strings.ToLower(strings.TrimSpace(string(line)))
		if text == "" {
			return words[0], words[1], keepAlive, true
		}
		if text == "connection: close" {
			keepAlive = false
		}
	}
	return
}

// serveTLS does the same over TLS, and HTTP/2 when that is negotiated.
func serveTLS(config *tls.Config, s *site) func(net.Conn) {
	plain := serveHTTP(s)
	return func(raw net.Conn) {
		if raw.SetDeadline(time.Now().Add(idle)) != nil {
			return
		}
		c := tls.Server(raw, config)
		if c.Handshake() != nil {
			return
		}
		if c.ConnectionState().NegotiatedProtocol == http2.NextProtoTLS {
			serveHTTP2(s, c)
		} else {
			plain(c)
		}
		_ = c.Close() // close_notify; the client may be gone
	}
}
