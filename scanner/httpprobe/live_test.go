package httpprobe

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

const (
	page = `<!doctype html><html><head><title>Hello</title><LINK href="/pics/i.png" rel="shortcut Icon"></head><body>` + "\n"
	icon = "\x89PNG\r\n\x1a\nnot much of a picture"
)

// ground is what every server here serves: a page that links to its icon.
type ground struct {
	dir, docs     string
	cert          string // PEM, certificate and key
	plain, secure netip.AddrPort
}

func prepare(t *testing.T) ground {
	t.Helper()
	g := ground{dir: t.TempDir(), plain: livetest.FreePort(t, "127.0.0.1"), secure: livetest.FreePort(t, "127.0.0.1")}
	g.docs = filepath.Join(g.dir, "docs")
	g.cert = filepath.Join(g.dir, "both.pem")
	os.Chmod(g.dir, 0o755)
	os.MkdirAll(filepath.Join(g.docs, "pics"), 0o755)
	g.write(t, "docs/index.html", page)
	g.write(t, "docs/pics/i.png", icon)
	cert, key := livetest.Certificate(t, "ec")
	a, _ := os.ReadFile(cert)
	b, _ := os.ReadFile(key)
	g.write(t, "both.pem", string(a)+string(b))
	return g
}

func (g ground) write(t *testing.T, name, content string) string {
	t.Helper()
	name = filepath.Join(g.dir, name)
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// config fills in DIR, DOCS, CERT, PLAIN and TLS (host:port), and the ports alone.
func (g ground) config(t *testing.T, name, text string) string {
	t.Helper()
	return g.write(t, name, strings.NewReplacer("DIR", g.dir, "DOCS", g.docs, "CERT", g.cert,
		"PLAINPORT", fmt.Sprint(g.plain.Port()), "TLSPORT", fmt.Sprint(g.secure.Port()),
		"PLAIN", g.plain.String(), "TLS", g.secure.String()).Replace(text))
}

type product struct {
	start func(*testing.T, ground)
	h2    string // SETTINGS and WINDOW_UPDATE; "": it offers no HTTP/2 here
}

func products() map[string]product {
	return map[string]product{
		"nginx": {h2: "3:128;4:65536;5:16777215; +2147418112", start: func(t *testing.T, g ground) {
			f := g.config(t, "c", `daemon off; master_process off; pid DIR/pid; error_log DIR/e;
events {}
http { access_log off; client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR; uwsgi_temp_path DIR; scgi_temp_path DIR;
 types { text/html html; image/png png; }
 server { listen PLAIN; listen TLS ssl http2; ssl_certificate CERT; ssl_certificate_key CERT; root DOCS; } }`)
			livetest.Serve(t, g.secure, "nginx", "-c", f, "-e", filepath.Join(g.dir, "e"))
		}},
		"apache2": {h2: "3:100; +2147418112", start: func(t *testing.T, g ground) {
			f := g.config(t, "c", `ServerRoot DIR
ServerName x.example
PidFile DIR/pid
ErrorLog DIR/e
DefaultRuntimeDir DIR
Listen PLAIN
Listen TLS https
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
TypesConfig /etc/mime.types
DocumentRoot DOCS
<VirtualHost TLS>
Protocols h2 http/1.1
SSLEngine on
SSLCertificateFile CERT
</VirtualHost>
`)
			livetest.Serve(t, g.secure, "apache2", "-X", "-f", f)
		}},
		"lighttpd": {h2: "3:8;4:65536;6:65535;8:1;9:1; +196609", start: func(t *testing.T, g ground) {
			f := g.config(t, "c", `server.modules = ("mod_openssl")
server.document-root = "DOCS"
server.bind = "127.0.0.1"
server.port = PLAINPORT
index-file.names = ("index.html")
mimetype.assign = (".html" => "text/html", ".png" => "image/png")
$SERVER["socket"] == "TLS" { ssl.engine = "enable"
ssl.pemfile = "CERT" }
`)
			livetest.Serve(t, g.secure, "lighttpd", "-D", "-f", f)
		}},
		"haproxy": {h2: "8:1;3:100;", start: func(t *testing.T, g ground) {
			f := g.config(t, "c", `global
 maxconn 100
defaults
 mode http
 timeout client 5s
 timeout server 5s
 timeout connect 5s
frontend f
 bind PLAIN
 bind TLS ssl crt CERT alpn h2,http/1.1
 http-request return status 200 content-type text/html file DOCS/index.html if { path / }
 http-request return status 200 content-type image/png file DOCS/pics/i.png if { path /pics/i.png }
 http-request deny deny_status 404
`)
			livetest.Serve(t, g.secure, "haproxy", "-db", "-f", f)
		}},
		"caddy": {h2: "5:1048576;3:250;6:1048896;4:1048576; +983041", start: func(t *testing.T, g ground) {
			t.Setenv("XDG_DATA_HOME", g.dir)
			t.Setenv("XDG_CONFIG_HOME", g.dir)
			f := g.config(t, "Caddyfile", `{
 admin off
 auto_https off
 skip_install_trust
}
http://:PLAINPORT {
 bind 127.0.0.1
 root * DOCS
 file_server
}
https://:TLSPORT {
 bind 127.0.0.1
 tls CERT CERT
 root * DOCS
 file_server
}
`)
			livetest.Serve(t, g.secure, "caddy", "run", "--config", f, "--adapter", "caddyfile")
		}},
	}
}

func endpoint(addr netip.AddrPort) record.Endpoint { return livetest.Endpoint(addr, "") }

func TestRealServers(t *testing.T) {
	for name, product := range products() {
		t.Run(name, func(t *testing.T) {
			g := prepare(t)
			product.start(t, g)
			plain, status, said := livetest.Ask(t, Probe{}, endpoint(g.plain), record.Answer{})
			if status != record.OK || plain.HTTP == nil {
				t.Fatalf("plain: %s", status)
			}
			checkPages(t, plain.HTTP)
			if len(said) > 2 {
				t.Errorf("%d connections", len(said))
			}
			livetest.Keep(t, filepath.Join("testdata", name+".json"), said)
			livetest.Keep(t, filepath.Join("../../fingerprints/http/testdata", name+".json"), plain.HTTP)

			seen, status, _ := livetest.Ask(t, tlsprobe.Probe{}, endpoint(g.secure), record.Answer{})
			if status != record.OK {
				t.Fatalf("tls: %s", status)
			}
			over, status, _ := livetest.Ask(t, Probe{}, endpoint(g.secure), seen)
			if status != record.OK || over.HTTP == nil || !over.HTTP.TLS {
				t.Fatalf("over TLS: %s %+v", status, over.HTTP)
			}
			checkPages(t, over.HTTP)
			if diff := cmp.Diff(product.h2, h2Text(over.HTTP.H2)); diff != "" {
				t.Errorf("HTTP/2 (ALPN %q) (-want +got):\n%s", seen.TLS.ALPN, diff)
			}
			livetest.Keep(t, filepath.Join("../../fingerprints/http/testdata", name+"-tls.json"), over.HTTP)

			wrong, status, _ := livetest.Ask(t, Probe{First: true}, endpoint(g.secure), record.Answer{})
			if name == "nginx" || name == "apache2" {
				if status != record.OK || wrong.HTTP.Root.Code != 400 {
					t.Errorf("plain HTTP sent to the HTTPS port: %s %+v", status, wrong.HTTP)
				}
			}
		})
	}
}

func checkPages(t *testing.T, h *record.HTTP) {
	t.Helper()
	for _, test := range []struct {
		page       *record.Page
		path, body string
		code       int
	}{{h.Root, "/", page, 200}, {h.Favicon, "/pics/i.png", icon, 200}, {h.Missing, missingPath, "", 404}} {
		p := test.page
		if p == nil {
			t.Errorf("%s was not asked", test.path)
			continue
		}
		if p.Status != record.OK || p.Code != test.code || p.Path != test.path || p.Truncated {
			t.Errorf("%s: %s, code %d, path %s", test.path, p.Status, p.Code, p.Path)
		}
		if test.body != "" && string(p.Body) != test.body {
			t.Errorf("%s: body %q", test.path, p.Body)
		}
		if !strings.HasPrefix(string(p.Head), "HTTP/1.") || !strings.HasSuffix(string(p.Head), "\r\n\r\n") {
			t.Errorf("%s: head %q", test.path, p.Head)
		}
	}
}

func h2Text(h *record.H2) string {
	if h == nil {
		return ""
	}
	var b strings.Builder
	for _, s := range h.Settings {
		fmt.Fprintf(&b, "%d:%d;", s.ID, s.Value)
	}
	if h.WindowUpdate != 0 {
		fmt.Fprintf(&b, " +%d", h.WindowUpdate)
	}
	return b.String()
}

// A server that closes after each answer is asked on three connections at most.
func TestServerThatCloses(t *testing.T) {
	addr := livetest.Listen(t, "127.0.0.1:0", func(c net.Conn) {
		c.Read(make([]byte, 4096))
		c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")) // does not say that it closes
	})
	a, status, said := livetest.Ask(t, Probe{}, endpoint(addr), record.Answer{})
	if status != record.OK || len(said) != 3 || a.HTTP.Missing == nil || a.HTTP.Missing.Code != 200 {
		t.Errorf("%s after %d connections: %+v", status, len(said), a.HTTP)
	}
}

func TestFirstThenTheRest(t *testing.T) {
	g := prepare(t)
	products()["nginx"].start(t, g)
	a, status, said := livetest.Ask(t, Probe{First: true}, endpoint(g.plain), record.Answer{})
	if status != record.OK || len(said) != 1 || a.HTTP.Favicon != nil || a.HTTP.Missing != nil {
		t.Fatalf("%s after %d connections: %+v", status, len(said), a.HTTP)
	}
	rest, status, said := livetest.Ask(t, Probe{}, endpoint(g.plain), a)
	if status != record.OK || len(said) != 1 || rest.HTTP.Root != nil {
		t.Fatalf("the rest: %s after %d connections: %+v", status, len(said), rest.HTTP)
	}
	a.Merge(rest)
	checkPages(t, a.HTTP)
	again, status, said := livetest.Ask(t, Probe{}, endpoint(g.plain), a)
	if status != record.OK || len(said) != 0 || again.HTTP != nil {
		t.Errorf("asked again: %s after %d connections", status, len(said))
	}
}

// The HTTP/2 preface of real servers, recorded inside TLS.
func TestRecordPrefaces(t *testing.T) {
	if !livetest.Recording() {
		t.Skip("records only")
	}
	for name, product := range products() {
		t.Run(name, func(t *testing.T) {
			g := prepare(t)
			product.start(t, g)
			_, _, said := livetest.Ask(t, h2Recorder{t, name}, endpoint(g.secure), record.Answer{})
			if len(said) != 1 {
				t.Errorf("%d connections", len(said))
			}
		})
	}
}

type h2Recorder struct {
	t    *testing.T
	name string
}

func (h2Recorder) Name() string { return "http" }
func (r h2Recorder) Start(at record.Endpoint, _ record.Answer) conversation.Run {
	conv, said := conversationtest.Record(new(preface))
	return &h2RecorderRun{r, at, tlsprobe.Wrap(conv, "", []string{"h2"}), said, false}
}

type h2RecorderRun struct {
	h2Recorder
	at    record.Endpoint
	conv  conversation.Conversation
	said  func() conversationtest.Transcript
	asked bool
}

func (r *h2RecorderRun) Next(x *conversation.Exchange) bool {
	x.Addr, x.Conv = r.at.AddrPort(), r.conv
	defer func() { r.asked = true }()
	return !r.asked
}

func (r *h2RecorderRun) Ended(*conversation.Exchange) {
	livetest.Keep(r.t, filepath.Join("testdata", "h2", r.name+".json"), []conversationtest.Transcript{r.said()})
}

func (r *h2RecorderRun) Fold(*record.Answer) record.Status { return record.OK }
