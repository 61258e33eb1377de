package main

import (
	"fmt"
	"strings"
)

func (s *stage) haproxy() {
	product := s.version("haproxy")
	var fronts strings.Builder
	rules := []string{"", " http-request redirect scheme https\n", " redirect scheme https code 301\n", " default_backend up\n", " default_backend down\n", " http-request deny\n",
		" http-request return status 404 default-errorfiles\n",
		" http-request return status 200 content-type text/plain string ok\n",
		" http-request return status 200 content-type text/html file /usr/share/nginx/html/index.html\n",
	}
	for i, rule := range rules {
		a := s.place(product, plainPort)
		fmt.Fprintf(&fronts, "frontend p%d\n bind %s\n%s", i, at(a, plainPort), rule)
	}
	fmt.Fprintf(&fronts, "backend up\n server a %s\nbackend down\n server a 127.0.0.1:1\n", s.backend)
	n := 0
	for _, cert := range s.certs {
		for _, g := range guides() {
			for _, alpn := range []string{"", " alpn h2,http/1.1", " alpn http/1.1"} {
				a := s.place(product, tlsPort)
				fmt.Fprintf(&fronts, "frontend s%d\n bind %s ssl crt %s%s%s\n", n, at(a, tlsPort), cert, haproxyTLS(g), alpn)
				n++
			}
		}
	}
	conf := s.packaged("/etc/haproxy/haproxy.cfg", "log /dev/log	local0\n", "\n", "log /dev/log	local1 notice", "", "chroot ", "# ", "stats socket", "# ",
		"user haproxy", "", "group haproxy", "", "\tdaemon", "", "	log	global", "", "option	httplog", "")
	s.start("haproxy", s.last(tlsPort), "-db", "-f", s.write("haproxy.cfg", conf+"\n"+fronts.String()))
	// The same without the packaged TLS settings, as upstream builds it.
	a := s.place(product, tlsPort)
	b := s.place(product, tlsPort)
	plain := fmt.Sprintf("defaults\n mode http\n timeout connect 5s\n timeout client 50s\n timeout server 50s\nfrontend a\n bind %s ssl crt %s alpn h2,http/1.1\nfrontend b\n bind %s ssl crt %s\n",
		at(a, tlsPort), s.certs[0], at(b, tlsPort), s.certs[1])
	s.start("haproxy", s.last(tlsPort), "-db", "-f", s.write("haproxy-plain.cfg", plain))
}

func haproxyTLS(g guide) string {
	var c string
	if n := len(g.protocols); n > 0 {
		c += " ssl-min-ver TLSv" + g.protocols[0] + " ssl-max-ver TLSv" + g.protocols[n-1]
	}
	if g.ciphers != "" {
		c += " ciphers " + g.ciphers
	}
	if g.curves != "" {
		c += " curves " + g.curves
	}
	if g.prefer == "off" {
		c += " prefer-client-ciphers"
	}
	if g.noTickets {
		c += " no-tls-tickets"
	}
	return c
}

func (s *stage) caddy() {
	product := s.version("caddy")
	var sites strings.Builder
	sites.WriteString("{\n admin off\n auto_https disable_redirects\n skip_install_trust\n default_sni localhost\n}\n")
	bodies := []string{
		" root * /usr/share/caddy\n file_server\n", // the packaged Caddyfile
		" root * " + s.path("empty") + "\n file_server\n",
		"", " respond 404\n", " respond OK\n", " reverse_proxy 127.0.0.1:1\n", " redir https://{host}{uri}\n",
		" encode gzip\n root * /usr/share/caddy\n file_server\n",
	}
	for _, body := range bodies {
		a := s.place(product, plainPort, tlsPort)
		fmt.Fprintf(&sites, "http://%s {\n bind %s\n%s}\n", at(a, plainPort), a, body)
		fmt.Fprintf(&sites, "https://%s {\n bind %s\n tls internal\n%s}\n", at(a, tlsPort), a, body)
	}
	for _, cert := range s.certs {
		for _, options := range []string{"", " {\n protocols tls1.3\n }", " {\n protocols tls1.2 tls1.2\n }", " {\n curves x25519 secp256r1 secp384r1\n }"} {
			a := s.place(product, tlsPort)
			fmt.Fprintf(&sites, "https://%s {\n bind %s\n tls %s %s%s\n%s}\n", at(a, tlsPort), a, cert, cert, options, bodies[0])
		}
	}
	s.start("caddy", s.last(tlsPort), "run", "--adapter", "caddyfile", "--config", s.write("Caddyfile", sites.String()))
}

func (s *stage) stunnel() {
	product := s.version("stunnel4")
	var c strings.Builder
	c.WriteString("foreground = yes\npid =\nsyslog = no\n")
	n := 0
	for _, cert := range s.certs {
		for _, options := range []string{"", "sslVersion = TLSv1.2\n", "sslVersion = TLSv1.3\n", "sslVersionMin = TLSv1.2\n", "options = NO_SSLv2\noptions = NO_SSLv3\n", "options = CIPHER_SERVER_PREFERENCE\n", "ciphers = " + intermediate57 + "\n", "ciphers = " + high + "\n"} {
			a := s.place(product, tlsPort)
			fmt.Fprintf(&c, "[s%d]\naccept = %s\nconnect = %s\ncert = %s\n%s", n, at(a, tlsPort), s.backend, cert, options)
			n++
		}
	}
	s.start("stunnel4", s.last(tlsPort), s.write("stunnel.conf", c.String()))
}

