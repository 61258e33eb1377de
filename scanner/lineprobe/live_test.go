package lineprobe

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/internal/daemon"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// servers are real ones on loopback, with one certificate.
type servers struct {
	cert      []byte                    // DER
	plain     map[string]netip.AddrPort // by protocol, with the upgrade
	wrapped   map[string]netip.AddrPort // TLS from the start
	withNoTLS netip.AddrPort            // SMTP
}

func startServers(t *testing.T) servers {
	t.Helper()
	if os.Getuid() != 0 {
		livetest.Missing(t, errors.New("postfix, vsftpd and dovecot are started by root"))
	}
	cert, key := livetest.Certificate(t, "rsa")
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	s := servers{cert: block.Bytes, plain: map[string]netip.AddrPort{}, wrapped: map[string]netip.AddrPort{}}
	for _, protocol := range []string{"smtp", "ftp", "imap", "pop3"} {
		s.plain[protocol], s.wrapped[protocol] = livetest.FreePort(t, "127.0.0.1"), livetest.FreePort(t, "127.0.0.1")
	}
	s.withNoTLS = livetest.FreePort(t, "127.0.0.1")
	livetest.Start(t, s.postfix(t, cert, key), s.vsftpd(t, cert, key, "plain"), s.vsftpd(t, cert, key, "wrapped"), s.dovecot(t, cert, key))
	return s
}

// postfix runs its master with a configuration and a queue of its own.
func (s servers) postfix(t *testing.T, cert, key string) daemon.Command {
	const master = "/usr/lib/postfix/sbin/master"
	livetest.Need(t, master)
	dir := t.TempDir()
	for _, d := range []string{"private", "public", "active", "incoming", "maildrop", "deferred"} {
		ownedBy(t, "postfix", filepath.Join(dir, "queue", d))
	}
	ownedBy(t, "postfix", filepath.Join(dir, "data"))
	ownedBy(t, "root", filepath.Join(dir, "queue", "pid"))
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the user postfix comes by here
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "main.cf"), fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
daemon_directory = /usr/lib/postfix/sbin
myhostname = mx7.provider.net
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
smtpd_tls_cert_file = %[2]s
smtpd_tls_key_file = %[3]s
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
maillog_file = /dev/stdout
alias_maps =
alias_database =
local_recipient_maps =
`, dir, cert, key))
	write(t, filepath.Join(dir, "master.cf"), fmt.Sprintf(`%s inet n - n - - smtpd
%s inet n - n - - smtpd
 -o smtpd_tls_wrappermode=yes
%s inet n - n - - smtpd
 -o smtpd_tls_security_level=none
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`, s.plain["smtp"], s.wrapped["smtp"], s.withNoTLS))
	return daemon.Command{Name: master, Args: []string{"-s", "-c", dir}, Env: []string{"MAIL_CONFIG=" + dir},
		Log: filepath.Join(dir, "log"), Answer: s.plain["smtp"]}
}

func (s servers) vsftpd(t *testing.T, cert, key, how string) daemon.Command {
	livetest.Need(t, "vsftpd")
	dir := t.TempDir()
	at, implicit := s.plain["ftp"], "NO"
	if how == "wrapped" {
		at, implicit = s.wrapped["ftp"], "YES"
	}
	conf := filepath.Join(dir, "vsftpd.conf")
	write(t, conf, fmt.Sprintf(`listen=YES
listen_ipv6=NO
listen_address=127.0.0.1
listen_port=%d
background=NO
anonymous_enable=NO
local_enable=YES
secure_chroot_dir=%s
ssl_enable=YES
implicit_ssl=%s
rsa_cert_file=%s
rsa_private_key_file=%s
`, at.Port(), t.TempDir(), implicit, cert, key))
	return daemon.Command{Name: "vsftpd", Args: []string{conf}, Log: filepath.Join(dir, "log"), Answer: at}
}

func (s servers) dovecot(t *testing.T, cert, key string) daemon.Command {
	livetest.Need(t, "dovecot")
	dir := t.TempDir()
	conf := filepath.Join(dir, "dovecot.conf")
	write(t, conf, fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <%[2]s
ssl_key = <%[3]s
service imap-login {
  inet_listener imap {
    port = %[4]d
  }
  inet_listener imaps {
    port = %[5]d
    ssl = yes
  }
}
service pop3-login {
  inet_listener pop3 {
    port = %[6]d
  }
  inet_listener pop3s {
    port = %[7]d
    ssl = yes
  }
}
passdb {
  driver = static
  args = password=never
}
`, dir, cert, key, s.plain["imap"].Port(), s.wrapped["imap"].Port(), s.plain["pop3"].Port(), s.wrapped["pop3"].Port()))
	return daemon.Command{Name: "dovecot", Args: []string{"-F", "-c", conf}, Log: filepath.Join(dir, "log"), Answer: s.plain["pop3"]}
}

