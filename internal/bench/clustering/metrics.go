package main

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
	called, actual, actualSeen := 0.0, 0.0, 0.0
	for _, n := range inCluster {
		called += pairs(n)
		g.Largest = max(g.Largest, n)
		if n > 1 {
			g.Clusters++
		}
	}
	for p, n := range inProvider {
		actual += pairs(n)
		actualSeen += pairs(seenOf[p])
		g.Truly = max(g.Truly, n)
	}
	g.P, g.R, g.RObservable = share(right, called, 1), share(right, actual, 1), share(rightSeen, actualSeen, 1)
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
