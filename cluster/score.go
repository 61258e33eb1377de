package cluster

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// score is a weighed pair: per family the largest agreement and the most
// negative conflict, so that three kinds that say one thing count once and an
// agreement cannot hide a conflict beside it.
type score struct {
	evidence []Evidence
	also     []Evidence
	against  []Conflict
	bits     float64 // log-odds
	kin      bool    // log-odds and the family rule are met
}

// last is what the host scored when the model was estimated.
func (m *model) score(p pair, held func(feature) int, last score) score {
	s := score{also: make([]Evidence, 0, len(p.shared)), against: make([]Conflict, 0, min(len(p.differs), events))}
	for _, f := range p.shared {
		family := m.table.kinds[f.kind].Family
		bits := round(m.bits(f, 1-last.without(family)))
		s.also = append(s.also, Evidence{Kind: f.kind, Value: f.value, Bits: bits, HeldBy: held(f), Family: family})
	}
	m.pick(&s, last)
	clean := m.table.clean(p)
	for _, d := range p.differs {
		if bits := round(m.against(d)); bits < 0 {
			c := Conflict{Kind: d.kind, Port: d.port, Seed: d.seed[0], Host: d.other, Bits: bits, Family: m.table.kinds[d.kind].Family}
			if d.parts != nil {
				c.Differ, c.Of = len(d.parts), d.of
			}
			s.worst(c, clean)
		}
	}
	slices.SortStableFunc(s.against, func(a, b Conflict) int { return cmp.Compare(a.Bits, b.Bits) })

	for _, e := range s.evidence {
		s.bits += e.Bits
	}
	for _, c := range s.against {
		s.bits += c.Bits
	}
	s.bits = round(s.bits - m.prior)
	s.kin = s.bits >= KinBits && (clean || s.families() >= 2)
	return s
}

// worst takes a conflict if it is the most negative of its event so far.
func (s *score) worst(c Conflict, clean bool) {
	e := event(c.Family, clean)
	i := slices.IndexFunc(s.against, func(o Conflict) bool { return event(o.Family, clean) == e })
	switch {
	case i < 0:
	case c.Bits >= s.against[i].Bits:
		return
	default:
		s.against = slices.Delete(s.against, i, i+1)
	}
	s.against = append(s.against, c)
}

// families counts those that speak for kinship, a conflict of an event taken
// off every family of it.
func (s score) families() (n int) {
	for _, e := range s.evidence {
		net := e.Bits
		for _, c := range s.against {
			if event(c.Family, false) == event(e.Family, false) {
				net += c.Bits
			}
		}
		if net >= FamilyBits {
			n++
		}
	}
	return n
}

const events = 7 // there are about as many; a capacity

// event is what conflicts of a family are counted under, each event once: a
// certificate that was made anew differs in shape and in names. When the host
// is known by a key, all that its web server answers differently is one event:
// it serves something else now.
func event(family string, known bool) string {
	switch family {
	case "names", "certificate":
		family = "certificate"
	case "tls", "http", "content":
	default:
		return family
	}
	if known {
		return "web"
	}
	return family
}

// clean reports whether an identity value is shared that is no known shared
// one, nor a certificate that a public CA gave to a customer of both.
func (t *Table) clean(p pair) bool {
	return slices.ContainsFunc(p.shared, func(f feature) bool {
		return t.kinds[f.kind].Identity && !t.isStock(f) && !(p.public && strings.HasPrefix(string(f.kind), "cert."))
	})
}

// pick moves the largest agreement of each family from also to evidence, the
// largest of all first, weighing software anew after each that is taken.
func (m *model) pick(s *score, last score) {
	var software []feature
	for {
		best := -1
		for i, e := range s.also {
			f := feature{e.Kind, e.Value}
			if m.table.software(f) {
				for _, g := range software {
					s.also[i].Bits = min(s.also[i].Bits, round(m.given(f, g, 1-last.without(e.Family))))
				}
			}
			taken := slices.ContainsFunc(s.evidence, func(t Evidence) bool { return t.Family == e.Family })
			if !taken && (best < 0 || s.also[i].Bits > s.also[best].Bits) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		e := s.also[best]
		s.evidence = append(s.evidence, e)
		s.also = slices.Delete(s.also, best, best+1)
		if f := (feature{e.Kind, e.Value}); m.table.software(f) {
			software = append(software, f)
		}
	}
	slices.SortStableFunc(s.evidence, func(a, b Evidence) int { return cmp.Compare(b.Bits, a.Bits) })
	slices.SortStableFunc(s.also, func(a, b Evidence) int { return cmp.Compare(b.Bits, a.Bits) })
	for i := range s.also {
		s.also[i].Bits = 0
	}
}

// firstOfFamily keeps the first of each family of a sorted list.
func firstOfFamily[T any](list []T, family func(T) string) []T {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(x T) bool {
		f := family(x)
		again := seen[f]
		seen[f] = true
		return again
	})
}

func (s score) verdict() Verdict {
	switch {
	case s.kin:
		return VerdictKin
	case s.bits >= 0:
		return VerdictPossible
	}
	return VerdictStranger
}

// without is what a host counts for as kin when families are estimated: its
// probability by all the others. What is learnt of families must come from hosts that are kin, or strangers, for other reasons;
// otherwise a value that lets a few strangers in proves itself by their number.
func (s score) without(families ...string) float64 {
	bits := s.bits
	for _, f := range families {
		net := 0.0
		for _, e := range s.evidence {
			if e.Family == f {
				net += e.Bits
			}
		}
		for _, c := range s.against {
			if c.Family == f {
				net += c.Bits
			}
		}
		bits -= net
	}
	return confidence(bits)
}

// confidence is 1/(1+2^-bits), at most .999: the model is not better than that.
func confidence(bits float64) float64 {
	return min(.999, 1/(1+math.Exp2(-bits)))
}

// round keeps two digits, so that printed figures add up.
func round(bits float64) float64 { return math.Round(bits*100) / 100 }
