package primes

import (
	"math/big"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse("ff\n 10001\r\n")
	if err != nil || len(got) != 2 || got[0].Int64() != 255 || got[1].Int64() != 65537 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Parse("ff\nno"); err == nil {
		t.Error("takes what is no number")
	}
}

func TestKey(t *testing.T) {
	near := func(bit uint) *big.Int { // the first prime above 2^bit + 2^(bit-1)
		n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bit), new(big.Int).Lsh(big.NewInt(1), bit-1))
		for n.SetBit(n, 0, 1); !n.ProbablyPrime(20); n.Add(n, big.NewInt(2)) {
		}
		return n
	}
	if err := Key(near(1023), near(1022)).Validate(); err != nil {
		t.Error(err)
	}
}
