package livetest

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Certificate makes a certificate in a temporary folder with openssl, of a key
// "rsa" or "ec", and returns the names of the two PEM files.
func Certificate(tb testing.TB, key string) (cert, private string) {
	tb.Helper()
	dir := tb.TempDir()
	cert, private = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	kind := []string{"-newkey", "rsa:2048"}
	if key == "ec" {
		kind = []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}
	}
	args := append([]string{"req", "-x509", "-nodes", "-days", "3650", "-subj", "/CN=" + key + ".example",
		"-keyout", private, "-out", cert}, kind...)
	if out, err := exec.Command(Need(tb, "openssl"), args...).CombinedOutput(); err != nil {
		tb.Fatalf("openssl req: %v\n%s", err, out)
	}
	return cert, private
}

// OpenSSL starts openssl s_server with a certificate and further arguments.
func OpenSSL(tb testing.TB, cert, key string, args ...string) netip.AddrPort {
	tb.Helper()
	addr := FreePort(tb, "127.0.0.1")
	Serve(tb, addr, "openssl", append([]string{"s_server", "-quiet", "-accept", addr.String(), "-cert", cert, "-key", key}, args...)...)
	return addr
}

// GnuTLS starts gnutls-serv with a certificate and a priority string.
func GnuTLS(tb testing.TB, cert, key, priority string) netip.AddrPort {
	tb.Helper()
	addr := FreePort(tb, "127.0.0.1")
	Serve(tb, addr, "gnutls-serv", "--quiet", "--http", "--port", fmt.Sprint(addr.Port()), "--x509certfile", cert, "--x509keyfile", key, "--priority", priority)
	return addr
}

// Nginx starts nginx with one TLS server block; directives go into it.
func Nginx(tb testing.TB, cert, key, directives string) netip.AddrPort {
	tb.Helper()
	dir, addr := tb.TempDir(), FreePort(tb, "127.0.0.1")
	conf := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http { access_log off; client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
 server { listen %[2]s ssl http2; ssl_certificate %[3]s; ssl_certificate_key %[4]s; %[5]s } }
`, dir, addr, cert, key, directives)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		tb.Fatal(err)
	}
	Serve(tb, addr, "nginx", "-c", file, "-e", filepath.Join(dir, "error.log"))
	return addr
}

// Python starts a TLS server with the defaults of Python's ssl module.
func Python(tb testing.TB, cert, key string) netip.AddrPort {
	tb.Helper()
	const script = `
import socket, ssl, sys
c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
c.load_cert_chain(sys.argv[2], sys.argv[3])
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    k, _ = s.accept()
    k.settimeout(5)
    try: c.wrap_socket(k, server_side=True).close()
    except (ssl.SSLError, OSError): k.close()
`
	addr := FreePort(tb, "127.0.0.1")
	Serve(tb, addr, "python3", "-c", script, fmt.Sprint(addr.Port()), cert, key)
	return addr
}
