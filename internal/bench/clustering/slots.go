package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"

	"github.com/hostkin/hostkin/fingerprints"
)

// slot is one question that a host answers with at most one value.
type slot int

// The questions. No host answers all: a make asks some of them only.
const (
	hostKey slot = iota
	kexinit
	hassh
	banner
	software
	jarm
	helloC
	spki
	issuer
	shape
	subject
	domain
	management
	headerOrder
	server
	errorPage
	title
	body
	favicon
	synAck
	slots
)

// values are the answers of one host; "" is none.
type values [slots]string

// question says how a slot is written.
type question struct {
	kind   fingerprints.Kind
	port   uint16
	family string // as in cluster/data/kinds.yaml
	render func(word string) string
}

func questions() [slots]question {
	return [slots]question{
		hostKey:     {"ssh.host_key", 22, "identity", func(w string) string { return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum(w)) }},
		kexinit:     {"ssh.kexinit", 22, "ssh", hexOf(32)},
		hassh:       {"ssh.hassh_server", 22, "ssh", hexOf(32)},
		banner:      {"ssh.banner", 22, "ssh", func(w string) string { return "SSH-2.0-" + w }},
		software:    {"ssh.software", 22, "ssh", func(w string) string { return w }},
		jarm:        {"jarm", 443, "tls", hexOf(62)},
		helloC:      {"tls.server.c", 443, "tls", func(w string) string { return "0304:1301:29:" + hexOf(16)(w) }},
		spki:        {"cert.spki", 443, "identity", hexOf(64)},
		issuer:      {"cert.issuer", 443, "certificate", func(w string) string { return "CN=" + w }},
		shape:       {"cert.shape", 443, "certificate", func(w string) string { return "v3 key=rsa2048 self=no ext=" + w }},
		subject:     {"cert.subject", 443, "names", func(w string) string { return "CN=" + w }},
		domain:      {"cert.domain", 443, "names", func(w string) string { return w + ".example" }},
		management:  {"cert.spki", 8443, "identity", hexOf(64)},
		headerOrder: {"http.header_order", 443, "http", func(w string) string { return "hhh:1:" + hexOf(64)(w) }},
		server:      {"http.server", 443, "http", func(w string) string { return w }},
		errorPage:   {"http.error_page", 443, "http", func(w string) string { return "404 " + hexOf(16)(w) + " " + hexOf(16)("page"+w) }},
		title:       {"http.title", 443, "content", func(w string) string { return w }},
		body:        {"http.body_sha256", 443, "content", hexOf(64)},
		favicon:     {"http.favicon_mmh3", 443, "content", func(w string) string { return fmt.Sprint(int32(mix(w))) }},
		synAck:      {"tcp.syn_ack", 443, "tcp", func(w string) string { return "64:df:65160:1460:7:mss,sok,ts,nop,ws:" + w }},
	}
}

// services are the slots that a host without the service leaves empty.
func services() [3][]slot {
	return [3][]slot{
		{hostKey, kexinit, hassh, banner, software},
		{jarm, helloC, spki, issuer, shape, subject, domain, management},
		{headerOrder, server, errorPage, title, body, favicon},
	}
}

// sum stretches a word to 32 bytes. Only length and alphabet must look like the
// real thing, so nothing is a digest of a real key.
func sum(word string) []byte {
	s := sha256.Sum256([]byte(word))
	return s[:]
}

func hexOf(n int) func(string) string {
	return func(word string) string { return hex.EncodeToString(sum(word))[:n] }
}

// mix is FNV-1a, rotated so that its low half is good as well.
func mix(word string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(word) {
		h = (h ^ uint64(word[i])) * 0x100000001b3
	}
	return h ^ bits.RotateLeft64(h, 32)
}

// families lists the families of all slots, each once.
func families() []string {
	var out []string
	for _, q := range questions() {
		if !strings.Contains(strings.Join(out, " ")+" ", q.family+" ") {
			out = append(out, q.family)
		}
	}
	return out
}
