package town

import (
	"os"
	"strings"

	"github.com/hostkin/hostkin/internal/daemon"
)

func (l *layout) nginx(machines []*machine) []daemon.Command {
	if len(machines) == 0 {
		return nil
	}
	var c lines
	c.add("daemon off; master_process off; pid %s/nginx.pid; error_log %s/log/nginx.err; worker_rlimit_nofile 8192;", l.dir, l.dir)
	c.add("events { worker_connections 4096; }")
	// As Debian's nginx.conf, but for the paths.
	c.add("http { sendfile on; tcp_nopush on; types_hash_max_size 2048; include /etc/nginx/mime.types; default_type application/octet-stream;")
	c.add("ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on; access_log off; gzip on;")
	for _, kind := range []string{"body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		c.add("%s_temp_path %s/nginx-%s;", strings.Replace(kind, "body", "client_body", 1), l.dir, kind)
	}
	for _, m := range machines {
		w := m.web
		if w.redirect {
			c.add("server { listen %s; return 301 https://$host$request_uri;", l.plain(m))
			if w.site.hide {
				c.add("server_tokens off;")
			}
			c.add("}")
		}
		secure := w.secure && w.product == nginx
		if !secure && (w.redirect || !w.plain) {
			continue
		}
		c.add("server {")
		if w.plain && !w.redirect {
			c.add("listen %s;", l.plain(m))
		}
		if secure {
			h2 := ""
			if w.tls.h2 {
				h2 = " http2"
			}
			c.add("listen %s ssl%s;", l.secure(m), h2)
			l.nginxTLS(&c, w)
		}
		l.nginxSite(&c, m)
		c.add("}")
	}
	c.add("}")
	conf := l.write("nginx.conf", []byte(c.String()))
	last := machines[len(machines)-1]
	listen := l.plain(last)
	if last.web.secure && last.web.product == nginx {
		listen = l.secure(last)
	}
	return []daemon.Command{l.command("nginx", "nginx", listen, "-c", conf, "-p", l.dir)}
}

func (l *layout) nginxTLS(c *lines, w *webServer) {
	pem := l.certificate(w.cert)
	c.add("ssl_certificate %s; ssl_certificate_key %s;", pem, pem)
	if len(w.tls.protocols) > 0 {
		c.add("ssl_protocols TLSv%s;", openssl10.Replace(strings.Join(w.tls.protocols, " TLSv")))
		if !w.tls.prefer {
			c.add("ssl_prefer_server_ciphers off;")
		}
	}
	c.when("ssl_ciphers %s;", w.tls.ciphers)
	c.when("ssl_ecdh_curve %s;", w.tls.curves)
	c.when("ssl_conf_command Ciphersuites %s;", w.tls.suites)
	if w.tls.noTickets {
		c.add("ssl_session_tickets off;")
	}
}

func (l *layout) nginxSite(c *lines, m *machine) {
	s := m.web.site
	c.add("root %s; index index.html index.htm; server_name _;", l.root(m))
	if s.hide {
		c.add("server_tokens off;")
	}
	for _, h := range s.headers {
		c.add("add_header %s %s;", h[0], quoted(h[1]))
	}
	if s.cookie != "" {
		c.add("add_header Set-Cookie \"%s=$request_id; Path=/; HttpOnly\";", s.cookie)
	}
	if s.missing != nil {
		c.add("error_page 404 /missing.html;")
	}
	c.add("location / { try_files $uri $uri/ =404; }")
}

// apacheModules are those that Debian enables, and those that the sites need.
const apacheModules = "mpm_event access_compat alias auth_basic authn_core authn_file authz_core authz_host authz_user autoindex deflate dir env filter " +
	"mime negotiation reqtimeout setenvif status headers unique_id ssl socache_shmcb http2"

