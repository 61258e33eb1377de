package main

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s = %.6f, want %.6f", what, got, want)
	}
}

// Seven hosts: provider 0 has four (the last re-imaged), provider 1 two, one is
// a stranger. Clusters: {a0 a1 s}, {a2 b0}; a3 and b1 are in none.
func TestCompare(t *testing.T) {
	a, b := 0|marked, 1|marked
	truth := []member{a, a, a, 0, b, b, stranger}
	g := compare([]int{0, 0, 1, unclustered, 1, unclustered, 0}, truth)
	near(t, "P", g.P, 1.0/4) // pairs 3 + 1, right: a0 a1
	near(t, "R", g.R, 1.0/7) // pairs 6 + 1
	near(t, "F1", g.F1, 2.0/11)
	near(t, "R observable", g.RObservable, 1.0/4) // pairs 3 + 1
	// a0 a1: 2/3, 2/4; a2: 1/2, 1/4; a3: 1, 1/4; b0: 1/2, 1/2; b1: 1, 1/2
	near(t, "B-cubed P", g.B.P, (2.0/3+2.0/3+.5+1+.5+1)/6)
	near(t, "B-cubed R", g.B.R, (.5+.5+.25+.25+.5+.5)/6)
	near(t, "B-cubed F", g.B.F, 2*g.B.P*g.B.R/(g.B.P+g.B.R))
	// without a3; recall among a0 a1 a2
	near(t, "B-cubed P observable", g.BObservable.P, (2.0/3+2.0/3+.5+.5+1)/5)
	near(t, "B-cubed R observable", g.BObservable.R, (2.0/3+2.0/3+1.0/3+.5+.5)/5)
	// the stranger: 1/3, 1
	near(t, "B-cubed P of all", g.BAll.P, (2.0/3+2.0/3+.5+1+.5+1+1.0/3)/7)
	near(t, "B-cubed R of all", g.BAll.R, (.5+.5+.25+.25+.5+.5+1)/7)
	if g.Largest != 3 || g.Truly != 4 || g.Clusters != 2 {
		t.Errorf("largest %d, truly %d, clusters %d; want 3, 4, 2", g.Largest, g.Truly, g.Clusters)
	}
}

func TestCompareNothing(t *testing.T) {
	g := compare([]int{unclustered, unclustered}, []member{0 | marked, 0 | marked})
	near(t, "P", g.P, 1)
	near(t, "R", g.R, 0)
	near(t, "B-cubed P", g.B.P, 1)
	near(t, "B-cubed R", g.B.R, .5)
}

// The seed is host 0; its kin are 1, 2 and 3, of which 3 cannot be found.
func TestRanking(t *testing.T) {
	k := 0 | marked
	truth := []member{k, k, k, 0, stranger, stranger, 1 | marked}
	of := provided{all: []int{4, 1}, observable: []int{3, 1}}
	var g ranking
	g.add([]int{1, 4, 3, 2}, []int{0}, truth, of)
	near(t, "P@10", g.P10, 1)
	near(t, "strict P@10", g.Strict, .3)
	near(t, "AP", g.AP, (1+2.0/3+3.0/4)/3)
	near(t, "AP observable", g.Observable.AP, (1+2.0/3)/2) // the list is 1, 4, 2
	g.add([]int{6}, []int{0}, truth, of)
	near(t, "P@10 of two seeds", g.means().P10, .5)
	near(t, "AP of two seeds", g.means().AP, (1+2.0/3+3.0/4)/6)
}

func TestCutOff(t *testing.T) {
	right := []bool{true, false, true, true}
	near(t, "precision at 2 of many", at(right, 2, 100), .5)
	near(t, "precision at 3 of 2", at(right, 3, 2), 1)
	near(t, "average precision with one that is missed", averagePrecision(right, 4), (1+2.0/3+3.0/4)/4)
	near(t, "nothing to find", averagePrecision(nil, 0), 1)
}

func TestCalibration(t *testing.T) {
	c := newCalibration()
	c.add(-9, .002, 1, 0)
	c.add(4.25, .95, 2, 1)
	c.add(6.7, .991, 4, 3)
	c.add(40, .999, 1, 1)
	if got, want := c.band[0], (promise{1, .002, 0}); got != want {
		t.Errorf("first band %v, want %v", got, want)
	}
	if got, want := c.band[5], (promise{2, 1.9, 1}); got != want {
		t.Errorf("band of 4.25 %v, want %v", got, want)
	}
	near(t, "links of .99 and more", c.sure.Links, 5)
	near(t, "right ones of them", c.sure.Right, 4)
}
