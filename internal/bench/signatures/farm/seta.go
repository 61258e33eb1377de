package farm

// setA is what the signature was made with: 27 products.
func setA() map[string][]Config {
	web := []Config{ // for the servers on OpenSSL
		{},
		{Min: "1.2", Max: "1.2"},
		{Min: "1.3", Max: "1.3"},
		{Min: "1.2", Max: "1.3", Ciphers: mozilla, Prefer: "client", NoTickets: true},
		{Min: everything, Max: "1.3", Ciphers: mozillaOld, Prefer: "server"},
		{Min: "1.2", Max: "1.3", Ciphers: high, Prefer: "server", Cert: "ec256"},
		{Min: "1.2", Max: "1.3", Ask: "request"},
	}
	with := func(more ...Config) []Config { return append(web[:len(web):len(web)], more...) }
	return map[string][]Config{
		"nginx": with(
			Config{ALPN: "h2"},
			Config{ALPN: "h2", Min: "1.2", Max: "1.3", Ciphers: mozilla, Prefer: "client", NoTickets: true, DH: true, Curves: modern},
			Config{Strict: true},
			Config{Curves: "secp384r1", Ciphers: forward, DH: true, Prefer: "server"},
			Config{Cert: dualCert, NoTickets: true},
			Config{Ask: "require", Min: "1.2", Max: "1.3", Cert: "ec384"},
			Config{Min: everything, Max: "1.1", Ciphers: legacy},
			Config{Min: "1.2", Max: "1.3", Own: "ssl_early_data on; ssl_session_cache shared:e:1m;"},
			Config{Min: "1.2", Max: "1.3", Own: "ssl_buffer_size 1k;", Cert: "chain"},
		),
		"apache2": with(
			Config{ALPN: "h2,http/1.1"},
			Config{Strict: true, Min: "1.2", Max: "1.3"},
			Config{Ciphers: forward, Prefer: "server", Curves: "secp384r1"},
			Config{Cert: dualCert, ALPN: "h2,http/1.1"},
			Config{Ask: "require"},
			Config{Cert: "ec384", NoTickets: true},
			Config{Min: "1.2", Max: "1.2", Ciphers: rsaOnly},
			Config{Cert: "pss"},
		),
		"haproxy": with(
			Config{ALPN: webALPN, NoTickets: true},
			Config{ALPN: "http/1.1"},
			Config{Strict: true},
			Config{Ask: "require", Curves: "P-521:P-384"},
			Config{Cert: dualCert},
			Config{Ciphers: only256, Suites: "TLS_AES_256_GCM_SHA384", Min: "1.2", Max: "1.3"},
			Config{Suites: suites128},
			Config{Min: "1.2", Max: "1.3", Own: "allow-0rtt"},
		),
		"lighttpd": with(
			Config{Prefer: "client"},
			Config{NoTickets: true, Curves: modern},
			Config{Ask: "require"},
			Config{Ciphers: chacha, Suites: suitesCha},
		),
		"stunnel": with(
			Config{Ciphers: camellia, Max: "1.2", Min: "1.2"},
			Config{Curves: "P-256"},
			Config{Prefer: "server", NoTickets: true},
			Config{Cert: "ec521"},
			Config{Own: "options = NO_EXTENDED_MASTER_SECRET"},
		),
		"openssl": with(
			Config{Ciphers: all, Min: everything, Max: "1.3", Prefer: "server"},
			Config{Cert: "ed25519"},
			Config{Cert: "pss"},
			Config{Own: "-no_etm"},
			Config{Own: "-anti_replay -early_data -max_early_data 8192"},
			Config{Own: "-sigalgs RSA-PSS+SHA256:RSA+SHA256"},
			Config{ALPN: "http/1.1"},
			Config{Own: "-legacy_renegotiation -no_renegotiation"},
			Config{Own: "-max_send_frag 512"},
			Config{Min: "1.1", Max: "1.1", Ciphers: legacy},
		),
		"hitch":   {{}, {Min: "1.2", Max: "1.2", Ciphers: high}, {Min: "1.3", Max: "1.3", Prefer: "client"}, {Cert: "ec256", Prefer: "server", Ciphers: forward}},
		"h2o":     {{}, {Min: "1.2", Max: "1.2"}, {Ciphers: mozilla, Prefer: "server", DH: true}, {Cert: "ec256"}},
		"nghttpx": {{}, {Min: "1.2", Max: "1.2"}, {ALPN: "http/1.1"}, {Ask: "request", Curves: "P-384"}},
		"redis":   {{}, {Min: "1.2", Max: "1.2", Prefer: "server"}, {Ask: "require"}},
		"mosquitto": {
			{}, {Max: "1.2", Cert: "ec256"}, {Ask: "require"}, {Max: "1.3"},
		},
		"socat":   {{}, {Min: "1.2", Max: "1.2", DH: true}, {Ciphers: high, Cert: "ec384"}, {Ask: "require"}},
		"ncat":    {{}, {Ciphers: high}, {Cert: "ec256"}},
		"unbound": {{}, {Ciphers: mozilla, Cert: "ec256"}},
		"python": {
			{}, {Own: "bare"}, {Min: "1.2", Max: "1.2", Prefer: "server"}, {Min: everything, Max: "1.3", Ciphers: legacy},
			{Ask: "require", ALPN: "http/1.1"}, {Curves: "secp384r1", DH: true}, {Ciphers: high, NoTickets: true},
		},
		"node": {
			{}, {Own: "http2"}, {Own: "tls"}, {Own: "tls", Max: "1.2", Prefer: "client", Min: "1.2"}, {Ask: "request", Cert: "ec256"},
			{Min: everything, Max: "1.3", Ciphers: legacy}, {Curves: "P-521"},
		},
		"gnutls-serv": {
			{}, {Ciphers: "SECURE256"}, {Ciphers: "PFS:%SERVER_PRECEDENCE"}, {Ciphers: "NORMAL:-VERS-TLS1.3", Cert: "ec256"},
			{Ciphers: "NORMAL:-VERS-ALL:+VERS-TLS1.3"}, {Ciphers: "LEGACY:-VERS-TLS1.3:-VERS-TLS1.2"}, {Ask: "require"}, {Ask: "request", NoTickets: true},
			{Ciphers: "NORMAL:-GROUP-ALL:+GROUP-SECP384R1"}, {Ciphers: "NORMAL:+DHE-RSA:-ECDHE-RSA:-GROUP-X25519", DH: true},
			{Cert: "ed25519"}, {Cert: "pss"}, {ALPN: "http/1.1"}, {Ciphers: "NORMAL:%NO_ETM:%NO_TICKETS"}, {Ciphers: "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305:+AES-128-CCM"},
		},
		"ngircd": {{}, {Ciphers: "SECURE256"}},
		"go": {
			{}, {Own: "http/1.1"}, {Own: "tls"}, {Own: "tls", NoTickets: true}, {Min: "1.3", Cert: "ec256"}, {Max: "1.2"}, {Own: "tls", Min: "1.0"},
			{Own: "tls", Curves: "p384 p521"}, {Ask: "require"}, {Ask: "request", Cert: "ed25519"}, {Strict: true},
			{Own: "tls", Max: "1.2", Ciphers: "TLS_RSA_WITH_AES_128_CBC_SHA,TLS_RSA_WITH_AES_256_GCM_SHA384"},
		},
		"caddy": {
			{}, {Min: "1.3", Max: "1.3"}, {Min: "1.2", Max: "1.2", ALPN: "http/1.1"}, {Curves: "secp384r1,x25519"}, {Ask: "require"}, {Cert: "ec384"}, {Strict: true},
			{Ciphers: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
		},
		"java": {
			{}, {Min: "1.2", Max: "1.2"}, {Min: "1.3", Max: "1.3", Cert: "ec256"}, {Min: "1.0", Max: "1.3", ALPN: webALPN}, {Ask: "require"}, {Ask: "request"},
			{Prefer: "client"}, {Ciphers: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,TLS_RSA_WITH_AES_128_CBC_SHA256"},
		},
		"lighttpd-gnutls":  {{}, {Min: "1.2", Max: "1.2"}, {Cert: "ec256", NoTickets: true}, {Ask: "request"}},
		"lighttpd-mbedtls": {{}, {Cert: "ec256"}, {Ask: "request"}},
		"lighttpd-nss":     {{}, {Min: "1.2", Max: "1.2"}, {Cert: "ec256"}},
		"lighttpd-wolfssl": {{}, {Min: "1.2", Max: "1.2"}, {Cert: "ec256"}},
		"botan":            {{}, {Ciphers: "strict"}, {Cert: "ec256"}},
		"erlang": {
			{}, {Min: "1.2", Max: "1.2", Prefer: "server"}, {Min: "1.3", Max: "1.3"}, {Ask: "require", Cert: "ec256"}, {Min: "1.0", Max: "1.2", ALPN: "h2,http/1.1"},
		},
	}
}
