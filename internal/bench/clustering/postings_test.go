package main

import (
	"slices"
	"testing"
)

// Three hosts: 0 and 1 share a JARM, 1 and 2 a host key; all a header order.
func smallPostings() *postings {
	return &postings{
		kinds:   []slot{jarm, hostKey, headerOrder},
		planted: []bool{false, true, false},
		values:  [][]uint32{{0, 2}, {0, 1, 2}, {1, 2}},
		holders: [][]uint32{{0, 1}, {1, 2}, {0, 1, 2}},
	}
}

func TestComponents(t *testing.T) {
	x := smallPostings()
	for _, c := range []struct {
		links rule
		want  []bool // together: 0 and 1, 1 and 2
	}{{sameJARM, []bool{true, false}}, {identityKeys, []bool{false, true}}, {anyShared, []bool{true, true}}, {rarityWindow, []bool{true, true}}, {oracle, []bool{false, true}}} {
		got := x.components(c.links)
		if together := []bool{got[0] == got[1], got[1] == got[2]}; !slices.Equal(together, c.want) {
			t.Errorf("together %v, want %v", together, c.want)
		}
	}
	for n, want := range map[int]bool{1: false, 2: true, 120: true, 121: false} {
		if rarityWindow(&postings{holders: [][]uint32{make([]uint32, n)}}, 0) != want {
			t.Errorf("a value on %d hosts is in the rarity window of 2 to 120: %v, want %v", n, !want, want)
		}
	}
}

func TestRankOfRules(t *testing.T) {
	x := smallPostings()
	if got := x.rank([]int{0}, anyShared, counted, 10); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("by count: %v, want 1, 2", got)
	}
	if got := x.rank([]int{0, 2}, anyShared, x.idf, 10); !slices.Equal(got, []int{1}) {
		t.Errorf("of two seeds: %v, want 1", got)
	}
	if got := x.rank([]int{0}, sameJARM, counted, 10); !slices.Equal(got, []int{1}) {
		t.Errorf("same JARM: %v, want 1", got)
	}
}

func TestTogether(t *testing.T) {
	if got := together([]int{4, 9, 4, 4, 1}, []int{2, 4}); !slices.Equal(got, []int{0, 3}) {
		t.Errorf("%v, want 0 and 3", got)
	}
}