func ownedBy(t *testing.T, name, dir string) {
	t.Helper()
	who, err := user.Lookup(name)
	if err != nil {
		livetest.Missing(t, err)
	}
	var uid, gid int
	if _, err := fmt.Sscan(who.Uid+" "+who.Gid, &uid, &gid); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chown(dir, uid, gid)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func commands(l *record.Lines) []string {
	var out []string
	for _, r := range l.Replies {
		out = append(out, r.Command+" "+string(r.Status))
	}
	return out
}

// Real servers: greeting, list, and in the same connection their certificate.
func TestRealServers(t *testing.T) {
	s := startServers(t)
	for protocol, want := range map[string]struct {
		greeting, list string // part of them
		asked          []string
	}{
		"smtp": {"220 mx7.provider.net ESMTP Postfix (Debian/GNU)\r\n", "250-STARTTLS\r\n", []string{"EHLO scan.example.org ok", "STARTTLS ok"}},
		"ftp":  {"220 (vsFTPd ", " AUTH TLS\r\n", []string{"FEAT ok", "AUTH TLS ok"}},
		"imap": {"* OK [CAPABILITY IMAP4rev1 ", " STARTTLS ", []string{"a CAPABILITY ok", "b STARTTLS ok"}},
		"pop3": {"+OK Dovecot (Debian) ready.\r\n", "\r\nSTLS\r\n", []string{"CAPA ok", "STLS ok"}},
	} {
		p := Probe{Protocol: protocol, Contact: "https://scan.example.org/why"}
		a, status, said := livetest.Ask(t, p, livetest.Endpoint(s.plain[protocol], ""), record.Answer{})
		l := lines(t, protocol, a)
		if status != record.OK || l.TLS || !bytes.HasPrefix(l.Greeting, []byte(want.greeting)) || !slices.Equal(commands(l), want.asked) ||
			!bytes.Contains(l.Replies[0].Text, []byte(want.list)) {
			t.Errorf("%s: %s %+v", protocol, status, l)
		}
		if a.TLS == nil || len(a.TLS.Certificates) != 1 || !bytes.Equal(a.TLS.Certificates[0], s.cert) {
			t.Errorf("%s shows another certificate after the upgrade: %+v", protocol, a.TLS)
		} else if _, err := x509.ParseCertificate(a.TLS.Certificates[0]); err != nil {
			t.Error(err)
		}
		livetest.Keep(t, "testdata/"+protocol+".json", said)
		inside(t, s, p)
	}
	p := Probe{Protocol: "smtp"}
	a, status, said := livetest.Ask(t, p, livetest.Endpoint(s.withNoTLS, ""), record.Answer{})
	want := []string{"EHLO hostkin.invalid ok", "QUIT ok"}
	if status != record.OK || a.TLS != nil || !slices.Equal(commands(a.SMTP), want) {
		t.Errorf("smtp without TLS: %s %+v, %+v", status, a.SMTP, a.TLS)
	}
	livetest.Keep(t, "testdata/smtp-plain.json", said)
}

// inside asks the server that speaks TLS from the start.
func inside(t *testing.T, s servers, p Probe) {
	t.Helper()
	at := livetest.Endpoint(s.wrapped[p.Protocol], "")
	seen, status, _ := livetest.Ask(t, tlsprobe.Probe{}, at, record.Answer{})
	if status != record.OK || !bytes.Equal(seen.TLS.Certificates[0], s.cert) {
		t.Fatalf("%s inside TLS: TLS ends as %s", p.Protocol, status)
	}
	a, status, _ := livetest.Ask(t, p, at, seen)
	l := lines(t, p.Protocol, a)
	if status != record.OK || !l.TLS || a.TLS != nil || len(l.Greeting) == 0 || len(l.Replies) != 2 || l.Replies[0].Status != record.OK {
		t.Errorf("%s inside TLS: %s %+v", p.Protocol, status, l)
	}
	for _, r := range l.Replies {
		if strings.Contains(r.Command, "TLS") || strings.Contains(r.Command, "STLS") {
			t.Errorf("%s asks for TLS inside TLS", p.Protocol)
		}
	}
}

// lines is the answer in the field of its protocol.
func lines(t *testing.T, protocol string, a record.Answer) *record.Lines {
	t.Helper()
	l := map[string]*record.Lines{"smtp": a.SMTP, "ftp": a.FTP, "imap": a.IMAP, "pop3": a.POP3}[protocol]
	if l == nil {
		t.Fatalf("%s: no answer: %+v", protocol, a)
	}
	return l
}
