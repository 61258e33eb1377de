package report

import (
	"strings"

	"github.com/hostkin/hostkin/fingerprints"
)

// Words is what a kind of fingerprint is called in a sentence. A kind that it
// does not know is called by its own name.
func Words(k fingerprints.Kind) string {
	switch k {
	case "jarm":
		return "JARM"
	case "tls.server":
		return "TLS server signature"
	case "tls.server.c", "tls.server.a", "tls.server.d", "tls.server.e", "tls.server.b":
		return "TLS answer " + strings.ToUpper(string(k[len(k)-1:]))
	case "tls.server.odd":
		return "answer to an early ChangeCipherSpec"
	case "cert.sha256":
		return "certificate"
	case "cert.spki":
		return "certificate key"
	case "cert.serial_issuer":
		return "certificate serial and issuer"
	case "cert.issuer":
		return "certificate issuer"
	case "cert.subject":
		return "certificate subject pattern"
	case "cert.names":
		return "certificate names"
	case "cert.organization":
		return "certificate organisation"
	case "cert.domain":
		return "certificate domain"
	case "cert.shape":
		return "certificate shape"
	case "ssh.hassh_server":
		return "HASSH"
	case "ssh.hassh_normal":
		return "normalised HASSH"
	case "ssh.kexinit":
		return "SSH algorithm lists"
	case "ssh.banner":
		return "SSH banner"
	case "ssh.host_key":
		return "SSH host key"
	}
	return moreWords(k)
}

func moreWords(k fingerprints.Kind) string {
	switch k {
	case "http.header_order":
		return "HTTP header order"
	case "http.server":
		return "Server header"
	case "http.title_pattern":
		return "page title pattern"
	case "http.title":
		return "page title"
	case "http.favicon_mmh3", "http.favicon_sha256":
		return "favicon"
	case "http.body_sha256":
		return "page body"
	case "http.redirect":
		return "redirect"
	case "http.error_page":
		return "error page"
	case "http.cookie_names":
		return "cookie names"
	case "http.h2_settings":
		return "HTTP/2 settings"
	case "tcp.syn_ack":
		return "TCP SYN-ACK"
	case "tcp.info":
		return "TCP options"
	}
	return Safe(string(k))
}