// apache serves machines whose site hides the version, or those whose does
// not: ServerTokens is one for a process.
func (l *layout) apache(machines []*machine, hide bool) []daemon.Command {
	if len(machines) == 0 {
		return nil
	}
	name, tokens := "apache", "ServerTokens OS\nServerSignature On"
	if hide {
		name, tokens = "apache-hidden", "ServerTokens Prod\nServerSignature Off"
	}
	var c lines
	c.add("ServerRoot %s\nPidFile %s/%s.pid\nErrorLog %s/log/%s.err\nDefaultRuntimeDir %s\nServerName localhost", l.dir, l.dir, name, l.dir, name, l.dir)
	for m := range strings.FieldsSeq(apacheModules) {
		c.add("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so", m, m)
	}
	if os.Geteuid() == 0 {
		c.add("User www-data\nGroup www-data")
	}
	c.add("Mutex file:%s default\nStartServers 1\nServerLimit 4\nThreadsPerChild 25\nMaxRequestWorkers 100", l.dir)
	c.add("Timeout 300\nKeepAlive On\nMaxKeepAliveRequests 100\nKeepAliveTimeout 5\nTypesConfig /etc/mime.types\n%s\nTraceEnable Off", tokens)
	c.add("DirectoryIndex index.html index.cgi index.pl index.php index.xhtml index.htm\nSSLSessionCache none\nSSLCipherSuite HIGH:!aNULL\nSSLProtocol all -SSLv3\nSSLSessionTickets off")
	c.add("AddOutputFilterByType DEFLATE text/html text/plain text/xml text/css application/javascript\n<Directory />\nOptions FollowSymLinks\nAllowOverride None\nRequire all denied\n</Directory>")
	for _, m := range machines {
		l.apacheHost(&c, m)
	}
	conf := l.write(name+".conf", []byte(c.String()))
	return []daemon.Command{l.command("apache2", name, l.last(machines), "-d", l.dir, "-f", conf, "-DFOREGROUND")}
}

func (l *layout) apacheHost(c *lines, m *machine) {
	w, root := m.web, l.root(m)
	c.add("<Directory %s>\nOptions Indexes FollowSymLinks\nRequire all granted\n</Directory>", root)
	if w.plain {
		c.add("Listen %s http\n<VirtualHost %s>\nServerName localhost\nDocumentRoot %s", l.plain(m), l.plain(m), root)
		if w.redirect {
			c.add("RedirectMatch 301 ^/(.*)$ https://%s/$1", m.addr)
		} else {
			apacheSite(c, w.site)
		}
		c.add("</VirtualHost>")
	}
	if !w.secure {
		return
	}
	c.add("Listen %s https\n<VirtualHost %s>\nServerName localhost\nDocumentRoot %s\nSSLEngine on", l.secure(m), l.secure(m), root)
	pem := l.certificate(w.cert)
	c.add("SSLCertificateFile %s\nSSLCertificateKeyFile %s", pem, pem)
	if p := w.tls.protocols; len(p) > 0 {
		c.add("SSLProtocol -all +TLSv%s", openssl10.Replace(strings.Join(p, " +TLSv")))
	}
	c.when("SSLCipherSuite %s", w.tls.ciphers)
	c.when("SSLCipherSuite TLSv1.3 %s", w.tls.suites)
	c.when("SSLOpenSSLConfCmd Curves %s", w.tls.curves)
	if w.tls.prefer {
		c.add("SSLHonorCipherOrder on")
	}
	if w.tls.h2 {
		c.add("Protocols h2 http/1.1")
	}
	apacheSite(c, w.site)
	c.add("</VirtualHost>")
}

func apacheSite(c *lines, s *site) {
	for _, h := range s.headers {
		c.add("Header set %s %s", h[0], quoted(h[1]))
	}
	if s.cookie != "" {
		c.add("Header add Set-Cookie \"%s=%%{UNIQUE_ID}e; path=/; HttpOnly\"", s.cookie)
	}
	if s.missing != nil {
		c.add("ErrorDocument 404 /missing.html")
	}
}

