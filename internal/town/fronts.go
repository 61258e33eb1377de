package town

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/internal/daemon"
)

// haproxy answers by itself: a site is two files and a default. Its stock
// answer is that no server is available.
func (l *layout) haproxy(machines []*machine) []daemon.Command {
	if len(machines) == 0 {
		return nil
	}
	var c lines
	c.add("global\n maxconn 2000")
	// Debian's /etc/haproxy/haproxy.cfg.
	c.add(" ssl-default-bind-ciphers %s", mozillaCiphers)
	c.add(" ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256\n ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets")
	c.add("defaults\n mode http\n timeout connect 5000\n timeout client 50000\n timeout server 50000")
	for _, code := range []string{"400", "403", "408", "500", "502", "503", "504"} {
		c.add(" errorfile %s /etc/haproxy/errors/%s.http", code, code)
	}
	for i, m := range machines {
		w := m.web
		if w.plain {
			c.add("frontend p%d\n bind %s", i, l.plain(m))
			if w.redirect {
				c.add(" http-request redirect scheme https code 301")
			} else {
				l.haproxySite(&c, m)
			}
		}
		if w.secure {
			c.add("frontend s%d\n bind %s ssl crt %s%s", i, l.secure(m), l.certificate(w.cert), haproxyTLS(w.tls))
			l.haproxySite(&c, m)
		}
	}
	conf := l.write("haproxy.cfg", []byte(c.String()))
	return []daemon.Command{l.command("haproxy", "haproxy", l.last(machines), "-db", "-f", conf)}
}

func haproxyTLS(t tlsSettings) string {
	var s string
	if p := t.protocols; len(p) > 0 {
		s += " ssl-min-ver TLSv" + p[0] + " ssl-max-ver TLSv" + p[len(p)-1]
	}
	if t.ciphers != "" {
		s += " ciphers " + t.ciphers
	}
	if t.curves != "" {
		s += " curves " + t.curves
	}
	if t.noTickets {
		s += " no-tls-tickets"
	}
	if t.h2 {
		s += " alpn h2,http/1.1"
	}
	return s
}

func (l *layout) haproxySite(c *lines, m *machine) {
	s := m.web.site
	if s.stock {
		return // no backend: 503
	}
	root, headers := l.root(m), ""
	if s.tag != "" {
		headers += " hdr Server " + quoted(s.tag)
	}
	for _, h := range s.headers {
		headers += " hdr " + h[0] + " " + quoted(strings.ReplaceAll(h[1], "%", "%%"))
	}
	if s.cookie != "" {
		headers += " hdr Set-Cookie " + quoted(s.cookie+"=%[uuid()]; path=/")
	}
	c.add(" http-request return status 200 content-type text/html file %s/index.html%s if { path / }", root, headers)
	if s.favicon != nil {
		c.add(" http-request return status 200 content-type image/x-icon file %s/favicon.ico if { path /favicon.ico }", root)
	}
	if s.missing != nil {
		c.add(" http-request return status 404 content-type text/html file %s/missing.html%s", root, headers)
	} else {
		c.add(" http-request return status 404 default-errorfiles")
	}
}

// stunnel puts TLS in front of the machine's nginx.
func (l *layout) stunnel(machines []*machine) []daemon.Command {
	if len(machines) == 0 {
		return nil
	}
	var c lines
	c.add("foreground = yes\npid =\nsyslog = no\ndebug = 3")
	n := 0
	for i, m := range machines {
		w := m.web
		if !w.secure {
			continue
		}
		n++
		c.add("[s%d]\naccept = %s\nconnect = %s\ncert = %s", i, l.secure(m), l.plain(m), l.certificate(w.cert))
		if p := w.tls.protocols; len(p) > 0 {
			c.add("sslVersionMin = TLSv%s\nsslVersionMax = TLSv%s", openssl10.Replace(p[0]), p[len(p)-1])
		}
		c.when("ciphers = %s", w.tls.ciphers)
		c.when("curves = %s", w.tls.curves)
		if w.tls.noTickets {
			c.add("options = NO_TICKET")
		}
	}
	if n == 0 {
		return nil
	}
	last := machines[0]
	for _, m := range machines {
		if m.web.secure {
			last = m
		}
	}
	conf := l.write("stunnel.conf", []byte(c.String()))
	return []daemon.Command{l.command("stunnel4", "stunnel", l.secure(last), conf)}
}

