package farm

// setB has other versions, suites, curves, names of protocols and combinations
// of them than set a.
func setB() map[string][]Config {
	const (
		sha1     = "ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA:AES256-SHA:@SECLEVEL=0"
		ccm      = "ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES256-CCM8:AES256-CCM:AES128-CCM8"
		aria     = "ECDHE-ARIA256-GCM-SHA384:ARIA128-GCM-SHA256:ECDHE-ECDSA-ARIA128-GCM-SHA256"
		onlyDHE  = "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES256-SHA256"
		noGCM    = "DEFAULT:!AESGCM:!CHACHA20"
		strength = "HIGH:!kRSA:!SHA1:@STRENGTH"
	)
	return map[string][]Config{
		"nginx": {
			{Min: "1.1", Max: "1.2", Ciphers: sha1, Prefer: "server"},
			{Min: "1.3", Max: "1.3", Suites: suitesCha, ALPN: "h2", NoTickets: true},
			{Min: "1.2", Max: "1.3", Ciphers: onlyDHE, DH: true, Cert: "rsa3072"},
			{Min: "1.2", Max: "1.3", Curves: "secp521r1:X448", Cert: "ec521"},
			{Strict: true, ALPN: "h2", Min: "1.3", Max: "1.3"},
			{Ask: "request", Cert: dualCert, Ciphers: strength, Prefer: "server", Min: "1.2", Max: "1.3"},
			{Min: "1.2", Max: "1.2", Ciphers: noGCM, Own: "ssl_conf_command Options -EncryptThenMac;"},
			{Curves: "X25519:secp521r1", Ciphers: strength},
			{Curves: "X25519:secp384r1", Ciphers: strength},
			{Curves: modern, NoTickets: true},
		},
		"apache2": {
			{Min: "1.2", Max: "1.3", Ciphers: strength, Prefer: "server", NoTickets: true, ALPN: "http/1.1"},
			{Min: everything, Max: "1.0", Ciphers: legacy},
			{Min: "1.3", Max: "1.3", ALPN: "h2", Ask: "request", Cert: "ec384"},
			{Curves: "X448:X25519", Ciphers: noGCM, Min: "1.2", Max: "1.3"},
			{Cert: "chain", Ciphers: onlyDHE, DH: true, Min: "1.2", Max: "1.2"},
			{Own: "SSLOpenSSLConfCmd SignatureAlgorithms RSA+SHA384:RSA-PSS+SHA512", Min: "1.2", Max: "1.3"},
		},
		"haproxy": {
			{Min: "1.1", Max: "1.3", Ciphers: sha1, Prefer: "client"},
			{Min: "1.2", Max: "1.2", Ciphers: ccm, Cert: "ec256"},
			{Min: "1.2", Max: "1.3", ALPN: "h2", Curves: "X25519", NoTickets: true, Suites: "TLS_CHACHA20_POLY1305_SHA256"},
			{Ask: "request", ALPN: "http/1.1,http/1.0", Cert: "chain"},
			{Strict: true, Min: "1.3", Max: "1.3"},
			{Cert: "ed25519", Min: "1.2", Max: "1.3"},
			{Curves: "P-384:X25519", Min: "1.2", Max: "1.2"},
			{Curves: "P-384:P-256", Min: "1.2", Max: "1.2"},
		},
		"lighttpd": {
			{Min: "1.3", Max: "1.3", Suites: "TLS_AES_128_GCM_SHA256"},
			{Min: everything, Max: "1.2", Ciphers: sha1},
			{Cert: "ec384", Curves: "P-384", NoTickets: true},
			{Ciphers: aria, Min: "1.2", Max: "1.2", Ask: "request"},
		},
		"stunnel": {
			{Min: "1.1", Max: "1.3", Ciphers: legacy, Prefer: "server"},
			{Ciphers: ccm, Min: "1.2", Max: "1.2"},
			{Curves: "X448:P-256", NoTickets: true, Cert: "ec256"},
			{Ask: "request", Suites: suites128},
		},
		"openssl": {
			{Ciphers: aria, Min: "1.2", Max: "1.2"},
			{Ciphers: ccm, Suites: "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256", Cert: dualCert},
			{Curves: "ffdhe2048:P-256"},
			{Own: "-groups brainpoolP256r1:P-384", Cert: "ec384"},
			{Ask: "require", Own: "-client_sigalgs ECDSA+SHA256", Min: "1.2", Max: "1.3"},
			{Own: "-num_tickets 0 -bugs", NoTickets: true},
			{ALPN: "h2,http/1.0", Prefer: "server", Ciphers: noGCM},
			{Own: "-no_comp -no_cache -prioritize_chacha -serverpref"},
			{Cert: "pss", Min: "1.2", Max: "1.2"},
		},
		"hitch":     {{Min: "1.2", Max: "1.3", Ciphers: strength, Prefer: "server"}, {Ciphers: noGCM, Cert: "ec384"}},
		"h2o":       {{Min: everything, Max: "1.2", Ciphers: legacy, Prefer: "client"}, {Cert: "ec384", Ciphers: strength}},
		"nghttpx":   {{ALPN: "h2", Ciphers: onlyDHE, DH: true, Min: "1.2", Max: "1.3"}, {Min: "1.3", Max: "1.3", Suites: suitesCha}},
		"redis":     {{Min: "1.3", Max: "1.3", Suites: suites128}, {Ciphers: noGCM, DH: true}},
		"mosquitto": {{Ciphers: onlyDHE, DH: true}, {Suites: suitesCha, Cert: "ec384"}},
		"socat":     {{Min: "1.1", Max: "1.2", Ciphers: legacy}, {Min: "1.3", Max: "1.3", Cert: "ec256"}},
		"ncat":      {{Ciphers: noGCM}},
		"unbound":   {{Suites: suitesCha, Ciphers: strength}},
		"python": {
			{Min: "1.1", Max: "1.2", Ciphers: sha1}, {Min: "1.3", Max: "1.3", Cert: "ec521"}, {Ask: "request", Own: "bare", Ciphers: noGCM},
			{ALPN: "h2", Curves: "secp521r1", Prefer: "client"},
		},
		"node": {
			{Min: "1.3", Max: "1.3", Own: "http2"}, {Ciphers: onlyDHE, DH: true, Prefer: "server"}, {Ask: "require", Own: "tls", Cert: "ed25519"},
			{Curves: "P-256:X25519", ALPN: "foo", Own: "tls", NoTickets: true},
		},
		"gnutls-serv": {
			{Ciphers: "SUITEB128", Cert: "ec256"}, {Ciphers: "NORMAL:-KX-ALL:+RSA:-VERS-TLS1.3"}, {Ciphers: "NORMAL:-GROUP-ALL:+GROUP-FFDHE3072:+GROUP-SECP521R1"},
			{Ciphers: "SECURE192:%SERVER_PRECEDENCE", Cert: "ec384"}, {Ciphers: "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.1", NoTickets: true},
			{Ciphers: "NORMAL:-CIPHER-ALL:+CAMELLIA-128-GCM:+AES-256-CBC:-VERS-TLS1.3"}, {Ask: "request", ALPN: "h2"}, {Ciphers: "NORMAL:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-RSA-SHA512"},
		},
		"ngircd": {{Ciphers: "NORMAL:-VERS-TLS1.3", Cert: "ec256"}},
		"go": {
			{Min: "1.1", Max: "1.2"}, {Own: "tls", ALPN: "smtp"}, {Curves: "p521", Cert: "ec521"}, {Ask: "request", Max: "1.2"}, {Strict: true, Min: "1.3"},
			{Own: "tls", Ciphers: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"}, {Cert: dualCert, NoTickets: true},
		},
		"caddy": {
			{Curves: "secp256r1", Min: "1.2", Max: "1.3"}, {ALPN: "h2", Cert: "ed25519"}, {Ask: "request", Min: "1.3", Max: "1.3"},
			{Ciphers: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Cert: "ec256", Min: "1.2", Max: "1.2"},
		},
		"java": {
			{Min: "1.1", Max: "1.2", Prefer: "client"}, {Cert: "ec384", ALPN: "http/1.1"}, {Min: "1.3", Max: "1.3", Ciphers: "TLS_CHACHA20_POLY1305_SHA256"},
			{Ciphers: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,TLS_RSA_WITH_AES_256_GCM_SHA384", Ask: "require"},
		},
		"lighttpd-gnutls":  {{Min: "1.3", Max: "1.3"}, {Cert: "ec384", Ask: "require"}},
		"lighttpd-mbedtls": {{Min: "1.1", Max: "1.2"}, {Cert: "ec384", NoTickets: true}},
		"lighttpd-nss":     {{Min: "1.3", Max: "1.3"}, {Cert: "ec384"}},
		"lighttpd-wolfssl": {{Min: "1.3", Max: "1.3"}, {Cert: "ec384"}},
		"botan":            {{Ciphers: "bsi"}, {Cert: "ec384", Ciphers: "suiteb_192"}},
		"erlang":           {{Min: "1.1", Max: "1.2", Cert: "ec384"}, {Ask: "request", ALPN: "http/1.1", Min: "1.2", Max: "1.3"}},
	}
}
