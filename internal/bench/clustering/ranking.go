package main

// ranking says how well lists of hosts, best first, name the kin of their
// seeds. All are means over seeds; P@k counts the kin among the first k out of
// k, or out of all kin where there are fewer; AP is the mean over all kin of the
// precision at the place of each, 0 for those that are not listed.
type ranking struct {
	Seeds               float64
	P10, P50, R1000, AP float64
	Strict              float64 // kin among the first ten out of ten, however few there are
	Observable          struct{ P10, P50, R1000, AP float64 }
}

// add counts one list. Seeds are neither in the list nor among the kin. For
// the observable figures the other kin are taken out of the list.
func (g *ranking) add(list []int, seeds []int, truth []member, of provided) {
	p := truth[seeds[0]].provider()
	var all, observable []bool
	for _, h := range list {
		right := truth[h].provider() == p
		all = append(all, right)
		if !right || truth[h].observable() {
			observable = append(observable, right)
		}
	}
	kin, seen := of.all[p], of.observable[p]
	for _, s := range seeds {
		kin--
		if truth[s].observable() {
			seen--
		}
	}
	g.Seeds++
	g.P10 += at(all, 10, kin)
	g.Strict += float64(count(all, 10)) / 10
	g.P50 += at(all, 50, kin)
	g.R1000 += at(all, 1000, kin)
	g.AP += averagePrecision(all, kin)
	g.Observable.P10 += at(observable, 10, seen)
	g.Observable.P50 += at(observable, 50, seen)
	g.Observable.R1000 += at(observable, 1000, seen)
	g.Observable.AP += averagePrecision(observable, seen)
}

// means divides the sums by the number of seeds.
func (g ranking) means() ranking {
	n := max(1, g.Seeds)
	for _, f := range []*float64{&g.P10, &g.P50, &g.R1000, &g.AP, &g.Strict, &g.Observable.P10, &g.Observable.P50, &g.Observable.R1000, &g.Observable.AP} {
		*f /= n
	}
	return g
}

// provided counts the hosts of each provider.
type provided struct{ all, observable []int }

func count(right []bool, k int) int {
	n := 0
	for _, r := range right[:min(k, len(right))] {
		if r {
			n++
		}
	}
	return n
}

func at(right []bool, k, kin int) float64 {
	return share(float64(count(right, k)), float64(min(k, kin)), 1)
}

func averagePrecision(right []bool, kin int) float64 {
	sum, n := 0.0, 0
	for i, r := range right {
		if r {
			n++
			sum += float64(n) / float64(i+1)
		}
	}
	return share(sum, float64(kin), 1)
}
