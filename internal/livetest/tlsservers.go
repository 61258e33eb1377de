package livetest

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TLSServer starts a product with a certificate and little else.
type TLSServer struct {
	Name  string
	Start func(tb testing.TB, cert, key string) netip.AddrPort
}

// TLSServers are products of all makers at hand, each with a configuration as
// its manual shows it.
func TLSServers() []TLSServer {
	return []TLSServer{
		{"nginx", func(tb testing.TB, cert, key string) netip.AddrPort { return Nginx(tb, cert, key, "") }},
		{"apache", configured("apache2", []string{"-X", "-f"}, `ServerRoot DIR
ServerName x.example
PidFile DIR/pid
ErrorLog DIR/e
DefaultRuntimeDir DIR
Listen ADDR https
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2 http/1.1
DocumentRoot DIR
SSLEngine on
SSLCertificateFile PEM
`)},
		{"haproxy", configured("haproxy", []string{"-db", "-f"}, `defaults
 mode http
 timeout client 30s
 timeout server 30s
 timeout connect 30s
frontend f
 bind ADDR ssl crt PEM alpn h2,http/1.1
 http-request deny
`)},
		{"lighttpd", configured("lighttpd", []string{"-D", "-f"}, `server.modules = ("mod_openssl")
server.document-root = "DIR"
server.bind = "127.0.0.1"
server.port = PORT
ssl.engine = "enable"
ssl.pemfile = "PEM"
`)},
		{"caddy", configured("caddy", []string{"run", "--adapter", "caddyfile", "--config"}, `{
 admin off
 auto_https off
 skip_install_trust
 storage file_system DIR
}
https://:PORT {
 bind 127.0.0.1
 tls PEM PEM
 respond "hello"
}
`)},
		{"stunnel", configured("stunnel4", nil, `foreground = yes
pid =
[s]
accept = ADDR
connect = 127.0.0.1:9
cert = PEM
`)},
		{"openssl", func(tb testing.TB, cert, key string) netip.AddrPort { return OpenSSL(tb, cert, key) }},
		{"gnutls", func(tb testing.TB, cert, key string) netip.AddrPort { return GnuTLS(tb, cert, key, "NORMAL") }},
		{"python", Python},
		{"node", node},
	}
}

// configured starts a program on a file in which DIR, PEM (certificate and
// key), ADDR and PORT are filled in.
func configured(program string, args []string, text string) func(testing.TB, string, string) netip.AddrPort {
	return func(tb testing.TB, cert, key string) netip.AddrPort {
		tb.Helper()
		dir, addr := tb.TempDir(), FreePort(tb, "127.0.0.1")
		if err := os.Chmod(dir, 0o755); err != nil { // some change their user
			tb.Fatal(err)
		}
		both := append(read(tb, cert), read(tb, key)...)
		write(tb, filepath.Join(dir, "both.pem"), both)
		file := filepath.Join(dir, "conf")
		write(tb, file, []byte(strings.NewReplacer("DIR", dir, "PEM", filepath.Join(dir, "both.pem"),
			"ADDR", addr.String(), "PORT", fmt.Sprint(addr.Port())).Replace(text)))
		Serve(tb, addr, program, append(args, file)...)
		return addr
	}
}

func node(tb testing.TB, cert, key string) netip.AddrPort {
	const script = `
const fs = require("fs"), [port, cert, key] = process.argv.slice(1);
require("https").createServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key)}, (q, r) => r.end("hello")).listen(port, "127.0.0.1");
`
	addr := FreePort(tb, "127.0.0.1")
	Serve(tb, addr, "node", "-e", script, fmt.Sprint(addr.Port()), cert, key)
	return addr
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func write(tb testing.TB, file string, b []byte) {
	tb.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		tb.Fatal(err)
	}
}
