package farm

import (
	"fmt"
	"strings"
)

// arguments is a command line that grows.
type arguments []string

func (a *arguments) add(words ...string) { *a = append(*a, words...) }

// when adds an option unless its value is empty.
func (a *arguments) when(option, value string) {
	if value != "" {
		*a = append(*a, option, value)
	}
}

func (f *Farm) openssl(places []place) {
	f.each(places, "openssl", func(l place) []string {
		a := arguments{"s_server", "-quiet", "-accept", l.at.String(), "-cert", l.certs[0].cert, "-key", l.certs[0].key}
		if len(l.certs) > 1 {
			a.add("-dcert", l.certs[1].cert, "-dkey", l.certs[1].key)
		}
		if l.certs[0].name == "chain" {
			a.add("-cert_chain", f.creds.ca)
		}
		if v := l.versions(); len(v) > 0 {
			a.add("-min_protocol", openSSL(v[:1], "", ""), "-max_protocol", openSSL(v[len(v)-1:], "", ""))
		}
		a.when("-cipher", l.Ciphers)
		a.when("-ciphersuites", l.Suites)
		a.when("-curves", l.Curves)
		a.when("-alpn", l.ALPN)
		if l.Prefer == "server" {
			a.add("-serverpref")
		}
		if l.NoTickets {
			a.add("-no_ticket")
		}
		if l.DH {
			a.add("-dhparam", f.creds.dh)
		}
		if l.Ask != "" {
			a.add(map[string]string{"request": "-verify", "require": "-Verify"}[l.Ask], "3", "-CAfile", f.creds.ca)
		}
		return append(a, strings.Fields(l.Own)...)
	})
}

func (f *Farm) gnutls(places []place) {
	f.each(places, "gnutls-serv", func(l place) []string {
		a := arguments{"--quiet", "--http", "-p", fmt.Sprint(l.at.Port())}
		for _, c := range l.certs {
			a.add("--x509certfile", c.cert, "--x509keyfile", c.key)
		}
		a.when("--priority", l.Ciphers)
		if l.ALPN != "" {
			for p := range strings.SplitSeq(l.ALPN, ",") {
				a.add("--alpn", p)
			}
		}
		if l.NoTickets {
			a.add("--noticket")
		}
		if l.DH {
			a.add("--dhparams", f.creds.dh)
		}
		switch l.Ask {
		case "require":
			a.add("--require-client-cert", "--x509cafile", f.creds.ca)
		case "request":
			a.add("--x509cafile", f.creds.ca)
		default:
			a.add("--disable-client-cert")
		}
		return append(a, strings.Fields(l.Own)...)
	})
}

func (f *Farm) botan(places []place) {
	f.each(places, "botan", func(l place) []string {
		a := arguments{"tls_server", l.certs[0].cert, l.certs[0].key, fmt.Sprintf("--port=%d", l.at.Port())}
		if l.Ciphers != "" {
			a.add("--policy=" + l.Ciphers)
		}
		return a
	})
}

func (f *Farm) socat(places []place) {
	f.each(places, "socat", func(l place) []string {
		o := fmt.Sprintf("OPENSSL-LISTEN:%d,bind=%s,fork,reuseaddr,cert=%s,key=%s", l.at.Port(), l.at.Addr(), l.certs[0].cert, l.certs[0].key)
		if v := l.versions(); len(v) > 0 {
			o += fmt.Sprintf(",openssl-min-proto-version=TLS%s,openssl-max-proto-version=TLS%s", v[0], v[len(v)-1])
		}
		if l.Ciphers != "" {
			o += ",cipher=" + l.Ciphers
		}
		if l.DH {
			o += ",dhparams=" + f.creds.dh
		}
		if l.Ask != "" {
			o += ",verify=1,cafile=" + f.creds.ca
		} else {
			o += ",verify=0"
		}
		return []string{o, "PIPE"}
	})
}

