package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/internal/daemon"
)

// Ports that the servers listen on. gnutls-serv binds every address, so each
// of its configurations has a port of its own from gnutlsPort on.
const (
	sshPort    = 10022
	tlsPort    = 10443
	plainPort  = 10080
	gnutlsPort = 20443

	smtpPort  = 10025
	smtpsPort = 10465
	ftpPort   = 10021
	ftpsPort  = 10990
	imapPort  = 10143
	imapsPort = 10993
	pop3Port  = 10110
	pop3sPort = 10995
)

// site is one configuration of a product at an address of its own.
type site struct {
	product string
	addr    netip.Addr
	ports   []uint16
}

// stage writes configurations and remembers what is to be started and scanned.
type stage struct {
	dir      string
	next     netip.Addr
	sites    []site
	commands []daemon.Command
	certs    []string       // PEM files with certificate and key: RSA, ECDSA
	dh       string         // PEM file with the group ffdhe2048 (RFC 7919)
	backend  netip.AddrPort // the stock nginx, for what stands in front of one
	err      error          // the first one
}

func newStage(dir string, base netip.Addr) *stage {
	s := &stage{dir: dir, next: base}
	s.certs = []string{s.snakeoil("rsa", "-newkey", "rsa:2048"), s.snakeoil("ec", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")}
	s.dh = s.path("ffdhe2048.pem")
	s.run("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", s.dh)
	return s
}

// packages puts up all products.
func (s *stage) packages() {
	s.nginx()
	s.apache()
	s.haproxy()
	s.lighttpd()
	s.caddy()
	s.stunnel()
	s.sshd()
	s.dropbear()
	s.gnutls()
	s.openssl()
	s.python()
	s.node()
	s.mail()
	s.databases()
}

func (s *stage) products() []string {
	var p []string
	for _, site := range s.sites {
		p = append(p, site.product)
	}
	slices.Sort(p)
	return slices.Compact(p)
}

// place gives a configuration an address. Everything is looked at by address,
// as nothing is known of the names of hosts in a range.
func (s *stage) place(product string, ports ...uint16) netip.Addr {
	s.next = s.next.Next()
	s.sites = append(s.sites, site{product, s.next, ports})
	return s.next
}

func (s *stage) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) write(name, content string) string {
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.fail(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.fail(err)
	}
	return path
}

// packaged is a file of a Debian package with some of its text replaced, in
// pairs; what is not found there is a failure, because then the package has changed.
func (s *stage) packaged(file string, replace ...string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		s.fail(err)
	}
	text := string(content)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			s.fail(fmt.Errorf("%s does not contain %q", file, replace[i]))
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	return text
}

func (s *stage) run(name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		s.fail(fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out))
	}
	return string(out)
}

func (s *stage) start(name string, answer netip.AddrPort, args ...string) {
	s.commands = append(s.commands, daemon.Command{
		Name: name, Args: args, Answer: answer, Log: s.write(fmt.Sprintf("log/%d-%s", len(s.commands), filepath.Base(name)), ""),
		Env: []string{"HOME=" + s.dir, "XDG_DATA_HOME=" + s.dir, "XDG_CONFIG_HOME=" + s.dir},
	})
}

// version labels a package: "nginx 1.22.1 debian12".
func (s *stage) version(pkg string) string {
	v := strings.TrimSpace(s.run("dpkg-query", "-W", "-f", "${Version}", pkg))
	if _, rest, ok := strings.Cut(v, ":"); ok {
		v = rest
	}
	v, _, _ = strings.Cut(v, "-")
	return strings.TrimSuffix(pkg, "-server") + " " + v + " " + system()
}

// system is the distribution and its release: "debian12".
func system() string {
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return runtime.GOOS
	}
	var id, release string
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "ID":
			id = strings.Trim(value, `"`)
		case "VERSION_ID":
			release = strings.Trim(value, `"`)
		}
	}
	return id + release
}

// snakeoil makes a certificate as Debian's make-ssl-cert does and returns a
// file with it and its key.
func (s *stage) snakeoil(name string, key ...string) string {
	conf := s.write("ssleay.cnf", s.packaged("/usr/share/ssl-cert/ssleay.cnf", "@HostName@", "localhost", "@SubjectAltName@", "DNS:localhost"))
	pem := s.path("tls/" + name + ".pem")
	if err := os.MkdirAll(filepath.Dir(pem), 0o755); err != nil {
		s.fail(err)
	}
	s.run("openssl", append([]string{"req", "-config", conf, "-new", "-x509", "-days", "3650", "-nodes", "-sha256", "-out", pem + ".crt", "-keyout", pem + ".key"}, key...)...)
	var both []byte
	for _, part := range []string{".crt", ".key"} {
		b, err := os.ReadFile(pem + part)
		if err != nil {
			s.fail(err)
		}
		both = append(both, b...)
	}
	return s.write("tls/"+name+".pem", string(both))
}

func at(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }

// last is where the last of the sites of a process answers on a port.
func (s *stage) last(port uint16) netip.AddrPort { return at(s.next, port) }
