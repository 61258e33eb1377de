package main

import (
	"fmt"

	"github.com/hostkin/hostkin/cluster"
)

// ours ranks and clusters with package cluster, and keeps what it promised.
type ours struct {
	*population
	o              cluster.Options
	lines, members *calibration
	groups         promise // hosts in groups: all, and those of the provider that most of their group are of
	labelled       map[string]int
}

func newOurs(p *population, o cluster.Options) *ours {
	return &ours{population: p, o: o, lines: newCalibration(), members: newCalibration(), labelled: map[string]int{}}
}

// rank lists the kin of seeds. What is known of their hosts goes into the calibration.
func (m *ours) rank(seeds []int) ([]int, error) {
	var from []string
	for _, s := range seeds {
		from = append(from, m.addrs[s].String())
	}
	found, err := m.index.Kinship(from, m.o)
	if err != nil {
		return nil, fmt.Errorf("rank the kin of %v: %w", from, err)
	}
	var out []int
	for _, k := range found {
		n := m.number(k.Host)
		out = append(out, n)
		m.lines.add(k.Bits, k.Confidence, 1, truthOf(m.sameProvider(n, seeds[0])))
	}
	return out, nil
}

func (m *ours) sameProvider(a, b int) bool {
	return m.truth[a] != stranger && m.truth[a].provider() == m.truth[b].provider()
}

func truthOf(right bool) float64 {
	if right {
		return 1
	}
	return 0
}

// cluster groups all hosts, without the groups that bear a label when only
// plain ones are wanted.
func (m *ours) cluster() (all, plain []int, err error) {
	groups, err := m.index.Groups(m.o)
	if err != nil {
		return nil, nil, fmt.Errorf("cluster %d hosts: %w", len(m.truth), err)
	}
	all, plain = singletons(len(m.truth)), singletons(len(m.truth))
	for i, g := range groups {
		byProvider := map[int]int{}
		most := 0
		for _, h := range g.Hosts {
			n := m.number(h)
			all[n] = i
			if g.Label == "" {
				plain[n] = i
			}
			if p := m.truth[n].provider(); p >= 0 {
				byProvider[p]++
				most = max(most, byProvider[p])
			}
		}
		right := 0.0
		for _, n := range byProvider {
			right += pairs(n)
		}
		m.labelled[g.Label]++
		m.members.add(logOdds(g.Confidence), g.Confidence, pairs(len(g.Hosts)), right)
		m.groups.Links += float64(len(g.Hosts))
		m.groups.Right += float64(most)
	}
	return all, plain, nil
}

func singletons(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = unclustered
	}
	return out
}