func (s *stage) sshd() {
	product := s.version("openssh-server")
	s.run("mkdir", "-p", "/run/sshd")
	keys := map[string]string{}
	for kind, bits := range map[string]string{"rsa": "3072", "ecdsa": "256", "ed25519": "256"} {
		keys[kind] = s.path("ssh-" + kind)
		s.run("ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-f", keys[kind])
	}
	for i, set := range [][]string{{"rsa", "ecdsa", "ed25519"}, {"ed25519"}, {"rsa"}, {"rsa", "ed25519"}, {"ecdsa", "ed25519"}} {
		for j, lines := range []string{"", "DebianBanner no\n", "Compression no\n", sshAudit, sshMozilla, "UseDNS no\nPermitRootLogin yes\n"} {
			a := s.place(product, sshPort)
			var conf strings.Builder
			conf.WriteString(s.packaged("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf", "", "UsePAM yes", "UsePAM no"))
			conf.WriteString(fmt.Sprintf("\nListenAddress %s\nPidFile none\nStrictModes no\n%s", at(a, sshPort), lines))
			for _, k := range set {
				conf.WriteString("HostKey " + keys[k] + "\n")
			}
			s.start("sshd", s.last(sshPort), "-D", "-e", "-f", s.write(fmt.Sprintf("sshd-%d-%d.conf", i, j), conf.String()))
		}
	}
}

func (s *stage) dropbear() {
	product := s.version("dropbear-bin")
	keys := map[string]string{}
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		keys[kind] = s.path("dropbear-" + kind)
		s.run("dropbearkey", "-t", kind, "-f", keys[kind])
	}
	for _, set := range [][]string{{"rsa", "ecdsa", "ed25519"}, {"rsa", "ecdsa"}, {"ed25519"}, {"rsa"}, {"rsa", "ed25519"}} {
		a := s.place(product, sshPort)
		args := []string{"-F", "-E", "-P", s.path("dropbear-" + a.String()), "-p", at(a, sshPort).String()}
		for _, k := range set {
			args = append(args, "-r", keys[k])
		}
		s.start("dropbear", s.last(sshPort), args...)
	}
}

func (s *stage) gnutls() {
	product := s.version("gnutls-bin")
	port := uint16(gnutlsPort)
	for _, cert := range s.certs {
		for _, priority := range []string{"NORMAL", "SECURE128", "SECURE256", "PFS", "NORMAL:-VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3"} {
			a := s.place(product, port)
			s.start("gnutls-serv", at(a, port), "--http", "--quiet", "--disable-client-cert", "--priority", priority, "-p", fmt.Sprint(port), "--x509certfile", cert, "--x509keyfile", cert)
			port++
		}
	}
}

func (s *stage) openssl() {
	product := s.version("openssl")
	for _, cert := range s.certs {
		for _, options := range []string{"-www", "-WWW", "-www -tls1_2", "-www -tls1_3", "-www -serverpref", "-www -no_ticket", "-www -alpn h2,http/1.1"} {
			a := s.place(product, tlsPort)
			s.start("openssl", at(a, tlsPort), append([]string{"s_server", "-quiet", "-accept", at(a, tlsPort).String(), "-cert", cert, "-key", cert}, strings.Fields(options)...)...)
		}
	}
}

func (s *stage) python() {
	const python = "/usr/bin/python3" // the package's, whatever PATH says
	product := s.version("python3")
	one := s.place(product, plainPort)
	s.start(python, at(one, plainPort), "-m", "http.server", "--bind", one.String(), "--directory", s.path("empty"), fmt.Sprint(plainPort))
	script := s.write("server.py", `import http.server, ssl, sys
address, port, cert, modern = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if modern == "1" else ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert)
server = http.server.ThreadingHTTPServer((address, int(port)), http.server.SimpleHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
`)
	for _, cert := range s.certs {
		for _, modern := range []string{"0", "1"} {
			a := s.place(product, tlsPort)
			s.start(python, at(a, tlsPort), script, a.String(), fmt.Sprint(tlsPort), cert, modern)
		}
	}
}

func (s *stage) node() {
	product := s.version("nodejs")
	var plan strings.Builder
	plain := s.place(product, plainPort)
	fmt.Fprintf(&plan, "const fs = require('fs');\nconst hello = (q, r) => { r.statusCode = 200; r.setHeader('Content-Type', 'text/plain'); r.end('Hello World\\n'); };\n")
	fmt.Fprintf(&plan, "const bare = (q, r) => { r.writeHead(200); r.end('hello world\\n'); };\nrequire('http').createServer(hello).listen(%d, %q);\n", plainPort, plain)
	other := s.place(product, plainPort)
	fmt.Fprintf(&plan, "require('http').createServer(bare).listen(%d, %q);\n", plainPort, other)
	for _, cert := range s.certs {
		a, b, c := s.place(product, tlsPort), s.place(product, tlsPort), s.place(product, tlsPort)
		fmt.Fprintf(&plan, "{ const o = { key: fs.readFileSync(%q), cert: fs.readFileSync(%q) };\n", cert, cert)
		fmt.Fprintf(&plan, "require('https').createServer(o, hello).listen(%d, %q);\nrequire('https').createServer({...o, honorCipherOrder: true, minVersion: 'TLSv1.2'}, bare).listen(%d, %q);\n", tlsPort, a, tlsPort, b)
		fmt.Fprintf(&plan, "require('http2').createSecureServer({...o, allowHTTP1: true}, hello).listen(%d, %q); }\n", tlsPort, c)
	}
	s.start("node", s.last(tlsPort), s.write("server.js", plan.String()))
}
