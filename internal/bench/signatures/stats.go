package main

import (
	"maps"
	"math"
	"slices"
)

// reading is what one scheme says of one site at one look.
type reading struct {
	value string
	known bool // not known: an answer timed out
}

// figures are what a scheme is worth on a set of sites.
type figures struct {
	distinct int
	bits     float64 // Shannon entropy of the values
	mixed    int     // groups of equal values that hold several products
	inMixed  int     // sites in those
}

// measure works on one value a site, and its product.
func measure(values, products []string) figures {
	groups := group(values)
	f := figures{distinct: len(groups)}
	n := float64(len(values))
	for _, value := range slices.Sorted(maps.Keys(groups)) {
		members := groups[value]
		p := float64(len(members)) / n
		f.bits -= p * math.Log2(p)
		if severalOf(members, products) {
			f.mixed++
			f.inMixed += len(members)
		}
	}
	return f
}

// group are the indexes of equal values.
func group(values []string) map[string][]int {
	groups := map[string][]int{}
	for i, v := range values {
		groups[v] = append(groups[v], i)
	}
	return groups
}

func severalOf(members []int, products []string) bool {
	return slices.ContainsFunc(members, func(i int) bool { return products[i] != products[members[0]] })
}

// apart are the pairs of sites that by tells apart and than does not.
func apart(by, than []string) [][2]int {
	var pairs [][2]int
	for i := range by {
		for j := range i {
			if by[i] != by[j] && than[i] == than[j] {
				pairs = append(pairs, [2]int{j, i})
			}
		}
	}
	return pairs
}

// reference is the first known value of a site.
func reference(looks []reading) (string, bool) {
	for _, l := range looks {
		if l.known {
			return l.value, true
		}
	}
	return "", false
}

// unsteady counts, of the looks at one site, the known ones that differ from
// a value, and the unknown ones.
func unsteady(value string, looks []reading) (differ, unknown int) {
	for _, l := range looks {
		switch {
		case !l.known:
			unknown++
		case l.value != value:
			differ++
		}
	}
	return differ, unknown
}