func (f *Farm) ncat(places []place) {
	f.each(places, "ncat", func(l place) []string {
		a := arguments{"--listen", "--keep-open", "--ssl", "--ssl-cert", l.certs[0].cert, "--ssl-key", l.certs[0].key}
		a.when("--ssl-ciphers", l.Ciphers)
		return append(a, l.at.Addr().String(), fmt.Sprint(l.at.Port()))
	})
}

func (f *Farm) redis(places []place) {
	f.each(places, "redis-server", func(l place) []string {
		a := arguments{"--port", "0", "--save", "", "--bind", l.at.Addr().String(), "--tls-port", fmt.Sprint(l.at.Port()), "--dir", f.dir,
			"--tls-cert-file", l.certs[0].cert, "--tls-key-file", l.certs[0].key, "--tls-ca-cert-file", f.creds.ca}
		a.add("--tls-auth-clients", map[string]string{"": "no", "request": "optional", "require": "yes"}[l.Ask])
		a.when("--tls-protocols", openSSL(l.versions(), "", " "))
		a.when("--tls-ciphers", l.Ciphers)
		a.when("--tls-ciphersuites", l.Suites)
		if l.Prefer == "server" {
			a.add("--tls-prefer-server-ciphers", "yes")
		}
		if l.DH {
			a.add("--tls-dh-params-file", f.creds.dh)
		}
		return a
	})
}

func (f *Farm) mosquitto(places []place) {
	var s settings
	s.add("allow_anonymous true\npersistence false\nlog_dest none\nper_listener_settings false")
	for _, l := range places {
		s.add("listener %d %s\ncertfile %s\nkeyfile %s", l.at.Port(), l.at.Addr(), l.certs[0].cert, l.certs[0].key)
		s.when("tls_version tlsv%s", l.Max)
		s.when("ciphers %s", l.Ciphers)
		s.when("ciphers_tls1.3 %s", l.Suites)
		if l.DH {
			s.add("dhparamfile %s", f.creds.dh)
		}
		if l.Ask != "" {
			s.add("cafile %s\nrequire_certificate true", f.creds.ca)
		}
	}
	f.run(places, "mosquitto", "-c", f.write("mosquitto.conf", s.String()))
}

// unbound speaks DNS over TLS.
func (f *Farm) unbound(places []place) {
	for i, l := range places {
		var s settings
		s.add("server:\nchroot: \"\"\nusername: \"\"\ndirectory: %q\npidfile: \"\"\nuse-syslog: no\ndo-daemonize: no\ninterface: %s@%d\ntls-port: %d", f.dir, l.at.Addr(), l.at.Port(), l.at.Port())
		s.add("access-control: 127.0.0.0/8 allow\nmodule-config: \"iterator\"\ntls-service-pem: %q\ntls-service-key: %q", l.certs[0].cert, l.certs[0].key)
		s.when("tls-ciphers: %q", l.Ciphers)
		s.when("tls-ciphersuites: %q", l.Suites)
		s.add("remote-control:\ncontrol-enable: no")
		f.run(places[i:i+1], "unbound", "-d", "-c", f.write(fmt.Sprintf("unbound-%d.conf", i), s.String()))
	}
}

func (f *Farm) ngircd(places []place) {
	for i, l := range places {
		var s settings
		s.add("[Global]\nName = irc.farm.test\nInfo = farm\nListen = %s\nPorts = 16667\nServerUID = 65534\nServerGID = 65534", l.at.Addr())
		s.add("[Options]\nDNS = no\nIdent = no\nPAM = no\n[SSL]\nCertFile = %s\nKeyFile = %s\nPorts = %d", l.certs[0].cert, l.certs[0].key, l.at.Port())
		s.when("CipherList = %s", l.Ciphers)
		if l.DH {
			s.add("DHFile = %s", f.creds.dh)
		}
		f.run(places[i:i+1], "ngircd", "-n", "-f", f.write(fmt.Sprintf("ngircd-%d.conf", i), s.String()))
	}
}
