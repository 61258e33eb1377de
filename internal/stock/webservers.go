package main

import (
	"fmt"
	"net/netip"
	"strings"
)

func tlsVersions(protocols []string, prefix string) string {
	return prefix + strings.ReplaceAll(strings.Join(protocols, " "+prefix), "1.0", "1")
}

// fill puts in the folder with the default page for ROOT, and one without for EMPTY.
func (s *stage) fill(config string, root string) string {
	return strings.NewReplacer("ROOT", root, "EMPTY", s.path("empty")).Replace(config)
}

func (s *stage) nginx() {
	s.write("empty/.keep", "")
	product := s.version("nginx")
	root := s.path("nginx-www")
	s.write("nginx-www/index.nginx-debian.html", s.packaged("/usr/share/nginx/html/index.html"))
	var servers strings.Builder
	const site = "root ROOT; index index.html index.htm index.nginx-debian.html; server_name _; location / { try_files $uri $uri/ =404; }"
	for _, cert := range s.certs {
		for _, g := range guides() {
			for _, h2 := range []string{"", " http2"} {
				a := s.place(product, tlsPort)
				fmt.Fprintf(&servers, "server { listen %s ssl%s; %s %s }\n", at(a, tlsPort), h2, s.nginxTLS(cert, g), s.fill(site, root))
			}
		}
	}
	s.backend = at(s.place(product, plainPort), plainPort)
	fmt.Fprintf(&servers, "server { listen %s; %s }\n", s.backend, s.fill(site, root))
	pages := []string{
		"root EMPTY;",
		strings.ReplaceAll(site, "ROOT", "EMPTY"),
		site + " server_tokens off;",
		"root EMPTY; server_tokens off;",
		"return 301 https://$host$request_uri;",
		"return 301 https://$host$request_uri; server_tokens off;",
		"return 302 https://$host$request_uri;",
		"return 301 https://$server_name$request_uri; server_name localhost;",
		"return 403;", "return 404;", "return 404; server_tokens off;", "return 200;", "return 204;", "return 503;",
		"location / { proxy_pass http://127.0.0.1:1; }",
		"location / { proxy_pass http://127.0.0.1:1; } server_tokens off;",
		"location / { proxy_pass http://" + s.backend.String() + "; }",
		"root EMPTY; autoindex on;",
		site + " auth_basic Restricted; auth_basic_user_file /etc/passwd;",
		site + " add_header Strict-Transport-Security max-age=63072000 always;",
	}
	for _, p := range pages {
		a := s.place(product, plainPort, tlsPort)
		fmt.Fprintf(&servers, "server { listen %s; listen %s ssl http2; %s %s }\n", at(a, plainPort), at(a, tlsPort), s.nginxTLS(s.certs[0], guide{}), s.fill(p, root))
	}
	// The packaged file, but for paths, the user, and what it includes.
	conf := s.packaged("/etc/nginx/nginx.conf", "user www-data;", "daemon off; master_process off; worker_rlimit_nofile 8192;", "/run/nginx.pid", s.path("nginx.pid"),
		"/var/log/nginx/access.log", "/dev/null", "/var/log/nginx/error.log", s.path("log/nginx.err"),
		"worker_connections 768", "worker_connections 4096",
		"include /etc/nginx/conf.d/*.conf;", "", "include /etc/nginx/sites-enabled/*;", servers.String())
	s.start("nginx", s.last(tlsPort), "-c", s.write("nginx.conf", conf), "-p", s.dir)
}

func (s *stage) nginxTLS(cert string, g guide) string {
	c := fmt.Sprintf("ssl_certificate %s; ssl_certificate_key %s;", cert, cert)
	add := func(directive, value string) {
		if value != "" {
			c += " " + directive + " " + value + ";"
		}
	}
	if len(g.protocols) > 0 {
		add("ssl_protocols", tlsVersions(g.protocols, "TLSv"))
	}
	add("ssl_ciphers", g.ciphers)
	add("ssl_ecdh_curve", g.curves)
	add("ssl_prefer_server_ciphers", g.prefer)
	if g.noTickets {
		add("ssl_session_tickets", "off")
	}
	if g.dh {
		add("ssl_dhparam", s.dh)
	}
	return c
}

