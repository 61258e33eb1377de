// Package ssh derives fingerprints from the cleartext start of SSH
// connections: what software it is, how it is configured, which keys it holds.
package ssh

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// The kinds, as in a fingerprint/1 line.
const (
	// HASSHServer is the md5 of the server's key exchange methods and its
	// server-to-client ciphers, MACs and compressions (salesforce/hassh).
	HASSHServer = "ssh.hassh_server"
	// HASSHNormal is HASSHServer without the names in the list of methods
	// that are signals and no methods: a security patch adds and removes them.
	HASSHNormal = "ssh.hassh_normal"
	// KEXINIT is a digest over all ten lists and first_kex_packet_follows.
	KEXINIT = "ssh.kexinit"
	// Banner is the software version and comments of the identification.
	Banner = "ssh.banner"
	// Software is the same without what a patch of the distribution changes.
	Software = "ssh.software"
	// Preamble is what is said before the identification, as a template.
	Preamble = "ssh.preamble"
	// HostKey is the SHA-256 of a host key's blob as ssh-keygen prints it.
	HostKey = "ssh.host_key"
	// Odd is how the server takes what is no identification, a value a question.
	Odd = "ssh.odd"
)

// Of derives the fingerprints of one answer, in the order of the kinds above.
// What was not seen has none.
func Of(s *record.SSH) []value.Pair {
	if s == nil {
		return nil
	}
	var out value.List
	if k := s.KEXINIT; k != nil {
		out.Add(HASSHServer, hassh(k, k.Kex))
		out.Add(HASSHNormal, hassh(k, methods(k.Kex)))
		out.Add(KEXINIT, digest(k))
	}
	out.Add(Banner, banner(s.Banner))
	out.Add(Software, software(s.Banner))
	out.Add(Preamble, preamble(s.Preamble, s.Banner))
	for _, k := range s.HostKeys {
		if k.Status != record.OK || len(k.Blob) == 0 {
			continue
		}
		if p := (value.Pair{Kind: HostKey, Value: keyFingerprint(k.Blob)}); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, o := range s.Odd {
		out.Add(Odd, oddText(o))
	}
	return out
}

// hassh is hasshServer of salesforce/hassh: lists joined by ',' and ';'.
func hassh(k *record.KEXINIT, kex []string) string {
	sum := md5.Sum([]byte(joined(kex, k.EncS2C, k.MacS2C, k.CompS2C)))
	return hex.EncodeToString(sum[:])
}

func joined(lists ...[]string) string {
	text := make([]string, len(lists))
	for i, l := range lists {
		text[i] = strings.Join(l, ",")
	}
	return strings.Join(text, ";")
}

// methods drops the signals: extension negotiation (RFC 8308), strict key
// exchange (OpenSSH PROTOCOL 1.9) and names sent at random to be ignored.
func methods(kex []string) []string {
	return slices.DeleteFunc(slices.Clone(kex), func(name string) bool {
		return strings.HasPrefix(name, "ext-info-") || strings.HasPrefix(name, "kex-strict-") ||
			strings.Contains(strings.ToLower(name), "grease")
	})
}

// digest is the first 128 bits of the SHA-256, in hex, over the ten lists in
// wire order joined like HASSH's, with ";1" after them if a guess follows.
func digest(k *record.KEXINIT) string {
	text := joined(k.Kex, k.HostKey, k.EncC2S, k.EncS2C, k.MacC2S, k.MacS2C, k.CompC2S, k.CompS2C, k.LangC2S, k.LangS2C)
	if k.FirstKexFollows {
		text += ";1"
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// keyFingerprint is "SHA256:" and unpadded base64, as in ssh-keygen -l: of the
// key in a certificate, else of the whole blob.
func keyFingerprint(blob []byte) string {
	if key, err := ssh.ParsePublicKey(blob); err == nil {
		if cert, ok := key.(*ssh.Certificate); ok {
			blob = cert.Key.Marshal()
		}
	}
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}
