package farm

import (
	"fmt"
	"net/netip"
	"strings"
)

// settings collects directives.
type settings struct{ strings.Builder }

func (s *settings) add(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// when adds a directive unless its only argument is empty.
func (s *settings) when(format, arg string) {
	if arg != "" {
		s.add(format, arg)
	}
}

// versions are those of a configuration from the lowest to the highest.
func (c Config) versions() []string {
	all := []string{"1.0", "1.1", "1.2", "1.3"}
	if c.Min+c.Max == "" {
		return nil
	}
	var out []string
	for _, v := range all {
		if v >= c.Min && (c.Max == "" || v <= c.Max) {
			out = append(out, v)
		}
	}
	return out
}

// openSSL names versions as OpenSSL's configuration does: TLSv1, TLSv1.1 ...
func openSSL(versions []string, prefix, join string) string {
	var out []string
	for _, v := range versions {
		out = append(out, prefix+"TLSv"+strings.TrimSuffix(v, ".0"))
	}
	return strings.Join(out, join)
}

func (f *Farm) nginx(places []place) {
	var s settings
	s.add("daemon off; master_process off; pid %s/nginx.pid; error_log %s/log/nginx.err crit;", f.dir, f.dir)
	s.add("events { worker_connections 2048; }\nhttp { access_log off;")
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		s.add("%s_temp_path %s/nginx-%s;", kind, f.dir, kind)
	}
	for _, l := range places {
		h2 := ""
		if strings.HasPrefix(l.ALPN, "h2") {
			h2 = " http2"
		}
		if l.Strict {
			s.add("server { listen %s ssl%s default_server; ssl_reject_handshake on; }", l.at, h2)
		}
		s.add("server { listen %s ssl%s; server_name %s;", l.at, h2, Host)
		for _, c := range l.certs {
			s.add("ssl_certificate %s; ssl_certificate_key %s;", c.cert, c.key)
		}
		s.when("ssl_protocols %s;", openSSL(l.versions(), "", " "))
		s.when("ssl_ciphers %s;", l.Ciphers)
		s.when("ssl_conf_command Ciphersuites %s;", l.Suites)
		s.when("ssl_ecdh_curve %s;", l.Curves)
		s.when("ssl_prefer_server_ciphers %s;", map[string]string{"server": "on", "client": "off"}[l.Prefer])
		if l.NoTickets {
			s.add("ssl_session_tickets off;")
		}
		if l.DH {
			s.add("ssl_dhparam %s;", f.creds.dh)
		}
		if l.Ask != "" {
			s.add("ssl_verify_client %s; ssl_client_certificate %s;", map[string]string{"request": "optional", "require": "on"}[l.Ask], f.creds.ca)
		}
		s.add("%s }", l.Own)
	}
	s.add("}")
	f.run(places, "nginx", "-c", f.write("nginx.conf", s.String()), "-p", f.dir)
}

func (f *Farm) apache(places []place) {
	var s settings
	s.add("ServerRoot %[1]s\nPidFile %[1]s/apache.pid\nErrorLog %[1]s/log/apache.err\nDefaultRuntimeDir %[1]s\nServerName localhost\nMutex file:%[1]s default", f.dir)
	for m := range strings.FieldsSeq("mpm_event authz_core ssl socache_shmcb http2 headers") {
		s.add("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so", m, m)
	}
	s.add("User www-data\nGroup www-data\nStartServers 1\nServerLimit 2\nThreadsPerChild 25\nMaxRequestWorkers 50\nSSLSessionCache none\nSSLStaplingCache shmcb:%s/stapling(32768)", f.dir)
	for _, l := range places {
		s.add("Listen %s https\n<VirtualHost %s>\nServerName %s\nSSLEngine on", l.at, l.at, Host)
		for _, c := range l.certs {
			s.add("SSLCertificateFile %s\nSSLCertificateKeyFile %s", c.cert, c.key)
		}
		s.when("SSLProtocol -all %s", openSSL(l.versions(), "+", " "))
		s.when("SSLCipherSuite %s", l.Ciphers)
		s.when("SSLCipherSuite TLSv1.3 %s", l.Suites)
		s.when("SSLOpenSSLConfCmd Curves %s", l.Curves)
		s.when("SSLHonorCipherOrder %s", map[string]string{"server": "on", "client": "off"}[l.Prefer])
		s.when("Protocols %s", strings.ReplaceAll(l.ALPN, ",", " "))
		if l.NoTickets {
			s.add("SSLSessionTickets off")
		}
		if l.DH {
			s.add("SSLOpenSSLConfCmd DHParameters %s", f.creds.dh)
		}
		if l.Strict {
			s.add("SSLStrictSNIVHostCheck on")
		}
		if l.Ask != "" {
			s.add("SSLVerifyClient %s\nSSLCACertificateFile %s", map[string]string{"request": "optional", "require": "require"}[l.Ask], f.creds.ca)
		}
		s.add("%s\n</VirtualHost>", l.Own)
	}
	f.run(places, "apache2", "-f", f.write("apache.conf", s.String()), "-DFOREGROUND")
}

