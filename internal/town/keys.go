package town

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "embed"
	"encoding/pem"
	"fmt"
	"math/big"
	"math/rand/v2"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/hostkin/hostkin/internal/primes"
)

// tlsKey is a private key to be made by forge: "rsa2048", "rsa4096", "p256" or "p384".
type tlsKey struct {
	kind string
	seed uint64
	key  crypto.Signer
}

// hostKeys are the SSH host keys of an image: "rsa2048", "rsa3072", "p256", "ed25519".
type hostKeys struct {
	kinds []string
	seed  uint64
	keys  []crypto.Signer
}

// mill makes keys, cheaply and from seeds: RSA moduli are pairs out of a few
// primes. Such keys are distinct, and worthless anywhere but here.
type mill struct {
	mu     sync.Mutex
	primes map[int][]*big.Int // by their size in bits
	used   map[int]int        // moduli made of them
}

// primes.txt holds primes of 1024, 1536 and 2048 bits in hex, each with its two
// top bits set, made by openssl prime -generate -hex -bits N.
//
//go:embed primes.txt
var primesText string

func newMill() (*mill, error) {
	m := &mill{primes: map[int][]*big.Int{}, used: map[int]int{}}
	all, err := primes.Parse(primesText)
	if err != nil {
		return nil, fmt.Errorf("primes.txt: %w", err)
	}
	for _, p := range all {
		m.primes[p.BitLen()] = append(m.primes[p.BitLen()], p)
	}
	return m, nil
}

func (m *mill) make(kind string, seed uint64) (crypto.Signer, error) {
	r := rand.New(rand.NewPCG(seed, 3))
	switch kind {
	case "ed25519":
		return ed25519.NewKeyFromSeed(randomBytes(r, ed25519.SeedSize)), nil
	case "p256":
		return rawECDSA(elliptic.P256(), r)
	case "p384":
		return rawECDSA(elliptic.P384(), r)
	case "rsa2048":
		return m.rsa(1024)
	case "rsa3072":
		return m.rsa(1536)
	case "rsa4096":
		return m.rsa(2048)
	}
	return nil, fmt.Errorf("key kind %q", kind)
}

func rawECDSA(curve elliptic.Curve, r *rand.Rand) (crypto.Signer, error) {
	scalar := randomBytes(r, (curve.Params().BitSize+7)/8)
	scalar[0] &= 0x7f // below the group order
	return ecdsa.ParseRawPrivateKey(curve, scalar)
}

// rsa makes a key of the next pair of primes, so that no two are equal.
func (m *mill) rsa(bits int) (crypto.Signer, error) {
	m.mu.Lock()
	n := m.used[bits]
	m.used[bits]++
	m.mu.Unlock()
	i := 1
	for ; n >= i; i++ { // prime i pairs with the i before it
		n -= i
	}
	if i >= len(m.primes[bits]) {
		return nil, fmt.Errorf("primes.txt has too few primes of %d bits", bits)
	}
	return primes.Key(m.primes[bits][i], m.primes[bits][n]), nil
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// opensshFile is a host key as OpenSSH stores it.
func opensshFile(k crypto.Signer) ([]byte, error) {
	block, err := ssh.MarshalPrivateKey(k, "")
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(block), nil
}

// dropbearFile is a host key as dropbear stores it: the public key blob of
// RFC 4253 section 6.6 and the private numbers after it.
func dropbearFile(k crypto.Signer) ([]byte, error) {
	public, err := ssh.NewPublicKey(k.Public())
	if err != nil {
		return nil, err
	}
	switch k := k.(type) {
	case ed25519.PrivateKey:
		return ssh.Marshal(struct {
			Type string
			Key  []byte
		}{ssh.KeyAlgoED25519, k}), nil
	case *ecdsa.PrivateKey:
		d, err := k.Bytes()
		if err != nil {
			return nil, err
		}
		return append(public.Marshal(), ssh.Marshal(struct{ D *big.Int }{new(big.Int).SetBytes(d)})...), nil
	case *rsa.PrivateKey:
		return append(public.Marshal(), ssh.Marshal(struct{ D, P, Q *big.Int }{k.D, k.Primes[0], k.Primes[1]})...), nil
	}
	return nil, fmt.Errorf("dropbear has no %T", k)
}
