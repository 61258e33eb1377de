// Package primes makes RSA keys out of stored primes, because looking for new
// ones takes longer than all else in a simulated town. Such keys are distinct
// and protect nothing.
package primes

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
)

// Parse reads primes in hexadecimal, separated by white space.
func Parse(text string) ([]*big.Int, error) {
	var all []*big.Int
	for word := range strings.FieldsSeq(text) {
		p, ok := new(big.Int).SetString(word, 16)
		if !ok {
			return nil, fmt.Errorf("prime %d: %q is no number", len(all)+1, word)
		}
		all = append(all, p)
	}
	return all, nil
}

// Key is the RSA key of two primes, with the usual public exponent.
func Key(p, q *big.Int) *rsa.PrivateKey {
	const exponent = 65537
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent},
		D:         new(big.Int).ModInverse(big.NewInt(exponent), phi),
		Primes:    []*big.Int{p, q},
	}
	key.Precompute()
	return key
}