func (l *layout) lighttpd(machines []*machine) []daemon.Command {
	if len(machines) == 0 {
		return nil
	}
	var c lines
	c.add(`server.modules = ("mod_indexfile", "mod_access", "mod_alias", "mod_redirect", "mod_setenv", "mod_openssl", "mod_dirlisting", "mod_staticfile")`)
	c.add("server.document-root = \"%s\"\nserver.upload-dirs = (\"%s\")\nserver.errorlog = \"%s/log/lighttpd.err\"\nserver.bind = \"%s/lighttpd.socket\"", l.dir, l.dir, l.dir, l.dir)
	c.add("server.max-fds = 4096\nindex-file.names = (\"index.php\", \"index.html\")\nurl.access-deny = (\"~\", \".inc\")\nstatic-file.exclude-extensions = (\".php\", \".pl\", \".fcgi\")")
	c.add(`server.feature-flags += ("server.h2proto" => "enable", "server.h2c" => "enable", "server.graceful-shutdown-timeout" => 1)`)
	c.add(`mimetype.assign = (".html" => "text/html", ".ico" => "image/vnd.microsoft.icon", "" => "application/octet-stream")`)
	for _, m := range machines {
		w := m.web
		if w.plain {
			c.add("$SERVER[\"socket\"] == \"%s\" {", l.plain(m))
			if w.redirect {
				c.add("url.redirect = (\"^/(.*)\" => \"https://%s/$1\")", m.addr)
			} else {
				l.lighttpdSite(&c, m)
			}
			c.add("}")
		}
		if w.secure {
			c.add("$SERVER[\"socket\"] == \"%s\" {\nssl.engine = \"enable\"\nssl.pemfile = \"%s\"", l.secure(m), l.certificate(w.cert))
			lighttpdTLS(&c, w.tls)
			l.lighttpdSite(&c, m)
			c.add("}")
		}
	}
	conf := l.write("lighttpd.conf", []byte(c.String()))
	return []daemon.Command{l.command("lighttpd", "lighttpd", l.last(machines), "-D", "-f", conf)}
}

func lighttpdTLS(c *lines, t tlsSettings) {
	var conf []string
	set := func(name, value string) { conf = append(conf, quoted(name)+" => "+quoted(value)) }
	if p := t.protocols; len(p) > 0 {
		set("MinProtocol", "TLSv"+openssl10.Replace(p[0]))
		set("MaxProtocol", "TLSv"+p[len(p)-1])
	}
	if t.ciphers != "" {
		set("CipherString", t.ciphers)
	}
	if t.curves != "" {
		set("Curves", t.curves)
	}
	switch {
	case t.prefer && t.noTickets:
		set("Options", "ServerPreference,-SessionTicket")
	case t.prefer:
		set("Options", "ServerPreference")
	case t.noTickets:
		set("Options", "-SessionTicket")
	}
	if len(conf) > 0 {
		c.add("ssl.openssl.ssl-conf-cmd = (%s)", strings.Join(conf, ", "))
	}
}

func (l *layout) lighttpdSite(c *lines, m *machine) {
	s := m.web.site
	c.add("server.document-root = \"%s\"", l.root(m))
	if s.tag != "" || s.hide {
		tag := s.tag
		if tag == "" {
			tag = "lighttpd"
		}
		c.add("server.tag = %s", quoted(tag))
	}
	var headers []string
	for _, h := range s.headers {
		headers = append(headers, quoted(h[0])+" => "+quoted(h[1]))
	}
	if s.cookie != "" {
		headers = append(headers, quoted("Set-Cookie")+" => "+quoted(s.cookie+"=1; path=/"))
	}
	if len(headers) > 0 {
		c.add("setenv.add-response-header = (%s)", strings.Join(headers, ", "))
	}
	if s.missing != nil {
		c.add("server.error-handler-404 = \"/missing.html\"")
	}
}
