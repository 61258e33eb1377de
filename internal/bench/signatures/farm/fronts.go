package farm

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

func (f *Farm) haproxy(places []place) {
	var s settings
	s.add("global\n maxconn 1000\n tune.ssl.default-dh-param 2048\ndefaults\n mode http\n timeout connect 5s\n timeout client 20s\n timeout server 20s")
	for i, l := range places {
		s.add("frontend f%d\n bind %s ssl crt %s%s\n http-request return status 200", i, l.at, f.bundle(l), f.haproxyTLS(l.Config))
	}
	f.run(places, "haproxy", "-db", "-f", f.write("haproxy.cfg", s.String()))
}

// bundle is the file that haproxy reads: of two credentials it takes those in
// NAME.rsa and NAME.ecdsa.
func (f *Farm) bundle(l place) string {
	if len(l.certs) == 1 {
		return l.certs[0].both
	}
	for _, c := range l.certs {
		b, err := os.ReadFile(c.both)
		if err != nil {
			f.fail(err)
		}
		kind := "rsa"
		if strings.HasPrefix(c.name, "ec") {
			kind = "ecdsa"
		}
		f.write("bundle-"+l.Cert+"."+kind, string(b))
	}
	return f.path("bundle-" + l.Cert)
}

func (f *Farm) haproxyTLS(c Config) string {
	var out string
	add := func(format, arg string) {
		if arg != "" {
			out += fmt.Sprintf(" "+format, arg)
		}
	}
	if v := c.versions(); len(v) > 0 {
		add("ssl-min-ver TLSv%s", v[0])
		add("ssl-max-ver TLSv%s", v[len(v)-1])
	}
	add("ciphers %s", c.Ciphers)
	add("ciphersuites %s", c.Suites)
	add("curves %s", c.Curves)
	add("alpn %s", c.ALPN)
	if c.Ask != "" {
		add("verify %s", map[string]string{"request": "optional", "require": "required"}[c.Ask])
		add("ca-file %s", f.creds.ca)
	}
	for word, set := range map[string]bool{"no-tls-tickets": c.NoTickets, "strict-sni": c.Strict, "prefer-client-ciphers": c.Prefer == "client"} {
		if set {
			add("%s", word)
		}
	}
	add("%s", c.Own)
	return out
}

func (f *Farm) stunnel(places []place) {
	var s settings
	s.add("foreground = yes\npid =\nsyslog = no\ndebug = 3")
	for i, l := range places {
		s.add("[s%d]\naccept = %s\nconnect = 127.0.0.1:1", i, l.at)
		for _, c := range l.certs {
			s.add("cert = %s\nkey = %s", c.cert, c.key)
		}
		if v := l.versions(); len(v) > 0 {
			s.add("sslVersionMin = %s\nsslVersionMax = %s", openSSL(v[:1], "", ""), openSSL(v[len(v)-1:], "", ""))
		}
		s.when("ciphers = %s", l.Ciphers)
		s.when("ciphersuites = %s", l.Suites)
		s.when("curves = %s", l.Curves)
		if l.Prefer == "server" {
			s.add("options = CIPHER_SERVER_PREFERENCE")
		}
		if l.NoTickets {
			s.add("options = NO_TICKET")
		}
		if l.Ask != "" {
			s.add("verify = %s\nCAfile = %s", map[string]string{"request": "1", "require": "2"}[l.Ask], f.creds.ca)
		}
		s.add("%s", l.Own)
	}
	f.run(places, "stunnel4", f.write("stunnel.conf", s.String()))
}

func (f *Farm) hitch(places []place) {
	var s settings
	s.add("backend = \"[127.0.0.1]:1\"\nworkers = 1\ndaemon = off\nquiet = on\npem-file = %q", f.creds.named(f, "rsa").both)
	for _, l := range places {
		s.add("frontend = {\nhost = %q\nport = \"%d\"\npem-file = %q", l.at.Addr(), l.at.Port(), l.certs[0].both)
		s.when("tls-protos = %s", openSSL(l.versions(), "", " "))
		s.when("ciphers = %q", l.Ciphers)
		s.when("ciphersuites = %q", l.Suites)
		s.when("prefer-server-ciphers = %s", map[string]string{"server": "on", "client": "off"}[l.Prefer])
		if l.Strict {
			s.add("sni-nomatch-abort = on")
		}
		if l.Ask != "" {
			s.add("client-verify = %s\nclient-verify-ca = %q", map[string]string{"request": "optional", "require": "required"}[l.Ask], f.creds.ca)
		}
		s.add("%s\n}", l.Own)
	}
	f.run(places, "hitch", "--user=nobody", "--config="+f.write("hitch.conf", s.String()))
}

