package cluster

import (
	"slices"

	"github.com/hostkin/hostkin/cluster/graph"
)

// enemies are hosts that are known to be no kin of the seeds. What they hold is
// taken to be common, and who shares a key with one is pushed away from the seeds.
type enemies struct {
	*Index // as it is without them
	hosts  []hostID
	walk   *graph.Ranking
}

// without is the index in which what the given hosts hold is common, and the
// hosts themselves; nil: none of them is in it.
func (x *Index) without(not []string) (*Index, *enemies) {
	e := &enemies{Index: x}
	for _, addr := range not {
		if h, ok := x.find(addr); ok {
			e.hosts = append(e.hosts, h)
		}
	}
	if len(e.hosts) == 0 {
		return x, nil
	}
	e.walk = x.walk(e.hosts)
	y, b := *x, *x.Builder
	b.table = x.table.clone()
	y.Builder, y.weak = &b, map[valueID]bool{}
	for _, h := range e.hosts {
		for v := range x.valuesOf(h) {
			y.weak[v] = true
			if f := x.feature(v); !b.table.isStock(f) {
				b.table.stock[f] = "held by " + x.addrs[h].String() + ", which is said to be no kin"
			}
		}
	}
	return &y, e
}

// among reports whether h is one of them.
func (e *enemies) among(h hostID) bool { return e != nil && slices.Contains(e.hosts, h) }

// mass is what the walk from them gives to each host.
func (e *enemies) mass() map[hostID]float64 {
	if e == nil {
		return nil
	}
	return massOf(e.walk)
}

// push counts against a host, at its whole worth, the strongest clean identity
// value that it shares with one of them.
func (e *enemies) push(j *judged) {
	if e == nil {
		return
	}
	var worst Conflict
	for _, h := range e.hosts {
		for v, p := range e.valuesOf(j.host) {
			info, bits := e.kinds[p.kind], -round(float64(e.weights[v]))
			if !info.Identity || bits >= worst.Bits || e.table.isStock(e.feature(v)) ||
				!e.holds(h, v) {
				continue
			}
			worst = Conflict{Kind: info.Kind, Port: p.port, Host: e.feature(v).value, Bits: bits, Family: info.Family, Not: e.addrs[h].String()}
		}
	}
	if worst.Bits == 0 {
		return
	}
	j.score.against = append(slices.Clip(j.score.against), worst)
	j.score.bits = round(j.score.bits + worst.Bits)
	j.score.kin = j.score.kin && j.score.bits >= KinBits
}