// caddy takes JSON: an object a server. Its ciphers are crypto/tls's, so only
// versions and curves are set.
func (l *layout) caddy(machines []*machine) []daemon.Command {
	if len(machines) == 0 {
		return nil
	}
	type object = map[string]any
	servers, tags := object{}, map[string][]string{}
	for _, m := range machines {
		w, name := m.web, m.addr.String()
		routes := l.caddySite(m)
		base := func(listen string, routes []any) object {
			return object{"listen": []string{listen}, "routes": routes, "automatic_https": object{"disable": true}}
		}
		if w.plain {
			plain := routes
			if w.redirect {
				plain = []any{object{"handle": []object{{"handler": "static_response", "status_code": 308, "headers": object{"Location": []string{"https://{http.request.host}{http.request.uri}"}}}}}}
			}
			servers[name+"-plain"] = base(l.plain(m).String(), plain)
		}
		if w.secure {
			pem := l.certificate(w.cert)
			tags[pem] = append(tags[pem], name)
			policy := object{"certificate_selection": object{"any_tag": []string{name}}}
			if p := w.tls.protocols; len(p) > 0 {
				policy["protocol_min"] = "tls1.2"
				policy["protocol_max"] = "tls" + p[len(p)-1]
				if p[0] == "1.3" {
					policy["protocol_min"] = "tls1.3"
				}
			}
			if w.tls.curves != "" {
				policy["curves"] = caddyCurves(w.tls.curves)
			}
			server := base(l.secure(m).String(), routes)
			server["tls_connection_policies"] = []any{policy}
			servers[name] = server
		}
	}
	var files []object // one a certificate: caddy forgets the tags of a second
	for _, pem := range slices.Sorted(maps.Keys(tags)) {
		files = append(files, object{"certificate": pem, "key": pem, "tags": tags[pem]})
	}
	conf, err := json.MarshalIndent(object{
		"admin":   object{"disabled": true, "config": object{"persist": false}},
		"logging": object{"logs": object{"default": object{"level": "ERROR"}}},
		"apps": object{
			"http": object{"servers": servers, "grace_period": "1s"},
			"tls":  object{"certificates": object{"load_files": files}},
		},
	}, "", " ")
	if err != nil {
		l.err = err
	}
	path := l.write("caddy.json", conf)
	c := l.command("caddy", "caddy", l.last(machines), "run", "--config", path)
	c.Env = []string{"HOME=" + l.dir, "XDG_DATA_HOME=" + l.dir, "XDG_CONFIG_HOME=" + l.dir}
	return []daemon.Command{c}
}

func caddyCurves(openssl string) []string {
	names := map[string]string{"prime256v1": "secp256r1", "X25519": "x25519"}
	var curves []string
	for c := range strings.SplitSeq(openssl, ":") {
		if n := names[c]; n != "" {
			c = n
		}
		curves = append(curves, c)
	}
	return curves
}

func (l *layout) caddySite(m *machine) []any {
	type object = map[string]any
	s := m.web.site
	set := object{}
	for _, h := range s.headers {
		set[h[0]] = []string{strings.NewReplacer("{", "", "}", "").Replace(h[1])}
	}
	if s.cookie != "" {
		set["Set-Cookie"] = []string{s.cookie + "={http.request.uuid}; path=/"}
	}
	var routes []any
	if len(set) > 0 {
		routes = append(routes, object{"handle": []object{{"handler": "headers", "response": object{"set": set}}}})
	}
	root := l.root(m)
	routes = append(routes, object{"handle": []object{{"handler": "file_server", "root": root}}})
	if s.missing != nil {
		routes[len(routes)-1] = object{"match": []object{{"path": []string{"/", "/favicon.ico"}}}, "handle": []object{{"handler": "file_server", "root": root}}}
		routes = append(routes, object{"handle": []object{{"handler": "static_response", "status_code": 404, "body": string(s.missing)}}})
	}
	return routes
}
