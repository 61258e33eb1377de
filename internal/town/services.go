package town

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/user"
	"strings"

	"github.com/hostkin/hostkin/internal/daemon"
)

// service is a server of another protocol that comes with a machine's image.
type service struct {
	greeting string // "": the product's own
	secure   bool   // offers TLS, with the certificate of the machine's web server
}

// serve gives machines mail and FTP servers. It draws from a source of its own,
// so that the rest of a town is what it would be without.
func (p *planner) serve(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0x73657276))
	images := map[string]*provider{}
	for _, v := range p.providers {
		images[v.name] = v
		v.mail, v.ftp = image(r, .5, v.name), image(r, .4, v.name)
	}
	for _, m := range p.machines {
		switch v := images[m.role.Provider]; {
		case v != nil:
			m.mail, m.ftp = v.mail, v.ftp
			if m.role.Kind == Partial && chance(r, .5) {
				m.mail, m.ftp = nil, nil
			}
		case m.role.Kind != CDN && m.role.Kind != SSHOnly:
			m.mail, m.ftp = stranger(r, .15), stranger(r, .1)
		}
	}
}

// image is a provider's: most greet in words of their own.
func image(r *rand.Rand, share float64, name string) *service {
	if !chance(r, share) {
		return nil
	}
	s := &service{secure: chance(r, .8)}
	if chance(r, .6) {
		s.greeting = capital(name) + pick(r, " ready", " service", " node")
	}
	return s
}

// stranger is a server as it was installed, seldom with an own greeting.
func stranger(r *rand.Rand, share float64) *service {
	if !chance(r, share) {
		return nil
	}
	s := &service{secure: chance(r, .7)}
	if chance(r, .15) {
		s.greeting = capital(word(r, 2)) + " ready"
	}
	return s
}

// dovecot starts one process for each greeting; TLS is by address.
func (l *layout) dovecot(machines []*machine) []daemon.Command {
	var order []string
	hosts := map[string][]*machine{}
	for _, m := range machines {
		if m.mail == nil {
			continue
		}
		if hosts[m.mail.greeting] == nil {
			order = append(order, m.mail.greeting)
		}
		hosts[m.mail.greeting] = append(hosts[m.mail.greeting], m)
	}
	var commands []daemon.Command
	for n, greeting := range order {
		name := fmt.Sprintf("dovecot-%d", n)
		some := hosts[greeting]
		var c lines
		c.add("protocols = imap\nbase_dir = %[1]s/%[2]s/run\nstate_dir = %[1]s/%[2]s/state\nlog_path = /dev/stderr\nmail_location = maildir:%[1]s/%[2]s/mail", l.dir, name)
		c.add("ssl = no\nssl_min_protocol = TLSv1.2\npassdb {\n  driver = passwd-file\n  args = %s\n}", l.write(name+"/users", nil))
		c.when("login_greeting = %s", greeting)
		l.unprivileged(&c)
		var listen []string
		for _, m := range some {
			listen = append(listen, m.addr.String())
			if m.mail.secure && m.web != nil && m.web.cert != nil {
				file := l.certificate(m.web.cert)
				c.add("local %s {\n  ssl = yes\n  ssl_cert = <%s\n  ssl_key = <%s\n}", m.addr, file, file)
			}
		}
		c.add("service imap-login {\n  service_count = 0\n  client_limit = 1000\n  inet_listener imap {\n    address = %s\n    port = %d\n  }\n  inet_listener imaps {\n    port = 0\n  }\n}", strings.Join(listen, " "), l.ports.IMAP)
		last := netip.AddrPortFrom(some[len(some)-1].addr, l.ports.IMAP)
		commands = append(commands, l.command("dovecot", name+".log", last, "-F", "-c", l.write(name+".conf", []byte(c.String()))))
	}
	return commands
}

// unprivileged lets dovecot run as who runs the town, if that is not root.
func (l *layout) unprivileged(c *lines) {
	if os.Geteuid() == 0 {
		return
	}
	me, err := user.Current()
	if err != nil {
		if l.err == nil {
			l.err = err
		}
		return
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		group = &user.Group{Name: me.Gid}
	}
	c.add("default_internal_user = %[1]s\ndefault_login_user = %[1]s\ndefault_internal_group = %[2]s\nservice anvil {\n  chroot =\n}\nservice imap-login {\n  chroot =\n}", me.Username, group.Name)
}

// vsftpd serves one address a process.
func (l *layout) vsftpd(machines []*machine) []daemon.Command {
	var commands []daemon.Command
	for _, m := range machines {
		if m.ftp == nil {
			continue
		}
		var c lines
		c.add("listen=YES\nlisten_ipv6=NO\nlisten_address=%s\nlisten_port=%d\nbackground=NO\nrun_as_launching_user=YES\nlocal_enable=YES\nanonymous_enable=NO\nxferlog_enable=NO", m.addr, l.ports.FTP)
		c.when("ftpd_banner=%s", m.ftp.greeting)
		if m.ftp.secure && m.web != nil && m.web.cert != nil {
			c.add("ssl_enable=YES\nrsa_cert_file=%[1]s\nrsa_private_key_file=%[1]s", l.certificate(m.web.cert))
		}
		path := l.write("vsftpd/"+m.addr.String()+".conf", []byte(c.String()))
		commands = append(commands, l.command("vsftpd", "vsftpd-"+m.addr.String(), netip.AddrPortFrom(m.addr, l.ports.FTP), path))
	}
	return commands
}
