package sshprobe

import (
	"crypto/ecdh"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/scanner/record"
)

const (
	software       = "SSH-2.0-hostkin_1.0"
	identification = software + "\r\n"
	// MaxContact is the longest contact that an identification has room for: RFC
	// 4253 section 4.2 allows 255 characters with CR and LF.
	MaxContact = 255 - len(software) - len(" ") - len("\r\n")
)

// identify is our identification (RFC 4253 section 4.2), with a contact as its
// comment. One that does not fit, or could end the line, is left out: half an
// address helps nobody.
func identify(contact string) string {
	unfit := func(c rune) bool { return c <= ' ' || c > '~' }
	if contact == "" || len(contact) > MaxContact || strings.ContainsFunc(contact, unfit) {
		return identification
	}
	return software + " " + contact + "\r\n"
}

// kexMethods are the key exchange methods that we can start, the cheapest for
// the server first. The post-quantum hybrids come last: their keys are large.
func kexMethods() []string {
	return []string{
		"curve25519-sha256", "curve25519-sha256@libssh.org",
		"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
		"diffie-hellman-group14-sha256", "diffie-hellman-group14-sha1", "diffie-hellman-group16-sha512",
		"diffie-hellman-group15-sha512", "diffie-hellman-group17-sha512", "diffie-hellman-group18-sha512",
		"diffie-hellman-group-exchange-sha256", "diffie-hellman-group-exchange-sha1", "diffie-hellman-group1-sha1",
		"sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com", "mlkem768x25519-sha256",
	}
}

// isGex tells a method in which the server chooses the group (RFC 4419).
func isGex(method string) bool { return strings.HasPrefix(method, "diffie-hellman-group-exchange-") }

// kexStart is the first packet of a method. Every public value is a fixed one
// that passes the server's checks, since its secret is never needed: the host
// key comes in the clear in the server's answer.
func kexStart(method string) []byte {
	payload := []byte{msgKexdhInit}
	switch {
	case isGex(method):
		payload[0] = msgGexRequest
		for _, bits := range []uint32{1024, 2048, 8192} { // min, preferred, max
			payload = binary.BigEndian.AppendUint32(payload, bits)
		}
	case strings.HasPrefix(method, "diffie-hellman-"):
		payload = appendMpint(payload, dhPublic())
	case strings.HasPrefix(method, "ecdh-sha2-"):
		payload = appendString(payload, ecdhPublic(strings.TrimPrefix(method, "ecdh-sha2-")))
	case strings.HasPrefix(method, "sntrup761x25519-"): // 1158 bytes of sntrup761 public key
		payload = appendString(payload, append(make([]byte, 1158), x25519Public()...))
	case strings.HasPrefix(method, "mlkem768x25519-"): // 1184 bytes of encapsulation key; zero coefficients pass FIPS 203's check
		payload = appendString(payload, append(make([]byte, 1184), x25519Public()...))
	default:
		payload = appendString(payload, x25519Public())
	}
	return frame(payload)
}

// x25519Public is the base point, u = 9 (RFC 7748 section 4.1).
func x25519Public() []byte { return append([]byte{9}, make([]byte, 31)...) }

// ecdhPublic is the generator of a NIST curve, uncompressed: the public key of
// the private key 1.
func ecdhPublic(curve string) []byte {
	c, size := ecdh.P256(), 32
	switch curve {
	case "nistp384":
		c, size = ecdh.P384(), 48
	case "nistp521":
		c, size = ecdh.P521(), 66
	}
	one := make([]byte, size)
	one[size-1] = 1
	key, err := c.NewPrivateKey(one)
	if err != nil {
		return nil // 1 is a private key of every curve
	}
	return key.PublicKey().Bytes()
}

// dhPublic is a square of 955 bits. Squares lie in the large subgroup of every
// safe prime, which OpenSSL checks, and it is below every modulus in use.
func dhPublic() *big.Int {
	x := new(big.Int).SetBytes([]byte(strings.Repeat("\x2d\x9b\x53\xc7", 15)))
	return x.Mul(x, x)
}

// appendMpint appends a positive mpint (RFC 4251 section 5).
func appendMpint(b []byte, v *big.Int) []byte {
	bytes := v.Bytes()
	if len(bytes) > 0 && bytes[0] >= 0x80 {
		bytes = append([]byte{0}, bytes...)
	}
	return appendString(b, bytes)
}

