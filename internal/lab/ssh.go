package lab

import (
	"errors"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// idle is how long a server waits for a client that says nothing.
const idle = 20 * time.Second

// sshSettings is a configuration of an SSH server: what its banner and its
// KEXINIT show.
type sshSettings struct {
	banner        string
	kex, enc, mac []string // empty: the library's own
}

// The SSH servers that the strangers of a town run: distributions' packages.
func sshStock() []sshSettings {
	ecdh := []string{ssh.KeyExchangeCurve25519, ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521}
	ctr := []string{ssh.CipherChaCha20Poly1305, ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR}
	gcm := append(ctr[:4:4], ssh.CipherAES128GCM, ssh.CipherAES256GCM)
	etm := []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256, ssh.HMACSHA512, ssh.HMACSHA1}
	debian := append(ecdh[:4:4], ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDH14SHA256)
	return []sshSettings{
		{"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", debian, gcm, etm},
		{"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.14", append([]string{ssh.KeyExchangeMLKEM768X25519}, debian...), gcm, etm},
		{"SSH-2.0-OpenSSH_8.0", append(ecdh[:4:4], ssh.KeyExchangeDH14SHA256), []string{ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305, ssh.CipherAES256CTR, ssh.CipherAES128GCM, ssh.CipherAES128CTR}, etm},
		{"SSH-2.0-OpenSSH_7.4", append(ecdh[:4:4], ssh.KeyExchangeDH14SHA256, ssh.InsecureKeyExchangeDH14SHA1), append(gcm[:6:6], ssh.InsecureCipherAES128CBC), etm},
		{"SSH-2.0-dropbear_2022.83", append(ecdh[:4:4], ssh.KeyExchangeDH14SHA256), []string{ssh.CipherChaCha20Poly1305, ssh.CipherAES128CTR, ssh.CipherAES256CTR}, []string{ssh.HMACSHA1, ssh.HMACSHA256}},
		{"SSH-2.0-Go", nil, nil, nil},
	}
}

// serveSSH speaks SSH with nobody's password.
func serveSSH(settings sshSettings, keys []ssh.Signer) func(net.Conn) {
	config := &ssh.ServerConfig{
		Config:        ssh.Config{KeyExchanges: settings.kex, Ciphers: settings.enc, MACs: settings.mac},
		ServerVersion: settings.banner,
		PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
			return nil, errors.New("no such user")
		},
	}
	for _, key := range keys {
		config.AddHostKey(key)
	}
	return func(c net.Conn) {
		if c.SetDeadline(time.Now().Add(idle)) != nil {
			return
		}
		conn, _, _, err := ssh.NewServerConn(c, config)
		if err == nil { // nobody gets in
			conn.Close()
		}
	}
}
