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
	random, session  []byte // 32 bytes each
	grease           grease
	x25519           *ecdh.PrivateKey
	p256, p384, p521 func() (*ecdh.PrivateKey, error) // asked for by few servers: made on demand
}

// grease is the values of RFC 8701 in hello A, of one field each.
type grease struct{ suite, extension, group, version uint16 }

func newKeys(random io.Reader) (*keys, error) {
	seed := make([]byte, 32+32+4+32+32+48+66)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("tlsprobe: reading randomness: %w", err)
	}
	next := func(n int) []byte {
		b := seed[:n:n]
		seed = seed[n:]
		return b
	}
	k := &keys{random: next(32), session: next(32)}
	g := next(4)
	k.grease = grease{greased(g[0]), greased(g[1]), greased(g[2]), greased(g[3])}
	var err error
	if k.x25519, err = ecdh.X25519().NewPrivateKey(next(32)); err != nil {
		return nil, err
	}
	k.p256 = scalar(ecdh.P256(), next(32))
	k.p384 = scalar(ecdh.P384(), next(48))
	k.p521 = scalar(ecdh.P521(), next(66))
	return k, nil
}

// greased is one of the sixteen reserved values.
func greased(b byte) uint16 { return 0x0a0a + 0x1010*uint16(b&15) }

// scalar makes a private key of random bytes when it is needed. The first byte
// is cleared so that the number is below the order of the curve.
func scalar(curve ecdh.Curve, b []byte) func() (*ecdh.PrivateKey, error) {
	return sync.OnceValues(func() (*ecdh.PrivateKey, error) {
		b[0] = 0
		return curve.NewPrivateKey(b)
	})
}

// defaultKeys are those of a zero Probe. There is no error to tell: without
// randomness crypto/rand ends the program by itself.
var defaultKeys = sync.OnceValue(func() *keys {
	k, _ := newKeys(rand.Reader)
	return k
})

// Groups (IANA TLS Supported Groups).
const (
	groupP256           = 23
	groupP384           = 24
	groupP521           = 25
	groupX25519         = 29
	groupX448           = 30
	groupFFDHE2048      = 0x0100
	groupX25519MLKEM768 = 0x11ec
)

// private is the key of a group that hello A offers.
func (k *keys) private(group uint16) (*ecdh.PrivateKey, error) {
	switch group {
	case groupX25519:
		return k.x25519, nil
	case groupP256:
		return k.p256()
	case groupP384:
		return k.p384()
	case groupP521:
		return k.p521()
	}
	return nil, fmt.Errorf("tlsprobe: group %d was not offered", group)
}

// public is our share of a group that hello A offers. Of another there is none.
func (k *keys) public(group uint16) []byte {
	private, err := k.private(group)
	if err != nil {
		return nil
	}
	return private.PublicKey().Bytes()
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
