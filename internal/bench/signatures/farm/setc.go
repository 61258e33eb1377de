package farm

// setC was written when the hellos were chosen, and checks that choice.
func setC() map[string][]Config {
	const (
		guide2015 = "EECDH+CHACHA20:EECDH+AES128:RSA+AES128:EECDH+AES256:RSA+AES256:EECDH+3DES:RSA+3DES:!MD5"
		guide2018 = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384"
		aes256    = "AES256+EECDH:AES256+EDH:!aNULL"
		panel     = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE+AESGCM:DHE+AESGCM:!SHA1"
		noDHE     = "HIGH:!aNULL:!MD5:!DHE"
		noRSAKey  = "HIGH:!aNULL:!kRSA"
		cbc       = "ECDHE+AES:!AESGCM:!AESCCM"
	)
	openssl := []Config{
		{Min: "1.2", Max: "1.3", Ciphers: guide2015, Prefer: "server"},
		{Min: "1.2", Max: "1.2", Ciphers: guide2018, Prefer: "server", Curves: "secp384r1"},
		{Min: "1.2", Max: "1.3", Ciphers: panel, Prefer: "client", Cert: "ec256"},
		{Min: "1.2", Max: "1.3", Ciphers: aes256, Prefer: "server", NoTickets: true},
	}
	with := func(more ...Config) []Config { return append(openssl[:len(openssl):len(openssl)], more...) }
	return map[string][]Config{
		"nginx": with(
			Config{Ciphers: noDHE, Min: "1.2", Max: "1.3", ALPN: "h2"},
			Config{Ciphers: noRSAKey, Min: "1.2", Max: "1.3", ALPN: "h2", DH: true},
			Config{Min: "1.1", Max: "1.3", Ciphers: legacy, Prefer: "server"},
			Config{Strict: true, Ciphers: panel, Min: "1.2", Max: "1.3", Cert: "ec256"},
		),
		"apache2":   with(Config{Ciphers: noDHE}, Config{Ciphers: noRSAKey, ALPN: "h2,http/1.1"}, Config{Ciphers: cbc, Min: "1.2", Max: "1.2"}, Config{Min: "1.1", Max: "1.3", Ciphers: legacy}),
		"haproxy":   with(Config{Ciphers: noDHE, ALPN: webALPN}, Config{Ciphers: noRSAKey}, Config{Strict: true, Cert: "ec384"}, Config{Suites: "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"}),
		"lighttpd":  with(Config{Ciphers: noDHE}, Config{Cert: "ec521"}),
		"stunnel":   with(Config{Ciphers: noDHE}, Config{Ciphers: cbc}),
		"openssl":   with(Config{Ciphers: noDHE}, Config{Ciphers: cbc, Cert: "chain"}, Config{Ask: "request", Cert: "ec384"}, Config{Min: "1.1", Max: "1.3", Ciphers: legacy}),
		"hitch":     {{Ciphers: guide2015, Prefer: "server"}, {Ciphers: noRSAKey, Prefer: "client"}, {Ask: "request"}},
		"h2o":       {{Ciphers: guide2015, Prefer: "server"}, {Ciphers: cbc, Min: "1.2", Max: "1.2"}},
		"nghttpx":   {{Ciphers: guide2015}, {ALPN: "h2,http/1.1", Curves: "P-256:P-384"}},
		"redis":     {{Ciphers: panel, Prefer: "server"}, {Ask: "request", Min: "1.2", Max: "1.3"}},
		"mosquitto": {{Ciphers: noRSAKey}, {Max: "1.2", Ciphers: cbc}},
		"socat":     {{Ciphers: noDHE}, {Cert: "ec521"}},
		"ncat":      {{Ciphers: noRSAKey}},
		"unbound":   {{Ciphers: panel}, {Cert: "ec384"}},
		"python":    {{Ciphers: noRSAKey}, {Ciphers: guide2018, ALPN: "http/1.1,h2"}, {Min: "1.1", Max: "1.3", Ciphers: legacy, Own: "bare"}},
		"node":      {{Ciphers: panel, Prefer: "server"}, {Own: "http2", Cert: "ec384"}, {Max: "1.2", Ciphers: noDHE}},
		"gnutls-serv": {
			{Ciphers: "NORMAL:-KX-ALL:+ECDHE-RSA:-VERS-TLS1.3"}, {Ciphers: "NORMAL:-CIPHER-ALL:+AES-256-GCM:%SERVER_PRECEDENCE"}, {Ciphers: "NORMAL:-GROUP-X25519:-GROUP-X448"},
			{Ciphers: "PERFORMANCE"}, {Ciphers: "SECURE128:-VERS-ALL:+VERS-TLS1.2"}, {Ciphers: "NORMAL:-MAC-ALL:+AEAD", Cert: "ec384"},
		},
		"ngircd": {{Ciphers: "SECURE128:-VERS-TLS1.3"}},
		"go": {
			{Min: "1.2", Max: "1.2", Own: "tls", Curves: "p256"}, {Own: "tls", Min: "1.1", Cert: "ec256"}, {Own: "tls", Cert: "ed25519"}, {Curves: "x25519 p256"},
			{Own: "tls", ALPN: "xmpp-server"}, {Own: "http/1.1", Ask: "require", Cert: "ec256"},
		},
		"caddy":            {{Curves: "x25519,secp256r1"}, {Min: "1.2", Max: "1.3", ALPN: "http/1.1", Cert: "ec256"}, {Strict: true, Min: "1.3", Max: "1.3"}},
		"java":             {{Min: "1.1", Max: "1.3"}, {Ciphers: "TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}, {Cert: "ec256", Ask: "request", ALPN: "h2"}},
		"lighttpd-gnutls":  {{Ciphers: "HIGH"}, {Cert: "ec521"}},
		"lighttpd-mbedtls": {{Cert: "rsa3072"}, {Min: "1.2", Max: "1.2", Cert: "ec384"}},
		"lighttpd-nss":     {{Cert: "rsa3072", NoTickets: true}},
		"lighttpd-wolfssl": {{NoTickets: true}},
		"botan":            {{Ciphers: "bsi", Cert: "ec256"}},
		"erlang":           {{Cert: "ec384"}, {Min: "1.2", Max: "1.2", ALPN: "http/1.1"}},
	}
}
