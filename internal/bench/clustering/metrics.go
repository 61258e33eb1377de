package main

import "math"

// grouping says how well clusters agree with the truth. Hosts in no cluster
// are clusters of one, and each stranger is a provider of its own.
type grouping struct {
	P, R, F1       float64 // of pairs of hosts in one cluster
	RObservable    float64 // of the pairs of observable hosts
	B              bcubed  // items: the hosts of providers
	BObservable    bcubed  // items: those of them that are observable
	BAll           bcubed  // items: all hosts
	Clusters       int     // of two hosts and more
	Largest, Truly int     // hosts in the largest cluster; of the largest provider
}

// bcubed are the means over items of the precision and recall of an item's
// cluster (Bagga and Baldwin 1998), and their harmonic mean.
type bcubed struct{ P, R, F float64 }

const unclustered = -1

// compare measures clusters: cluster[i] is that of host i, or unclustered.
func compare(cluster []int, truth []member) grouping {
	type cell struct{ cluster, provider int }
	both, seen := map[cell]int{}, map[cell]int{} // seen: observable hosts
	inCluster, inProvider, seenOf := map[int]int{}, map[int]int{}, map[int]int{}
	for i, c := range cluster {
		p := truth[i].provider()
		if p >= 0 {
			inProvider[p]++
		}
		if truth[i].observable() {
			seenOf[p]++
		}
		if c == unclustered {
			continue
		}
		inCluster[c]++
		if p >= 0 {
			both[cell{c, p}]++
		}
		if truth[i].observable() {
			seen[cell{c, p}]++
		}
	}
	var g grouping
	right, rightSeen := 0.0, 0.0
	for _, n := range both {
		right += pairs(n)
	}
	for _, n := range seen {
		rightSeen += pairs(n)
	}
	called, true_, trueSeen := 0.0, 0.0, 0.0
	for _, n := range inCluster {
		called += pairs(n)
		g.Largest = max(g.Largest, n)
		if n > 1 {
			g.Clusters++
		}
	}
	for p, n := range inProvider {
		true_ += pairs(n)
		trueSeen += pairs(seenOf[p])
		g.Truly = max(g.Truly, n)
	}
	g.P, g.R, g.RObservable = share(right, called, 1), share(right, true_, 1), share(rightSeen, trueSeen, 1)
	g.F1 = harmonic(g.P, g.R)

	var all, ofProviders, observable mean
	for i, c := range cluster {
		p := truth[i].provider()
		precision, recall := 1.0, 1.0
		size := max(1, inCluster[c])
		if c == unclustered {
			size = 1
		}
		if p < 0 {
			all.add(1/float64(size), 1)
			continue
		}
		together := max(1, both[cell{c, p}])
		precision, recall = float64(together)/float64(size), float64(together)/float64(inProvider[p])
		all.add(precision, recall)
		ofProviders.add(precision, recall)
		if truth[i].observable() {
			observable.add(precision, float64(max(1, seen[cell{c, p}]))/float64(seenOf[p]))
		}
	}
	g.B, g.BObservable, g.BAll = ofProviders.result(), observable.result(), all.result()
	return g
}

// mean sums precision and recall over items.
type mean struct{ n, p, r float64 }

func (m *mean) add(p, r float64) { m.n, m.p, m.r = m.n+1, m.p+p, m.r+r }

func (m mean) result() bcubed {
	p, r := share(m.p, m.n, 0), share(m.r, m.n, 0)
	return bcubed{p, r, harmonic(p, r)}
}

func pairs(n int) float64 { return float64(n) * float64(n-1) / 2 }

// share is part/whole, or none when there is no whole.
func share(part, whole, none float64) float64 {
	if whole == 0 {
		return none
	}
	return part / whole
}

func harmonic(a, b float64) float64 { return share(2*a*b, a+b, 0) }

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

// calibration holds what was promised against what came true, by bits.
type calibration struct {
	from []float64 // where each band begins; before the first lies one more
	band []promise
	sure promise // of everything with a confidence of .99 and more
}

// sure is the confidence that must come true for 98 of 100 links.
const sure = .99

// promise is the links of one band.
type promise struct{ Links, Promised, Right float64 }

// newCalibration has the marks of docs/statistics.md as bands: 0 possible, 4.25
// kin, 6.63 a confidence of .99.
func newCalibration() *calibration {
	from := []float64{-5, -2, 0, 2, 4.25, 6.63, 10, 15, 20, 30}
	return &calibration{from: from, band: make([]promise, len(from)+1)}
}

// add counts a share of links, right or not.
func (c *calibration) add(bits, confidence, links, right float64) {
	i := 0
	for i < len(c.from) && bits >= c.from[i] {
		i++
	}
	note := func(p *promise) {
		p.Links, p.Promised, p.Right = p.Links+links, p.Promised+links*confidence, p.Right+right
	}
	note(&c.band[i])
	if confidence >= sure {
		note(&c.sure)
	}
}

// logOdds is the inverse of a confidence, in bits.
func logOdds(confidence float64) float64 { return math.Log2(confidence / (1 - confidence)) }
