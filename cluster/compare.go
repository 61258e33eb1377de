package cluster

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/fingerprints"
)

// Host is one host of a scan with everything that is known of it.
type Host struct {
	Addr   string
	Prints []fingerprints.Fingerprint
	Asked  Asked

	// Stands is how many hosts that were not asked the later questions (see
	// Table) this one stands for beside itself, when a caller asked those of
	// a random sample. 0 where everybody was asked.
	Stands float64
}

// Gather sorts fingerprints by host. The hosts come in the order of their
// addresses, their prints sorted and without duplicates.
func Gather(prints iter.Seq[fingerprints.Fingerprint]) []Host {
	byAddr := map[string]*Host{}
	for p := range prints {
		h := byAddr[p.Host]
		if h == nil {
			h = &Host{Addr: p.Host}
			byAddr[p.Host] = h
		}
		h.Prints = append(h.Prints, p)
	}
	hosts := make([]Host, 0, len(byAddr))
	for _, h := range byAddr {
		slices.SortFunc(h.Prints, comparePrints)
		h.Prints = slices.Compact(h.Prints)
		hosts = append(hosts, *h)
	}
	slices.SortFunc(hosts, func(a, b Host) int { return CompareAddr(a.Addr, b.Addr) })
	return hosts
}

func comparePrints(a, b fingerprints.Fingerprint) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Value, b.Value))
}

// CompareAddr orders addresses by number; what is no address sorts last, as text.
func CompareAddr(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	switch {
	case errX == nil && errY == nil:
		return x.Compare(y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}

// profile is a host prepared for comparison: whole values of known kinds, by
// kind, each sorted by port and value.
type profile struct {
	*Host
	prints map[fingerprints.Kind][]fingerprints.Fingerprint
}

func (t *Table) profile(h *Host) *profile {
	p := &profile{Host: h, prints: map[fingerprints.Kind][]fingerprints.Fingerprint{}}
	for _, f := range h.Prints {
		if t.kinds[f.Kind] != nil && !f.Partial {
			p.prints[f.Kind] = append(p.prints[f.Kind], f)
		}
	}
	for _, list := range p.prints {
		slices.SortFunc(list, comparePrints)
	}
	return p
}

// weighs is how many hosts p speaks for in a count of answers to kind k.
func (p *profile) weighs(k *kindInfo) float64 {
	if k.Later {
		return 1 + p.Stands
	}
	return 1
}

// pair is a host compared with a seed, before any weighing: what both have,
// and the questions that they answer differently. A question that only one of
// them answers is in neither.
type pair struct {
	shared  []feature
	differs []difference
}

// difference is one question (kind and port) with disjoint answers.
type difference struct {
	kind  fingerprints.Kind
	port  uint16
	seed  []string
	other string
}

func compare(seed, other *profile) pair {
	var p pair
	for kind, ours := range seed.prints {
		theirs := other.prints[kind]
		if len(theirs) == 0 {
			continue
		}
		for _, f := range ours {
			shared := feature{kind, f.Value}
			if !slices.Contains(p.shared, shared) && slices.ContainsFunc(theirs, func(g fingerprints.Fingerprint) bool { return g.Value == f.Value }) {
				p.shared = append(p.shared, shared)
			}
		}
		p.differs = append(p.differs, differences(kind, ours, theirs)...)
	}
	if slices.ContainsFunc(p.shared, func(f feature) bool { return f.kind == "cert.sha256" }) {
		// One certificate is one fact: what it says is the same because it is the same.
		p.shared = slices.DeleteFunc(p.shared, func(f feature) bool {
			return strings.HasPrefix(string(f.kind), "cert.") && f.kind != "cert.sha256"
		})
	}
	slices.SortFunc(p.shared, compareFeatures)
	slices.SortFunc(p.differs, func(a, b difference) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.port, b.port))
	})
	return p
}

func compareFeatures(a, b feature) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.value, b.value))
}

// differences finds the ports at which both lists (of one kind, sorted by
// port) have values and none in common.
func differences(kind fingerprints.Kind, ours, theirs []fingerprints.Fingerprint) []difference {
	var out []difference
	for i := 0; i < len(ours); {
		port := ours[i].Port
		var mine []string
		for ; i < len(ours) && ours[i].Port == port; i++ {
			mine = append(mine, ours[i].Value)
		}
		var other []string
		for _, f := range theirs {
			if f.Port == port {
				other = append(other, f.Value)
			}
		}
		common := slices.ContainsFunc(other, func(v string) bool { return slices.Contains(mine, v) })
		if len(other) > 0 && !common {
			out = append(out, difference{kind, port, mine, other[0]})
		}
	}
	return out
}
