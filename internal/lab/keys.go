package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"

	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/internal/primes"
)

// primesText is 1024-bit primes, one a line in hexadecimal: looking for new
// ones takes longer than the rest of a town. Whatever is made of them protects
// nothing.
//
//go:embed primes.txt
var primesText string

// source is where everything random in a town comes from: each label is a
// stream of its own, so that one more host changes no other.
type source struct{ seed uint64 }

func (s source) stream(label string) *rand.ChaCha8 {
	return rand.NewChaCha8(sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, s.seed), label...)))
}

func (s source) rand(label string) *rand.Rand { return rand.New(s.stream(label)) }

func (s source) bytes(label string, n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(s.stream(label), b) // a ChaCha8 does not fail
	return b
}

// ecdsa derives a key. ecdsa.GenerateKey no longer lets its caller choose.
func (s source) ecdsa(label string, curve elliptic.Curve) *ecdsa.PrivateKey {
	stream := s.stream(label)
	scalar := make([]byte, curve.Params().BitSize/8)
	for {
		_, _ = io.ReadFull(stream, scalar)
		if key, err := ecdsa.ParseRawPrivateKey(curve, scalar); err == nil {
			return key // else zero or beyond the order of the curve: next
		}
	}
}

func (s source) ed25519(label string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(s.bytes(label, ed25519.SeedSize))
}

// rsaKeys hands out 2048-bit RSA keys, no two of one town with a common prime.
type rsaKeys struct{ primes []*big.Int }

func (s source) rsaKeys() (*rsaKeys, error) {
	all, err := primes.Parse(primesText)
	if err != nil {
		return nil, fmt.Errorf("primes.txt: %w", err)
	}
	k := rsaKeys{all}
	s.rand("primes").Shuffle(len(k.primes), func(i, j int) { k.primes[i], k.primes[j] = k.primes[j], k.primes[i] })
	return &k, nil
}

// take returns the next key, or false when the primes are used up.
func (k *rsaKeys) take() (*rsa.PrivateKey, bool) {
	if len(k.primes) < 2 {
		return nil, false
	}
	p, q := k.primes[0], k.primes[1]
	k.primes = k.primes[2:]
	return primes.Key(p, q), true
}

// sshKeys turns private keys into SSH host keys, in the order of preference.
func sshKeys(keys ...crypto.Signer) ([]ssh.Signer, error) {
	var out []ssh.Signer
	for _, key := range keys {
		signer, err := ssh.NewSignerFromSigner(key)
		if err != nil {
			return nil, fmt.Errorf("making an SSH host key: %w", err)
		}
		out = append(out, signer)
	}
	return out, nil
}
