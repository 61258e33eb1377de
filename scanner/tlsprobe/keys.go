package tlsprobe

import (
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
)

// keys is everything random in the hellos of a Probe. A probe encrypts nothing
// that is worth keeping secret, so one set serves every connection: generating
// a key costs more than the rest of the handshake, and with fixed keys a
// recorded answer can be replayed.
type keys struct {
	random, session []byte // 32 bytes each
	x25519, p256    *ecdh.PrivateKey
	p384, p521      func() (*ecdh.PrivateKey, error) // asked for by few servers: made on demand
}

func newKeys(random io.Reader) (*keys, error) {
	seed := make([]byte, 32+32+32+32+48+66)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("tlsprobe: reading randomness: %w", err)
	}
	next := func(n int) []byte {
		b := seed[:n:n]
		seed = seed[n:]
		return b
	}
	k := &keys{random: next(32), session: next(32)}
	var err error
	if k.x25519, err = ecdh.X25519().NewPrivateKey(next(32)); err != nil {
		return nil, err
	}
	if k.p256, err = scalar(ecdh.P256(), next(32)); err != nil {
		return nil, err
	}
	b384, b521 := next(48), next(66)
	k.p384 = sync.OnceValues(func() (*ecdh.PrivateKey, error) { return scalar(ecdh.P384(), b384) })
	k.p521 = sync.OnceValues(func() (*ecdh.PrivateKey, error) { return scalar(ecdh.P521(), b521) })
	return k, nil
}

// scalar makes a private key of random bytes. The first byte is cleared so
// that the number is below the order of the curve.
func scalar(curve ecdh.Curve, b []byte) (*ecdh.PrivateKey, error) {
	b[0] = 0
	return curve.NewPrivateKey(b)
}

// defaultKeys are those of a zero Probe. There is no error to tell: without
// randomness crypto/rand ends the program by itself.
var defaultKeys = sync.OnceValue(func() *keys {
	k, _ := newKeys(rand.Reader)
	return k
})

// Groups (RFC 8446 section 4.2.7).
const (
	groupP256   = 23
	groupP384   = 24
	groupP521   = 25
	groupX25519 = 29
)

// private is the key of a group that the hellos offer.
func (k *keys) private(group uint16) (*ecdh.PrivateKey, error) {
	switch group {
	case groupX25519:
		return k.x25519, nil
	case groupP256:
		return k.p256, nil
	case groupP384:
		return k.p384()
	case groupP521:
		return k.p521()
	}
	return nil, fmt.Errorf("tlsprobe: group %d was not offered", group)
}

// shared is the (EC)DHE secret with the server's share of a group.
func (k *keys) shared(group uint16, share []byte) ([]byte, error) {
	private, err := k.private(group)
	if err != nil {
		return nil, err
	}
	public, err := private.Curve().NewPublicKey(share)
	if err != nil {
		return nil, err
	}
	return private.ECDH(public)
}
