package main

import (
	"slices"
	"testing"
)

// Three hosts: 0 and 1 share a JARM, 1 and 2 a host key; all a header order.
func smallPostings() *postings {
	return &postings{
		kinds:   []slot{jarm, hostKey, headerOrder},
		values:  [][]uint32{{0, 2}, {0, 1, 2}, {1, 2}},
		holders: [][]uint32{{0, 1}, {1, 2}, {0, 1, 2}},
	}
}

func TestComponents(t *testing.T) {
	x := smallPostings()
	for _, c := range []struct {
		links rule
		want  []bool // together: 0 and 1, 1 and 2
	}{{sameJARM, []bool{true, false}}, {identityKeys, []bool{false, true}}, {anyShared, []bool{true, true}}, {rarityWindow, []bool{true, true}}} {
		got := x.components(c.links)
		if together := []bool{got[0] == got[1], got[1] == got[2]}; !slices.Equal(together, c.want) {
			t.Errorf("together %v, want %v", together, c.want)
		}
	}
	if rarityWindow(jarm, 121) || rarityWindow(jarm, 1) || !rarityWindow(jarm, 120) {
		t.Error("the rarity window is 2 to 120 hosts")
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
