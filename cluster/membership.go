package cluster

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/fingerprints"
)

// membership is the weighed evidence that a host belongs to its community.
type membership struct {
	agree []agreement // the largest of each family
	bits  float64     // log-odds, before any doubt
	clean bool
	kin   bool
}

// agreement is a value in common and what it is worth to a host.
type agreement struct {
	*held
	family uint8
	bits   float64
}

// promising tells whether two members may be kin of the rest at all, surely
// enough: if the best of each family counts by itself and nothing against. Most
// of what is proposed in a large scan fails here, before anything dear is looked up.
func (c *community) promising(rows [][]seen) bool {
	core := 0
	best := make([]agreement, len(c.familyNames))
	for _, row := range rows {
		clear(best)
		m := membership{bits: -c.prior}
		for kind, held := range values(row) {
			s, a := c.of(held), &best[c.families[kind]]
			m.clean = m.clean || c.kinds[kind].Identity && s.bits >= FamilyBits
			if s.bits > a.bits {
				*a = agreement{held, 0, s.bits}
			}
		}
		m.agree = slices.DeleteFunc(best, func(a agreement) bool { return a.held == nil })
		for _, a := range m.agree {
			m.bits += a.bits
		}
		if round(m.bits) >= KinBits && c.sure(&m) >= c.minimum {
			if core++; core == 2 {
				return true
			}
		}
	}
	return false
}

// weighAll weighs every member against the others.
func (c *community) weighAll(rows [][]seen) {
	c.ask(rows)
	c.scores = make([]membership, len(rows))
	for i, row := range rows {
		c.scores[i] = c.weigh(c.members[i], row)
	}
}

// ask counts the answers to each question.
func (c *community) ask(rows [][]seen) {
	c.questions = c.questions[:0]
	for _, row := range rows {
		for q := range answersOf(row) {
			c.questions = append(c.questions, q)
		}
	}
	slices.Sort(c.questions)
	distinct := slices.Compact(c.questions)
	c.asked = make([]answers, len(distinct))
	for i, q := range distinct {
		c.asked[i].asked = q
	}
	for _, row := range rows {
		for q, shared := range answersOf(row) {
			a := c.answersTo(q)
			a.all++
			if shared {
				a.shared++
			}
		}
	}
}

// answersTo a question, nil if no member answers it.
func (c *community) answersTo(q asked) *answers {
	i, ok := slices.BinarySearchFunc(c.asked, q, func(a answers, q asked) int { return cmp.Compare(a.asked, q) })
	if !ok {
		return nil
	}
	return &c.asked[i]
}

// weigh weighs a host, a member or not, whose row look has made.
func (c *community) weigh(h hostID, row []seen) membership {
	c.common = c.common[:0]
	for _, held := range values(row) {
		c.common = append(c.common, held)
	}
	return c.judge(c.common, func() bool { return c.publicCA(h) }, func(clean bool) map[string]float64 { return c.against(row, clean) })
}

// judge weighs values that are held in common; publicCA: certificates may be a
// customer's, which is asked if it matters. against gives what is answered differently, by event.
func (c *community) judge(common []*held, publicCA func() bool, against func(clean bool) map[string]float64) membership {
	m := membership{}
	oneCertificate := slices.ContainsFunc(common, func(h *held) bool { return sameCertificate(c.kinds[c.values[h.value].kind()].Kind) })
	left := c.left[:0]
	for _, h := range common {
		kind := c.values[h.value].kind()
		info, s := c.kinds[kind], c.of(h)
		if oneCertificate && restates(info.Kind) { // what it says is the same because it is the same
			continue
		}
		left = append(left, agreement{h, c.families[kind], s.bits})
		m.clean = m.clean || info.Identity && s.bits >= FamilyBits && !s.stock && !(strings.HasPrefix(string(info.Kind), "cert.") && publicCA())
	}
	c.left = left
	m.agree = c.pick(left)
	net := against(m.clean)
	for _, a := range m.agree {
		m.bits += a.bits
	}
	if len(net) > 0 {
		for _, e := range slices.Sorted(maps.Keys(net)) {
			m.bits += net[e]
		}
	}
	families := 0
	for _, a := range m.agree {
		if a.bits+net[event(c.familyNames[a.family], false)] >= FamilyBits {
			families++
		}
	}
	m.bits = round(m.bits - c.prior)
	m.kin = m.bits >= KinBits && (m.clean || families >= 2)
	return m
}

// worthless is what a value may be worth that nobody need be asked about.
const worthless = .5

// pick takes the largest agreement of each family, weighing software anew
// after each that is taken.
func (c *community) pick(left []agreement) []agreement {
	var taken [256]bool
	agree := make([]agreement, 0, min(len(left), len(c.familyNames)))
	for {
		best := -1
		for i, a := range left {
			if !taken[a.family] && (best < 0 || a.bits > left[best].bits) {
				best = i
			}
		}
		if best < 0 {
			return agree
		}
		a := left[best]
		agree = append(agree, a)
		taken[a.family] = true
		if !a.software {
			continue
		}
		for i, b := range left {
			if !taken[b.family] && b.bits >= worthless && b.software {
				left[i].bits = min(b.bits, c.given(b.held, a.held))
			}
		}
	}
}

// against is what a host answers differently from the members, by event: where
// most of them share their answers and it shares none.
func (c *community) against(row []seen, clean bool) map[string]float64 {
	var out map[string]float64
	for q, shared := range answersOf(row) {
		info := c.kinds[q.kind()]
		if shared || info.Identity || info.Mute {
			continue
		}
		a := c.answersTo(q)
		if a == nil || 2*a.shared < a.all {
			continue
		}
		m := (float64(a.shared) + tableWeight*info.M) / (float64(a.all-1) + tableWeight)
		bits := max(-conflictCap, math.Log2(1-min(m, .99)))
		if info.Part != "" {
			bits *= partShare
		}
		if out == nil {
			out = map[string]float64{}
		}
		e := event(info.Family, clean)
		out[e] = min(out[e], bits)
	}
	return out
}

// partShare is what one of the five parts of tls.server counts as a difference.
const partShare = .2

// sure is the confidence that weighed evidence deserves.
func (c *community) sure(m *membership) float64 {
	return confidence(doubted(m.bits, c.doubt(m.said(), m.clean, doubtGroup)))
}

// said yields what each agreement is worth, and what is known of its value.
func (m *membership) said() iter.Seq2[float64, rarity] {
	return func(yield func(float64, rarity) bool) {
		for _, a := range m.agree {
			if !yield(a.bits, a.rarity) {
				return
			}
		}
	}
}

func isHTTP(kind fingerprints.Kind) bool { return strings.HasPrefix(string(kind), "http.") }
