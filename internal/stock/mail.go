package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// mail puts up the mail and FTP servers. They give up root for users of their
// own, so they are left out where we are not root.
func (s *stage) mail() {
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "stock: not root: without postfix, vsftpd and dovecot")
		return
	}
	s.postfix()
	s.vsftpd()
	for name, config := range map[string]string{
		"stock": "",
		"plain": "disable_plaintext_auth = no\n",
		"login": "auth_mechanisms = plain login\n",
		"open":  "disable_plaintext_auth = no\nauth_mechanisms = plain login\n",
		"notls": "ssl = no\n",
	} {
		s.dovecot(name, config)
	}
}

// ownedBy makes a folder that a server writes to under a user of its own.
func (s *stage) ownedBy(name, dir string) {
	who, err := user.Lookup(name)
	if err != nil {
		s.fail(err)
		return
	}
	uid, _ := strconv.Atoi(who.Uid) // a number, on every system that has root
	gid, _ := strconv.Atoi(who.Gid)
	if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
		s.fail(err)
	}
	if err := os.Chown(s.path(dir), uid, gid); err != nil {
		s.fail(err)
	}
}

// postfix has the packaged settings, and those that how-tos change.
func (s *stage) postfix() {
	product := s.version("postfix")
	for _, dir := range []string{"private", "public", "active", "incoming", "maildrop", "deferred", "defer", "bounce", "flush", "hold", "saved", "trace", "corrupt"} {
		s.ownedBy("postfix", "postfix/queue/"+dir)
	}
	s.ownedBy("postfix", "postfix/data")
	s.ownedBy("root", "postfix/queue/pid")
	var services strings.Builder
	for _, set := range [][]string{
		{},
		{"smtpd_tls_cert_file=" + s.certs[1], "smtpd_tls_key_file=" + s.certs[1]},
		{"smtpd_tls_security_level=none"},
		{"smtpd_tls_security_level=encrypt"},
		{"smtpd_banner=$myhostname ESMTP $mail_name"},
		{"smtpd_banner=$myhostname ESMTP"},
		{"disable_vrfy_command=yes"},
		{"message_size_limit=0"},
		{"message_size_limit=20480000"},
		{"message_size_limit=52428800"},
		{"message_size_limit=104857600"},
		{"disable_vrfy_command=yes", "smtpd_banner=$myhostname ESMTP"},
		{"smtpd_discard_ehlo_keywords=chunking"}, // against CVE-2023-51764
		{"smtpd_discard_ehlo_keywords=chunking,silent-discard"},
	} {
		options := ""
		if len(set) > 0 {
			options = " -o {" + strings.Join(set, "} -o {") + "}"
		}
		ports := []uint16{smtpPort, smtpsPort}
		if strings.Contains(options, "security_level=none") {
			ports = ports[:1]
		}
		a := s.place(product, ports...)
		fmt.Fprintf(&services, "%s inet n - n - - smtpd%s\n", at(a, smtpPort), options)
		if len(ports) > 1 {
			fmt.Fprintf(&services, "%s inet n - n - - smtpd%s -o {smtpd_tls_wrappermode=yes}\n", at(a, smtpsPort), options)
		}
	}
	const certificate, key = "/etc/ssl/certs/ssl-cert-snakeoil.pem", "/etc/ssl/private/ssl-cert-snakeoil.key"
	s.write("postfix/main.cf", s.packaged("/usr/share/postfix/main.cf.debian")+
		s.packaged("/usr/share/postfix/main.cf.tls", certificate, s.certs[0], key, s.certs[0])+
		fmt.Sprintf("\nqueue_directory = %[1]s/queue\ndata_directory = %[1]s/data\nmyhostname = localhost\nmynetworks = 192.0.2.0/24\n"+
			"inet_protocols = ipv4\nalias_maps =\nalias_database =\nlocal_recipient_maps =\nmaillog_file = /dev/stdout\n", s.path("postfix")))
	s.write("postfix/master.cf", services.String()+"tlsmgr unix - - n 1000? 1 tlsmgr\nanvil unix - - n - 1 anvil\npostlog unix-dgram n - n - 1 postlogd\n")
	s.start("/usr/lib/postfix/sbin/master", s.last(smtpPort), "-s", "-c", s.path("postfix"))
	c := &s.commands[len(s.commands)-1]
	c.Env = append(c.Env, "MAIL_CONFIG="+s.path("postfix"))
}

// vsftpd serves one address a process.
func (s *stage) vsftpd() {
	product := s.version("vsftpd")
	s.write("vsftpd/empty/.keep", "")
	for i, set := range []string{
		"",
		"anonymous_enable=YES\n",
		"ftpd_banner=Welcome to blah FTP service.\n", // as the packaged file proposes
		"ssl_enable=YES\n",
		"ssl_enable=YES\nimplicit_ssl=YES\n",
	} {
		port := uint16(ftpPort)
		if strings.Contains(set, "implicit") {
			port = ftpsPort
		}
		a := s.place(product, port)
		conf := s.packaged("/etc/vsftpd.conf", "listen=NO", "listen=YES", "listen_ipv6=YES", "listen_ipv6=NO",
			"/var/run/vsftpd/empty", s.path("vsftpd/empty"), "ssl_enable=NO\n", "ssl_enable=NO\n"+set,
			"/etc/ssl/certs/ssl-cert-snakeoil.pem", s.certs[0], "/etc/ssl/private/ssl-cert-snakeoil.key", s.certs[0])
		conf += fmt.Sprintf("\nlisten_address=%s\nlisten_port=%d\nbackground=NO\n", a, port)
		s.start("vsftpd", at(a, port), s.write(fmt.Sprintf("vsftpd/%d.conf", i), conf))
	}
}

// dovecot runs the packaged configuration with a few settings of its own.
func (s *stage) dovecot(name, config string) {
	product := s.version("dovecot-core")
	ports := []uint16{imapPort, pop3Port, imapsPort, pop3sPort}
	if strings.Contains(config, "ssl = no") {
		ports = ports[:2]
	}
	a := s.place(product, ports...)
	dir := s.path("dovecot-" + name)
	var conf strings.Builder
	conf.WriteString(s.packaged("/etc/dovecot/dovecot.conf", "!include conf.d/*.conf", "!include /etc/dovecot/conf.d/*.conf", "!include_try local.conf", ""))
	fmt.Fprintf(&conf, "base_dir = %[1]s/run\nstate_dir = %[1]s/state\nlog_path = /dev/stderr\nlisten = %[2]s\nssl_cert = <%[3]s\nssl_key = <%[3]s\n", dir, a, s.certs[0])
	for _, l := range []struct {
		service, listener string
		port              uint16
	}{{"imap", "imap", imapPort}, {"imap", "imaps", imapsPort}, {"pop3", "pop3", pop3Port}, {"pop3", "pop3s", pop3sPort}} {
		fmt.Fprintf(&conf, "service %s-login {\n  inet_listener %s {\n    port = %d\n  }\n}\n", l.service, l.listener, l.port)
	}
	s.write("dovecot-"+name+"/.keep", "")
	s.start("dovecot", at(a, pop3Port), "-F", "-c", s.write("dovecot-"+name+".conf", conf.String()+config))
}
