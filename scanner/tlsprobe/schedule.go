package tlsprobe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

var errDecrypt = errors.New("tlsprobe: record does not decrypt")

// suite is a TLS 1.3 cipher suite (RFC 8446 appendix B.4).
type suite struct {
	hash func() hash.Hash
	size int // of the hash, bytes
	key  int // bytes
	aead func(key []byte) (cipher.AEAD, error)
}

func suite13(id uint16) (suite, bool) {
	switch id {
	case 0x1301:
		return suite{sha256.New, 32, 16, gcm}, true
	case 0x1302:
		return suite{sha512.New384, 48, 32, gcm}, true
	case 0x1303:
		return suite{sha256.New, 32, 32, chacha20poly1305.New}, true
	}
	return suite{}, false
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// expandLabel is HKDF-Expand-Label of RFC 8446 section 7.1. Its only error is
// an output longer than 255 hashes, which no caller asks for.
func (s suite) expandLabel(secret []byte, label string, context []byte, n int) []byte {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(len("tls13 ")+len(label)))
	info = append(info, "tls13 "+label...)
	info = append(info, byte(len(context)))
	info = append(info, context...)
	out, _ := hkdf.Expand(s.hash, secret, string(info), n)
	return out
}

func (s suite) extract(salt, secret []byte) []byte {
	out, _ := hkdf.Extract(s.hash, secret, salt)
	return out
}

// derive is Derive-Secret with the hash of the transcript already made.
func (s suite) derive(secret []byte, label string, transcript []byte) []byte {
	return s.expandLabel(secret, label, transcript, s.size)
}

// handshakeSecret is the one after the (EC)DHE input in the schedule, without a PSK.
func (s suite) handshakeSecret(shared []byte) []byte {
	early := s.extract(nil, make([]byte, s.size))
	return s.extract(s.derive(early, "derived", s.hash().Sum(nil)), shared)
}

func (s suite) masterSecret(handshake []byte) []byte {
	return s.extract(s.derive(handshake, "derived", s.hash().Sum(nil)), make([]byte, s.size))
}

// finished is the verify_data of RFC 8446 section 4.4.4.
func (s suite) finished(traffic, transcript []byte) []byte {
	mac := hmac.New(s.hash, s.expandLabel(traffic, "finished", nil, s.size))
	mac.Write(transcript)
	return mac.Sum(nil)
}

// protection encrypts or decrypts the records of one direction under one
// traffic secret (RFC 8446 section 5.2).
type protection struct {
	aead cipher.AEAD
	iv   []byte
	seq  uint64
}

func (s suite) protection(traffic []byte) (*protection, error) {
	aead, err := s.aead(s.expandLabel(traffic, "key", nil, s.key))
	if err != nil {
		return nil, err
	}
	return &protection{aead: aead, iv: s.expandLabel(traffic, "iv", nil, aead.NonceSize())}, nil
}

func (p *protection) nonce() []byte {
	n := append([]byte(nil), p.iv...)
	for i := range 8 {
		n[len(n)-1-i] ^= byte(p.seq >> (8 * i))
	}
	p.seq++
	return n
}

// open appends the content of a record to to and returns it with its type.
func (p *protection) open(to []byte, r wire.Record) ([]byte, uint8, error) {
	out, err := p.aead.Open(to, p.nonce(), r.Body, r.Header[:])
	if err != nil {
		return to, 0, errDecrypt
	}
	end := len(out) - 1
	for end >= len(to) && out[end] == 0 { // padding
		end--
	}
	if end < len(to) {
		return to, 0, errDecrypt
	}
	return out[:end], out[end], nil
}

// seal appends a record with a content of a type to to.
func (p *protection) seal(to []byte, kind uint8, content []byte) []byte {
	plain := append(append([]byte(nil), content...), kind)
	header := []byte{wire.ApplicationData, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(plain)+p.aead.Overhead()))
	to = append(to, header...)
	return p.aead.Seal(to, p.nonce(), plain, header)
}