func lighttpdModule(library string) string { return "/usr/lib/lighttpd/mod_" + library + ".so" }

// lighttpd with one of its TLS libraries; all take the settings of OpenSSL.
// With NSS a process has room for one site.
func lighttpd(library string) func(*Farm, []place) {
	return func(f *Farm, places []place) {
		if library == "nss" && len(places) > 1 {
			for i := range places {
				lighttpd(library)(f, places[i:i+1])
			}
			return
		}
		var s settings
		name := fmt.Sprintf("lighttpd-%d", len(f.commands))
		s.add("server.modules = (\"mod_%s\")\nserver.document-root = %q\nserver.errorlog = \"%s/log/%s.err\"\nserver.bind = \"%s/%s.socket\"",
			library, f.dir, f.dir, name, f.dir, name)
		s.add("server.feature-flags += (\"server.graceful-shutdown-timeout\" => 1)")
		for _, l := range places {
			s.add("$SERVER[\"socket\"] == \"%s\" {\nssl.engine = \"enable\"\nssl.pemfile = %q\nssl.privkey = %q", l.at, l.certs[0].cert, l.certs[0].key)
			s.when("ssl.openssl.ssl-conf-cmd = (%s)", lighttpdConf(f, l.Config))
			if l.Ask != "" {
				s.add("ssl.verifyclient.activate = \"enable\"\nssl.verifyclient.enforce = %q\nssl.verifyclient.ca-file = %q",
					map[string]string{"request": "disable", "require": "enable"}[l.Ask], f.creds.ca)
			}
			if l.ALPN == "http/1.1" {
				s.add("server.feature-flags += (\"server.h2proto\" => \"disable\")")
			}
			s.add("%s\n}", l.Own)
		}
		if library == "nss" { // says nothing to what is not TLS, so it is known to be ready by a plain port
			ready := netip.AddrPortFrom(places[0].at.Addr(), sitePort+1)
			s.add("$SERVER[\"socket\"] == \"%s\" { ssl.engine = \"disable\" }", ready)
			places = []place{{at: ready}}
		}
		f.run(places, "lighttpd", "-D", "-f", f.write(name+".conf", s.String()))
	}
}

func lighttpdConf(f *Farm, c Config) string {
	var list []string
	add := func(name, value string) {
		if value != "" {
			list = append(list, fmt.Sprintf("%q => %q", name, value))
		}
	}
	if v := c.versions(); len(v) > 0 {
		add("MinProtocol", openSSL(v[:1], "", ""))
		add("MaxProtocol", openSSL(v[len(v)-1:], "", ""))
	}
	add("CipherString", c.Ciphers)
	add("Ciphersuites", c.Suites)
	add("Curves", c.Curves)
	var options []string
	if c.Prefer != "" {
		options = append(options, map[string]string{"server": "", "client": "-"}[c.Prefer]+"ServerPreference")
	}
	if c.NoTickets {
		options = append(options, "-SessionTicket")
	}
	add("Options", strings.Join(options, ","))
	if c.DH {
		add("DHParameters", f.creds.dh)
	}
	return strings.Join(list, ", ")
}
