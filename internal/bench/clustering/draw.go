package main

import (
	"math"
	"math/rand/v2"
	"slices"
)

// source makes the random numbers of one host or one part of the plan: each has
// its own stream, so that hosts can be made in any order and again.
func source(seed uint64, stream string, i int) *rand.Rand {
	return rand.New(rand.NewPCG(seed^mix(stream), uint64(i)*0x9e3779b97f4a7c15))
}

// weighted draws an index in proportion to its weight.
type weighted []float64 // running sums

func (w weighted) draw(r *rand.Rand) int {
	i, _ := slices.BinarySearch(w, r.Float64()*w[len(w)-1])
	return min(i, len(w)-1)
}

func newWeighted(n int, weight func(i int) float64) weighted {
	w, total := make(weighted, n), 0.0
	for i := range w {
		total += weight(i)
		w[i] = total
	}
	return w
}

// zipf weighs the i-th of n by (i+1)^-s.
func zipf(n int, s float64) weighted {
	return newWeighted(n, func(i int) float64 { return math.Pow(float64(i+1), -s) })
}

// sizes draws sizes between least and most with density x^-exponent until they
// add up to total, the last one cut to fit; one that would be smaller than
// least is left out.
func sizes(r *rand.Rand, total int, least, most, exponent float64) []int {
	var out []int
	for total >= int(least) {
		n := min(int(powerLaw(r, least, most, exponent)), total)
		out = append(out, n)
		total -= n
	}
	return out
}

// powerLaw draws from the density x^-exponent between least and most.
func powerLaw(r *rand.Rand, least, most, exponent float64) float64 {
	if exponent == 1 {
		return least * math.Pow(most/least, r.Float64())
	}
	e := 1 - exponent
	a, b := math.Pow(least, e), math.Pow(most, e)
	return math.Pow(a+r.Float64()*(b-a), 1/e)
}

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

func between(r *rand.Rand, low, high float64) float64 { return low + r.Float64()*(high-low) }
