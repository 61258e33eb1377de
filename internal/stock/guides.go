package main

// The TLS settings that everybody copies: Mozilla's (ssl-config.mozilla.org,
// guidelines 5.6 and 5.7), what came before them, and certbot's.
const (
	intermediate56 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" +
		"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" +
		"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
	intermediate57 = intermediate56 + ":DHE-RSA-CHACHA20-POLY1305"
	old57          = intermediate57 + ":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:" +
		"ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:" +
		"ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:AES128-GCM-SHA256:AES256-GCM-SHA384:" +
		"AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:DES-CBC3-SHA:@SECLEVEL=0"
	cipherli = "EECDH+AESGCM:EDH+AESGCM"                         // cipherli.st, copied all over
	high     = "HIGH:!aNULL:!MD5"                                // nginx's own documentation
	curves57 = "X25519:prime256v1:secp384r1"                     // Mozilla since 5.7
	ocean    = "EECDH+AESGCM:EDH+AESGCM:AES256+EECDH:AES256+EDH" // how-tos of hosting companies
	ssllabs  = "ECDHE-RSA-AES256-GCM-SHA512:DHE-RSA-AES256-GCM-SHA512:ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-SHA384"
	ssllabs1 = "ECDHE-ECDSA-AES256-GCM-SHA384:" + ssllabs // the same where the certificate is ECDSA
	certbot  = intermediate56                             // options-ssl-nginx.conf and -apache.conf
	suites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
)

// guide is one recommendation for servers that are built on OpenSSL. Empty
// fields leave the product's default.
type guide struct {
	protocols []string // "1.0" ... "1.3"
	ciphers   string
	curves    string
	prefer    string // "on", "off" or ""
	noTickets bool
	dh        bool // the group ffdhe2048 for DHE
}

// guides are the recommendations; the first is none.
func guides() []guide {
	tls12, tls1213, tls13 := []string{"1.2"}, []string{"1.2", "1.3"}, []string{"1.3"}
	return []guide{
		{},
		{protocols: tls1213},
		{protocols: tls1213, prefer: "off"},
		{protocols: tls12},
		{protocols: tls1213, ciphers: intermediate56, prefer: "off", noTickets: true},
		{protocols: tls1213, ciphers: intermediate57, prefer: "off", noTickets: true, dh: true},
		{protocols: tls1213, ciphers: intermediate57, curves: curves57, prefer: "off", noTickets: true, dh: true},
		{protocols: tls1213, ciphers: intermediate57, prefer: "on"},
		{protocols: tls12, ciphers: intermediate57, prefer: "on"},
		{protocols: tls13},
		{protocols: tls13, prefer: "off", noTickets: true},
		{protocols: tls13, curves: curves57, prefer: "off"},
		{protocols: []string{"1.0", "1.1", "1.2", "1.3"}, ciphers: old57, prefer: "on", noTickets: true, dh: true},
		{protocols: []string{"1.0", "1.1", "1.2"}, ciphers: high},
		{protocols: tls12, ciphers: high, prefer: "on"},
		{protocols: tls1213, ciphers: high},
		{protocols: tls1213, ciphers: high, prefer: "on"},
		{protocols: tls1213, ciphers: cipherli, curves: "secp384r1", prefer: "on", noTickets: true},
		{protocols: tls12, ciphers: cipherli, curves: "secp384r1", prefer: "on", noTickets: true},
		{protocols: tls1213, ciphers: ocean, prefer: "on"},
		{protocols: tls1213, ciphers: ssllabs1, curves: "secp384r1", prefer: "on", noTickets: true},
	}
}

// The hardening of sshd that everybody copies: sshaudit.com for OpenSSH 9.2
// and infosec.mozilla.org.
const (
	sshAudit = `KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr
MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com
HostKeyAlgorithms ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com,sk-ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512,rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256,rsa-sha2-256-cert-v01@openssh.com
`
	sshMozilla = `KexAlgorithms curve25519-sha256@libssh.org,ecdh-sha2-nistp521,ecdh-sha2-nistp384,ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha256
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-512,hmac-sha2-256,umac-128@openssh.com
`
)
