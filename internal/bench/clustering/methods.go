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
	wrong          map[role]int     // links of a confidence of .99 and more to a host that is no kin
	grouped        map[role]promise // hosts in groups: all, and those of the provider that most of their group are of
}

func newOurs(p *population, o cluster.Options) *ours {
	return &ours{population: p, o: o, lines: newCalibration(), members: newCalibration(), wrong: map[role]int{}, grouped: map[role]promise{}}
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
		right := m.sameProvider(n, seeds[0])
		m.lines.add(k.Bits, k.Confidence, 1, truthOf(right))
		if !right && k.Confidence >= sure {
			m.wrong[m.roles[n]]++
		}
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
		most, whose := 0, -1
		for _, h := range g.Hosts {
			n := m.number(h)
			all[n] = i
			if g.Label == "" {
				plain[n] = i
			}
			if p := m.truth[n].provider(); p >= 0 {
				byProvider[p]++
				if byProvider[p] > most {
					most, whose = byProvider[p], p
				}
			}
		}
		right := 0.0
		for _, n := range byProvider {
			right += pairs(n)
		}
		m.members.add(logOdds(g.Confidence), g.Confidence, pairs(len(g.Hosts)), right)
		for _, h := range g.Hosts {
			n := m.number(h)
			seen := m.grouped[m.roles[n]]
			seen.Links++
			if whose >= 0 && m.truth[n].provider() == whose {
				seen.Right++
			}
			m.grouped[m.roles[n]] = seen
		}
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