func (s *stage) apache() {
	product := s.version("apache2")
	// As installed; after a2enmod http2, which speaks it everywhere; and with
	// HTTP/2 in the TLS sites alone, as how-tos have it.
	s.apacheSites(product, "plain", "", "")
	s.apacheSites(product, "http2", "", "http2")
	s.apacheSites(product, "protocols", "Protocols h2 http/1.1\n", "http2.load")
	for name, tokens := range map[string]string{"prod": "ServerTokens Prod\nServerSignature Off\n", "min": "ServerTokens Min\n", "full": "ServerTokens Full\n"} {
		a := s.place(product, plainPort)
		own := fmt.Sprintf("Listen %s\nDocumentRoot %s\n%s", at(a, plainPort), apacheRoot, tokens)
		s.startApache(name, own, "", at(a, plainPort))
	}
}

// apacheRoot holds the package's default page.
const apacheRoot = "/usr/share/apache2/default-site"

// apacheSites puts up all guides and pages; protocols is added to TLS sites,
// module to what is loaded.
func (s *stage) apacheSites(product, name, protocols, module string) {
	var hosts strings.Builder
	listen := func(a netip.Addr, port uint16, config string) {
		fmt.Fprintf(&hosts, "Listen %s\n<VirtualHost %s>\nServerName localhost\nServerAdmin webmaster@localhost\n%s\n</VirtualHost>\n", at(a, port), at(a, port), config)
	}
	for _, cert := range s.certs {
		for _, g := range guides() {
			listen(s.place(product, tlsPort), tlsPort, protocols+"DocumentRoot "+apacheRoot+"\n"+apacheTLS(cert, g))
		}
	}
	for _, p := range []string{
		"DocumentRoot ROOT",
		"DocumentRoot EMPTY",
		"DocumentRoot ROOT\nServerSignature Off",
		"DocumentRoot EMPTY\nServerSignature Off",
		"Redirect 403 /", "Redirect 404 /", "Redirect 503 /",
		"Redirect permanent / https://localhost/",
		"RewriteEngine On\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]",
		"RewriteEngine On\nRewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [END,NE,R=permanent]",
		"RewriteEngine On\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R,L]",
		"DocumentRoot ROOT\n<Location />\nAuthType Basic\nAuthName Restricted\nAuthUserFile /etc/passwd\nRequire valid-user\n</Location>",
		"DocumentRoot ROOT\nHeader always set Strict-Transport-Security max-age=63072000",
	} {
		p = s.fill(p, apacheRoot)
		a := s.place(product, plainPort, tlsPort)
		listen(a, plainPort, p)
		listen(a, tlsPort, protocols+p+"\n"+apacheTLS(s.certs[0], guide{}))
	}
	s.startApache(name, hosts.String(), module, s.last(tlsPort))
}

// startApache runs apache2 with the packaged apache2.conf and enabled modules,
// and those that TLS sites need. module is one more: its name, or that of its
// .load file to leave its configuration out.
func (s *stage) startApache(name, sites, module string, answer netip.AddrPort) {
	var modules strings.Builder
	add := func(file string) { fmt.Fprintf(&modules, "IncludeOptional mods-available/%s\n", file) }
	for _, m := range []string{"socache_shmcb", "ssl", "headers", "rewrite"} {
		add(m + ".load")
		add(m + ".conf")
	}
	if load := strings.TrimSuffix(module, ".load"); load != "" {
		add(load + ".load")
		if load == module {
			add(load + ".conf")
		}
	}
	security := s.packaged("/etc/apache2/conf-available/security.conf")
	conf := s.packaged("/etc/apache2/apache2.conf", "\nInclude ports.conf", "\nServerName localhost\n"+modules.String(),
		"IncludeOptional conf-enabled/*.conf", security, "IncludeOptional sites-enabled/*.conf", "<Directory "+s.dir+">\nOptions Indexes FollowSymLinks\nRequire all granted\n</Directory>\n"+sites)
	dir := s.path("apache-" + name)
	s.write("apache-"+name+"/keep", "")
	s.start("apache2", answer, "-d", "/etc/apache2", "-f", s.write("apache-"+name+".conf", conf), "-DFOREGROUND")
	c := &s.commands[len(s.commands)-1]
	c.Env = append(c.Env, "APACHE_RUN_DIR="+dir, "APACHE_LOCK_DIR="+dir, "APACHE_LOG_DIR="+dir, "APACHE_PID_FILE="+dir+"/pid",
		"APACHE_RUN_USER=www-data", "APACHE_RUN_GROUP=www-data")
}

