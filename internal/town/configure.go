package town

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/hostkin/hostkin/internal/daemon"
)

// The default pages as the Debian packages install them.
var stockRoots = map[string]string{
	nginx:    "/usr/share/nginx/html",
	apache:   "/usr/share/apache2/default-site",
	lighttpd: "/usr/share/lighttpd",
	caddy:    "/usr/share/caddy",
	stunnel:  "/usr/share/nginx/html",
}

// layout writes the files of a town.
type layout struct {
	dir   string
	ports Ports
	err   error // the first one: checked once, at the end
}

// configure writes configurations, keys and pages into dir, and returns the
// servers to start: few processes, each for many machines.
func configure(dir string, machines []*machine, ports Ports) ([]daemon.Command, error) {
	l := &layout{dir: dir, ports: ports}
	var commands []daemon.Command
	commands = append(commands, l.nginx(served(machines, nginx, stunnel))...)
	for _, hide := range []bool{false, true} {
		var some []*machine
		for _, m := range served(machines, apache) {
			if m.web.site.hide == hide {
				some = append(some, m)
			}
		}
		commands = append(commands, l.apache(some, hide)...)
	}
	commands = append(commands, l.haproxy(served(machines, haproxy))...)
	commands = append(commands, l.lighttpd(served(machines, lighttpd))...)
	commands = append(commands, l.caddy(served(machines, caddy))...)
	commands = append(commands, l.stunnel(served(machines, stunnel))...)
	commands = append(commands, l.ssh(machines)...)
	commands = append(commands, l.dovecot(machines)...)
	commands = append(commands, l.vsftpd(machines)...)
	return commands, l.err
}

func served(machines []*machine, products ...string) []*machine {
	var some []*machine
	for _, m := range machines {
		for _, p := range products {
			if m.web != nil && m.web.product == p {
				some = append(some, m)
			}
		}
	}
	return some
}

// write makes the file and returns its whole path.
func (l *layout) write(name string, content []byte) string {
	path := filepath.Join(l.dir, name)
	if l.err == nil {
		l.err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if l.err == nil {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(name, "keys/") {
			mode = 0o600 // as sshd demands
		}
		l.err = os.WriteFile(path, content, mode)
	}
	return path
}

// certificate returns the path of a file with the chain and the key.
func (l *layout) certificate(c *certificate) string {
	sum := sha256.Sum256(c.pem)
	return l.write("tls/"+hex.EncodeToString(sum[:8])+".pem", c.pem)
}

// root returns the document root of the machine's site.
func (l *layout) root(m *machine) string {
	if m.web.site.stock {
		return stockRoots[m.web.product]
	}
	dir := "www/" + m.addr.String()
	index := l.write(dir+"/index.html", m.web.site.index)
	if m.web.site.favicon != nil {
		l.write(dir+"/favicon.ico", m.web.site.favicon)
	}
	if m.web.site.missing != nil {
		l.write(dir+"/missing.html", m.web.site.missing)
	}
	return filepath.Dir(index)
}

func (l *layout) command(name, log string, listen netip.AddrPort, args ...string) daemon.Command {
	return daemon.Command{Name: name, Args: args, Answer: listen, Log: l.write("log/"+log, nil)}
}

func (l *layout) plain(m *machine) netip.AddrPort  { return netip.AddrPortFrom(m.addr, l.ports.HTTP) }
func (l *layout) secure(m *machine) netip.AddrPort { return netip.AddrPortFrom(m.addr, l.ports.TLS) }

// web is the last address that a web server binds for the machines: plain
// ports are bound before TLS ports, machine by machine.
func (l *layout) last(machines []*machine) netip.AddrPort {
	m := machines[len(machines)-1]
	if m.web.secure {
		return l.secure(m)
	}
	return l.plain(m)
}

// openssl10 writes TLS 1.0 as OpenSSL does.
var openssl10 = strings.NewReplacer("1.0", "1")

// lines collects a configuration.
type lines struct{ strings.Builder }

func (s *lines) add(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// when adds a line if value is not empty.
func (s *lines) when(format, value string) {
	if value != "" {
		s.add(format, value)
	}
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