// hostKeyAlgorithms in the order in which we ask. A small key and a cheap
// signature come first, so that every host that has one shows the same type.
func hostKeyAlgorithms() []string {
	return []string{
		"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
		"rsa-sha2-256", "rsa-sha2-512", "ssh-rsa", "ssh-ed448", "ssh-dss",
	}
}

// keyType is the key that a host key algorithm stands for: RSA has one key
// and several signature algorithms (RFC 8332), and so have its certificates.
func keyType(algorithm string) string {
	plain := strings.TrimSuffix(algorithm, certificate)
	if plain == "rsa-sha2-256" || plain == "rsa-sha2-512" {
		return "ssh-rsa" + algorithm[len(plain):]
	}
	return algorithm
}

// certificate ends the names of OpenSSH's host certificates.
const certificate = "-cert-v01@openssh.com"

// maxKeyTypes bounds the connections that a list of invented types can cost.
const maxKeyTypes = 6

// toAsk chooses one algorithm for each key type that a server offers, in our
// order, then the unknown ones in its own. A certificate holds the same key as
// its plain type: it is asked for only where the plain type is not offered.
// "null" is no key (RFC 4462 section 5).
func toAsk(offered []string) []string {
	var out []string
	types := map[string]bool{"null": true, "": true}
	add := func(a string) {
		if t := keyType(a); !types[t] && len(out) < maxKeyTypes {
			types[t] = true
			out = append(out, a)
		}
	}
	for _, a := range hostKeyAlgorithms() {
		if slices.Contains(offered, a) {
			add(a)
		}
	}
	for _, a := range offered {
		if !strings.Contains(a, "-cert-v0") {
			add(a)
		}
	}
	for _, a := range offered {
		if plain, isCert := strings.CutSuffix(keyType(a), certificate); isCert && !types[plain] {
			add(a)
		}
	}
	return out
}

// generalOffer is our KEXINIT to a server that we know nothing of: whatever
// may have been in use, since nothing is ever encrypted with it.
func generalOffer() record.KEXINIT {
	ciphers := []string{
		"aes128-ctr", "aes192-ctr", "aes256-ctr", "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com",
		"aes256-gcm@openssh.com", "aes128-cbc", "aes192-cbc", "aes256-cbc", "rijndael-cbc@lysator.liu.se", "3des-ctr",
		"3des-cbc", "blowfish-ctr", "blowfish-cbc", "twofish256-ctr", "twofish256-cbc", "twofish128-cbc", "cast128-ctr",
		"cast128-cbc", "arcfour256", "arcfour128", "arcfour", "none",
	}
	macs := []string{
		"hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com",
		"umac-128@openssh.com", "umac-128-etm@openssh.com", "umac-64@openssh.com", "umac-64-etm@openssh.com",
		"hmac-sha1", "hmac-sha1-etm@openssh.com", "hmac-sha1-96", "hmac-md5", "hmac-md5-96", "hmac-ripemd160", "none",
	}
	compression := []string{"none", "zlib@openssh.com", "zlib"}
	return record.KEXINIT{
		Kex: kexMethods(), HostKey: append(hostKeyAlgorithms(), "ssh-ed25519"+certificate,
			"ecdsa-sha2-nistp256"+certificate, "rsa-sha2-256"+certificate, "rsa-sha2-512"+certificate),
		EncC2S: ciphers, EncS2C: ciphers, MacC2S: macs, MacS2C: macs, CompC2S: compression, CompS2C: compression,
	}
}

// exactOffer is our KEXINIT to a server whose lists are known: nothing is left
// to negotiate. ok is false if there is no method that we can start.
func exactOffer(server *record.KEXINIT, algorithm string) (offer record.KEXINIT, ok bool) {
	method := common(kexMethods(), server.Kex)
	if method == "" {
		return offer, false
	}
	first := func(list []string) []string { return list[:min(1, len(list))] }
	return record.KEXINIT{
		Kex: []string{method}, HostKey: []string{algorithm},
		EncC2S: first(server.EncC2S), EncS2C: first(server.EncS2C), MacC2S: first(server.MacC2S), MacS2C: first(server.MacS2C),
		CompC2S: first(server.CompC2S), CompS2C: first(server.CompS2C),
	}, true
}

// common is the client's first name that the server has too (RFC 4253 section 7.1), or "".
func common(client, server []string) string {
	for _, name := range client {
		if slices.Contains(server, name) {
			return name
		}
	}
	return ""
}
