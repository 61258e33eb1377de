package town

import (
	"math/rand/v2"
	"strings"
)

// The recommendations that administrators copy (ssl-config.mozilla.org, guideline 5.7).
const mozillaCiphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" +
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:" +
	"DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"

// commonTLS are settings that unrelated administrators share.
func commonTLS(r *rand.Rand) tlsSettings {
	h2 := chance(r, .6)
	switch r.IntN(10) {
	case 0, 1:
		return tlsSettings{protocols: []string{"1.2", "1.3"}, ciphers: mozillaCiphers, noTickets: true, h2: h2}
	case 2:
		return tlsSettings{protocols: []string{"1.3"}, h2: h2}
	case 3:
		return tlsSettings{protocols: []string{"1.2", "1.3"}, h2: h2}
	case 4:
		return tlsSettings{protocols: []string{"1.2"}, ciphers: "HIGH:!aNULL:!MD5", prefer: true, h2: h2}
	case 5:
		return tlsSettings{protocols: []string{"1.2", "1.3"}, ciphers: "EECDH+AESGCM:EDH+AESGCM", curves: "secp384r1", prefer: true, noTickets: true, h2: h2}
	}
	return tlsSettings{h2: h2}
}

// oddTLS are settings that somebody made up.
func oddTLS(r *rand.Rand) tlsSettings {
	t := tlsSettings{h2: chance(r, .5), prefer: true, noTickets: chance(r, .3)}
	t.protocols = pick(r, []string{"1.2"}, []string{"1.2", "1.3"}, []string{"1.2", "1.3"}, []string{"1.0", "1.1", "1.2"}, []string{"1.0", "1.1", "1.2", "1.3"})
	pool := []string{
		"ECDHE+AES128-GCM-SHA256", "ECDHE+AES256-GCM-SHA384", "ECDHE+CHACHA20-POLY1305", "ECDHE+AES128-SHA256", "ECDHE+AES256-SHA384",
		"ECDHE+AES256-SHA", "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA", "AES256-SHA256", "CAMELLIA128-SHA", "ECDHE+CAMELLIA256-SHA384",
	}
	r.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	chosen := []string{"ECDHE+AES128-GCM-SHA256"} // so that every client finds one
	at := r.IntN(3)
	for i, c := range pool[:3+r.IntN(6)] {
		if i == at {
			chosen = append(chosen, "ECDHE+AES256-GCM-SHA384")
		}
		chosen = append(chosen, c)
	}
	if chance(r, .5) {
		chosen = chosen[1:]
	}
	var list []string
	seen := map[string]bool{}
	for _, c := range chosen {
		names := []string{c}
		if rest, ok := strings.CutPrefix(c, "ECDHE+"); ok {
			names = []string{"ECDHE-ECDSA-" + rest, "ECDHE-RSA-" + rest}
		}
		for _, n := range names {
			if !seen[n] {
				list = append(list, n)
			}
			seen[n] = true
		}
	}
	t.ciphers = strings.Join(list, ":")
	if t.protocols[0] == "1.0" {
		t.ciphers += ":AES256-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:@SECLEVEL=0"
	}
	t.curves = pick(r, "", "", "secp384r1", "prime256v1", "X25519:secp521r1", "secp521r1:secp384r1", "secp384r1:prime256v1")
	return t
}

// The hardening that guides recommend (sshaudit.com for OpenSSH 9.2, infosec.mozilla.org).
const (
	sshAuditGuide = `KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr
MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com
HostKeyAlgorithms ssh-ed25519,rsa-sha2-512,rsa-sha2-256
`
	sshMozillaGuide = `KexAlgorithms curve25519-sha256@libssh.org,ecdh-sha2-nistp521,ecdh-sha2-nistp384,ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha256
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-512,hmac-sha2-256,umac-128@openssh.com
`
)

// commonSSH are further lines of sshd_config that unrelated administrators share.
func commonSSH(r *rand.Rand) string {
	switch r.IntN(12) {
	case 0:
		return sshAuditGuide
	case 1:
		return sshMozillaGuide
	case 2:
		return "DebianBanner no\n"
	case 3:
		return "Compression no\n"
	}
	return ""
}

// oddSSH are lines that somebody made up.
func oddSSH(r *rand.Rand) string {
	some := func(keyword string, list ...string) string {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return keyword + " " + strings.Join(list[:2+r.IntN(len(list)-2)], ",") + "\n"
	}
	var conf strings.Builder
	if chance(r, .7) {
		conf.WriteString(some("Ciphers", "aes256-ctr", "aes128-ctr", "aes192-ctr", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-cbc"))
	}
	if chance(r, .6) {
		conf.WriteString(some("MACs", "hmac-sha2-512", "hmac-sha2-256", "hmac-sha1", "umac-64@openssh.com", "umac-128@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"))
	}
	if chance(r, .5) || conf.Len() == 0 {
		// An elliptic curve first, so that every client finds one.
		conf.WriteString(some("KexAlgorithms ecdh-sha2-nistp256,curve25519-sha256,", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha1", "curve25519-sha256@libssh.org"))
	}
	if chance(r, .35) {
		conf.WriteString("VersionAddendum " + pick(r, word(r, 2), strings.ToUpper(word(r, 1))+"-"+pick(r, "VPS", "NODE", "1", "2")) + "\n")
	}
	if chance(r, .3) {
		conf.WriteString("DebianBanner no\n")
	}
	return strings.ReplaceAll(conf.String(), ", ", ",")
}