func (f *Farm) h2o(places []place) {
	var s settings
	s.add("num-threads: 1\naccess-log: /dev/null\nhosts:")
	for i, l := range places {
		s.add("  \"s%d\":\n    listen:\n      host: %s\n      port: %d\n      ssl:\n        certificate-file: %s\n        key-file: %s", i, l.at.Addr(), l.at.Port(), l.certs[0].cert, l.certs[0].key)
		if v := l.versions(); len(v) > 0 {
			s.add("        minimum-version: %s\n        maximum-version: %s", openSSL(v[:1], "", ""), openSSL(v[len(v)-1:], "", ""))
		}
		s.when("        cipher-suite: %q", l.Ciphers)
		s.when("        cipher-preference: %s", l.Prefer)
		if l.DH {
			s.add("        dh-file: %s", f.creds.dh)
		}
		s.add("    paths:\n      \"/\":\n        file.dir: %s", f.dir)
	}
	if os.Geteuid() == 0 {
		s.add("user: root")
	}
	f.run(places, "h2o", "-c", f.write("h2o.yaml", s.String()))
}

func (f *Farm) nghttpx(places []place) {
	f.each(places, "nghttpx", func(l place) []string {
		args := []string{"--conf=/dev/null", "--workers=1", "--accesslog-file=/dev/null", "--no-ocsp", "--backend=127.0.0.1,1", fmt.Sprintf("--frontend=%s,%d", l.at.Addr(), l.at.Port())}
		add := func(name, value string) {
			if value != "" {
				args = append(args, "--"+name+"="+value)
			}
		}
		if v := l.versions(); len(v) > 0 {
			add("tls-min-proto-version", "TLSv"+v[0])
			add("tls-max-proto-version", "TLSv"+v[len(v)-1])
		}
		add("ciphers", l.Ciphers)
		add("tls13-ciphers", l.Suites)
		add("ecdh-curves", l.Curves)
		add("npn-list", l.ALPN)
		if l.DH {
			add("dh-param-file", f.creds.dh)
		}
		if l.Ask != "" {
			args = append(args, "--verify-client", "--verify-client-cacert="+f.creds.ca)
		}
		return append(args, l.certs[0].key, l.certs[0].cert)
	})
}

// caddy takes JSON: an object a server.
func (f *Farm) caddy(places []place) {
	type object = map[string]any
	servers, files := object{}, []object{}
	for i, l := range places {
		tag := fmt.Sprint("s", i)
		policy := object{"certificate_selection": object{"any_tag": []string{l.certs[0].name}}}
		if v := l.versions(); len(v) > 0 {
			policy["protocol_min"], policy["protocol_max"] = "tls"+v[0], "tls"+v[len(v)-1]
		}
		for name, list := range map[string]string{"cipher_suites": l.Ciphers, "curves": l.Curves, "alpn": l.ALPN} {
			if list != "" {
				policy[name] = strings.Split(list, ",")
			}
		}
		if l.Ask != "" {
			policy["client_authentication"] = object{"mode": l.Ask, "trusted_ca_certs_pem_files": []string{f.creds.ca}}
		}
		if l.Strict {
			policy["match"] = object{"sni": []string{Host}}
		}
		servers[tag] = object{
			"listen": []string{l.at.String()}, "automatic_https": object{"disable": true}, "tls_connection_policies": []any{policy},
			"routes": []any{object{"handle": []object{{"handler": "static_response"}}}},
		}
	}
	for _, l := range places {
		c := l.certs[0]
		known := false
		for _, file := range files {
			known = known || file["certificate"] == c.cert
		}
		if !known { // caddy forgets the tags of a second
			files = append(files, object{"certificate": c.cert, "key": c.key, "tags": []string{c.name}})
		}
	}
	conf, err := json.MarshalIndent(object{
		"admin":   object{"disabled": true, "config": object{"persist": false}},
		"logging": object{"logs": object{"default": object{"level": "ERROR"}}},
		"apps":    object{"http": object{"servers": servers, "grace_period": "1s"}, "tls": object{"certificates": object{"load_files": files}}},
	}, "", " ")
	if err != nil {
		f.fail(err)
	}
	f.run(places, "caddy", "run", "--config", f.write("caddy.json", string(conf)))
}
