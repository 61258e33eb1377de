package town

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"math/big"
	"math/rand/v2"
	"sync"

	"golang.org/x/crypto/ssh"
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
	primes map[int][]*big.Int // by their size in bits
	used   map[int]int        // moduli made of them
	mu     sync.Mutex         // guards used
}

// newMill finds the primes for so many RSA keys of each kind.
func newMill(seed uint64, wanted map[string]int) (*mill, error) {
	m := &mill{primes: map[int][]*big.Int{}, used: map[int]int{}}
	var todo []*big.Int
	for kind, bits := range map[string]int{"rsa2048": 1024, "rsa3072": 1536, "rsa4096": 2048} {
		n := wanted[kind]
		for i := 0; i*(i-1)/2 < n; i++ {
			raw := randomBytes(rand.New(rand.NewPCG(seed, uint64(bits+i))), bits/8)
			raw[0] |= 0xc0 // so that the product has twice the bits
			raw[len(raw)-1] |= 1
			m.primes[bits] = append(m.primes[bits], new(big.Int).SetBytes(raw))
		}
		todo = append(todo, m.primes[bits]...)
	}
	return m, inParallel(todo, func(p *big.Int) error {
		for two, e := big.NewInt(2), big.NewInt(65537); ; p.Add(p, two) {
			rest := new(big.Int).Mod(p, e)
			if rest.Cmp(big.NewInt(1)) != 0 && p.ProbablyPrime(0) { // e must be invertible
				return nil
			}
		}
	})
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
		return m.rsa(1024), nil
	case "rsa3072":
		return m.rsa(1536), nil
	case "rsa4096":
		return m.rsa(2048), nil
	}
	return nil, fmt.Errorf("key kind %q", kind)
}

func rawECDSA(curve elliptic.Curve, r *rand.Rand) (crypto.Signer, error) {
	scalar := randomBytes(r, (curve.Params().BitSize+7)/8)
	scalar[0] &= 0x7f // below the group order
	return ecdsa.ParseRawPrivateKey(curve, scalar)
}

// rsa makes a key of the next pair of primes, so that no two are equal.
func (m *mill) rsa(bits int) crypto.Signer {
	m.mu.Lock()
	n := m.used[bits]
	m.used[bits]++
	m.mu.Unlock()
	i := 1
	for ; n >= i; i++ { // prime i pairs with the i before it
		n -= i
	}
	p, q := m.primes[bits][i], m.primes[bits][n]
	one, e := big.NewInt(1), big.NewInt(65537)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537},
		D:         new(big.Int).ModInverse(e, phi), Primes: []*big.Int{p, q},
	}
	key.Precompute()
	return key
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