func apacheTLS(cert string, g guide) string {
	c := fmt.Sprintf("SSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s\n", cert, cert)
	if len(g.protocols) > 0 {
		c += "SSLProtocol -all " + tlsVersions(g.protocols, "+TLSv") + "\n"
	}
	if g.ciphers != "" {
		c += "SSLCipherSuite " + g.ciphers + "\n"
	}
	if g.curves != "" {
		c += "SSLOpenSSLConfCmd Curves " + g.curves + "\n"
	}
	if g.prefer != "" {
		c += "SSLHonorCipherOrder " + g.prefer + "\n"
	}
	if g.noTickets {
		c += "SSLSessionTickets off\n"
	}
	return c
}

func (s *stage) lighttpd() {
	product := s.version("lighttpd")
	const root = "/usr/share/lighttpd"
	var sockets strings.Builder
	listen := func(a netip.Addr, port uint16, config string) {
		fmt.Fprintf(&sockets, "$SERVER[\"socket\"] == \"%s\" {\n%s\n}\n", at(a, port), config)
	}
	document := func(dir string) string { return "server.document-root = \"" + dir + "\"\n" }
	for _, cert := range s.certs {
		for _, g := range guides() {
			a := s.place(product, tlsPort)
			listen(a, tlsPort, document(root)+lighttpdTLS(cert, g))
		}
	}
	for _, p := range []string{
		document(root),
		document(s.path("empty")),
		document(s.path("empty")) + "dir-listing.activate = \"enable\"\n",
		document(root) + "url.redirect = (\"\" => \"https://${url.authority}${url.path}${qsa}\")\n",
		document(root) + "server.tag = \"lighttpd\"\n",
		document(root) + "server.tag = \"\"\n",
	} {
		a := s.place(product, plainPort, tlsPort)
		listen(a, plainPort, p)
		listen(a, tlsPort, p+lighttpdTLS(s.certs[0], guide{}))
	}
	main := s.place(product, plainPort)
	conf := s.packaged("/etc/lighttpd/lighttpd.conf", "\"/var/www/html\"", "\""+root+"\"", "/var/cache/lighttpd/uploads", s.dir,
		"/var/log/lighttpd/error.log", s.path("log/lighttpd.err"), "server.pid-file", "# server.pid-file",
		"server.username", "# server.username", "server.groupname", "# server.groupname",
		"server.port                 = 80", fmt.Sprintf("server.port = %d\nserver.bind = \"%s\"", plainPort, main),
		"include_shell \"/usr/share/lighttpd/use-ipv6.pl \" + server.port", "")
	conf += "server.modules += ( \"mod_openssl\" )\n" + sockets.String()
	s.start("lighttpd", s.last(plainPort), "-D", "-f", s.write("lighttpd.conf", conf))
}

func lighttpdTLS(cert string, g guide) string {
	var set []string
	add := func(name, value string) {
		if value != "" {
			set = append(set, fmt.Sprintf("%q => %q", name, value))
		}
	}
	if n := len(g.protocols); n > 0 {
		add("MinProtocol", tlsVersions(g.protocols[:1], "TLSv"))
		add("MaxProtocol", tlsVersions(g.protocols[n-1:], "TLSv"))
	}
	add("CipherString", g.ciphers)
	add("Curves", g.curves)
	add("Options", map[string]string{"on": "ServerPreference", "off": "-ServerPreference"}[g.prefer])
	c := "ssl.engine = \"enable\"\nssl.pemfile = \"" + cert + "\"\n"
	if len(set) > 0 {
		c += "ssl.openssl.ssl-conf-cmd = (" + strings.Join(set, ", ") + ")\n"
	}
	return c
}
