package tlstest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Need skips a test whose program is not installed, or fails it when
// HOSTKIN_REQUIRE_SERVERS is set.
func Need(tb testing.TB, program string) {
	tb.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("HOSTKIN_REQUIRE_SERVERS") != "" {
		tb.Fatalf("%s is not installed", program)
	}
	tb.Skipf("%s is not installed", program)
}

// Certificate makes a certificate in a temporary folder with openssl, of a key
// "rsa" or "ec", and returns the names of the two PEM files.
func Certificate(tb testing.TB, key string) (cert, private string) {
	tb.Helper()
	Need(tb, "openssl")
	dir := tb.TempDir()
	cert, private = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	kind := []string{"-newkey", "rsa:2048"}
	if key == "ec" {
		kind = []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}
	}
	args := append([]string{"req", "-x509", "-nodes", "-days", "3650", "-subj", "/CN=" + key + ".example",
		"-keyout", private, "-out", cert}, kind...)
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
		tb.Fatalf("openssl req: %v\n%s", err, out)
	}
	return cert, private
}

// OpenSSL starts openssl s_server with a certificate and further arguments.
func OpenSSL(tb testing.TB, cert, key string, args ...string) netip.AddrPort {
	tb.Helper()
	Need(tb, "openssl")
	return start(tb, func(port string) *exec.Cmd {
		return exec.Command("openssl", append([]string{"s_server", "-quiet", "-accept", "127.0.0.1:" + port, "-cert", cert, "-key", key}, args...)...)
	})
}

// GnuTLS starts gnutls-serv with a certificate and a priority string.
func GnuTLS(tb testing.TB, cert, key, priority string) netip.AddrPort {
	tb.Helper()
	Need(tb, "gnutls-serv")
	return start(tb, func(port string) *exec.Cmd {
		return exec.Command("gnutls-serv", "--quiet", "--http", "--port", port, "--x509certfile", cert, "--x509keyfile", key, "--priority", priority)
	})
}

// Nginx starts nginx with one TLS server block; directives go into it.
func Nginx(tb testing.TB, cert, key, directives string) netip.AddrPort {
	tb.Helper()
	Need(tb, "nginx")
	dir := tb.TempDir()
	return start(tb, func(port string) *exec.Cmd {
		conf := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http { access_log off; client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
 server { listen 127.0.0.1:%[2]s ssl http2; ssl_certificate %[3]s; ssl_certificate_key %[4]s; %[5]s } }
`, dir, port, cert, key, directives)
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			tb.Fatal(err)
		}
		return exec.Command("nginx", "-c", file, "-e", filepath.Join(dir, "error.log"))
	})
}

// Python starts a TLS server with the defaults of Python's ssl module.
func Python(tb testing.TB, cert, key string) netip.AddrPort {
	tb.Helper()
	Need(tb, "python3")
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
	return start(tb, func(port string) *exec.Cmd { return exec.Command("python3", "-c", script, port, cert, key) })
}

// start runs a server on a free port until the end of the test.
func start(tb testing.TB, command func(port string) *exec.Cmd) netip.AddrPort {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	cmd := command(strconv.Itoa(int(addr.Port())))
	if stdin, err := cmd.StdinPipe(); err == nil { // s_server ends with its input
		tb.Cleanup(func() { stdin.Close() })
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for range 200 {
		if conn, err := net.Dial("tcp", addr.String()); err == nil {
			conn.Close()
			return addr
		}
		time.Sleep(25 * time.Millisecond)
	}
	tb.Fatalf("%s does not listen", cmd)
	return addr
}
