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

// community is hosts that seem to be one provider's, with what is counted of
// them. Each member is weighed against the others as a whole.
type community struct {
	*grouping
	members []hostID // sorted
	held    []held   // the values of members, by value
	asked   map[asked]answers
	kind    []int                  // members that answer each kind
	joint   map[[2]valueID]float64 // strangers that hold both
	scores  []*membership          // of each member
	prior   float64

	most    []valueID           // see majority
	typical map[asked][]valueID // see answer
}

// held is a value and how many members hold it.
type held struct {
	value   valueID
	n       int
	*shared // nil until it is asked for
}

// asked is a question: a kind at a port.
type asked struct {
	kind kindID
	port uint16
}

// answers counts the members that answer a question, and those whose answer
// another member gives as well.
type answers struct{ all, shared int }

// membership is the weighed evidence that a host belongs to its community.
type membership struct {
	agree []agreement // the largest of each family
	bits  float64     // log-odds, before any doubt
	clean bool
	kin   bool
}

type agreement struct {
	value  valueID
	family uint8
	bits   float64
}

// confirm weighs members until those that are left may all be kin of the rest,
// and some of them are; nil: nobody is. In a large scan, who is proposed together
// with a core of kin needs no more than even odds; a small one has too few values.
func (g *grouping) confirm(members []hostID) *community {
	for range confirmTimes {
		c := g.counted(members)
		if !c.promising() {
			return nil
		}
		c.weighAll()
		core := 0
		var kept []hostID
		for i, m := range c.scores {
			if m.kin {
				core++
			}
			if m.kin || m.bits >= 0 && float64(c.Hosts()) >= shareHosts {
				kept = append(kept, members[i])
			}
		}
		if core < 2 {
			return nil
		}
		if len(kept) == len(members) {
			return c
		}
		members = kept
	}
	c := g.counted(members)
	c.weighAll()
	return c
}

// counted is a community whose values are counted, and nothing weighed.
func (g *grouping) counted(members []hostID) *community {
	c := &community{grouping: g, members: members, kind: make([]int, len(g.kinds)), prior: g.prior(float64(len(members)))}
	g.all = g.all[:0]
	for _, h := range members {
		last := -1
		for v, p := range g.valuesOf(h) {
			g.all = append(g.all, v)
			if int(p.kind) != last {
				last = int(p.kind)
				c.kind[last]++
			}
		}
	}
	slices.Sort(g.all)
	distinct := 0
	for i, v := range g.all {
		if i == 0 || v != g.all[i-1] {
			distinct++
		}
	}
	c.held = make([]held, 0, distinct)
	for i, v := range g.all {
		if i == 0 || v != g.all[i-1] {
			c.held = append(c.held, held{value: v})
		}
		c.held[len(c.held)-1].n++
	}
	return c
}

// find is a value of members, nil if none holds it.
func (c *community) find(v valueID) *held {
	i, ok := slices.BinarySearchFunc(c.held, v, func(h held, v valueID) int { return cmp.Compare(h.value, v) })
	if !ok {
		return nil
	}
	return &c.held[i]
}

// count is how many members hold a value.
func (c *community) count(v valueID) int {
	if h := c.find(v); h != nil {
		return h.n
	}
	return 0
}

// promising tells whether two members may be kin of the rest at all: the best
// of each family, taken for itself, comes to as much. Most of what is proposed
// in a large scan fails here, before anything dear is looked up.
func (c *community) promising() bool {
	core := 0
	most := make([]float64, len(c.familyNames))
	for _, h := range c.members {
		clear(most)
		for v, p := range c.valuesOf(h) {
			if held := c.find(v); held.n > 1 {
				family := c.families[p.kind]
				most[family] = max(most[family], c.of(v).bits)
			}
		}
		bits := -c.prior
		for _, b := range most {
			bits += b
		}
		if round(bits) >= KinBits {
			if core++; core == 2 {
				return true
			}
		}
	}
	return false
}

// weighAll weighs every member against the others.
func (c *community) weighAll() {
	c.asked, c.joint = map[asked]answers{}, map[[2]valueID]float64{}
	for _, h := range c.members {
		for q, shared := range c.answersOf(h) {
			a := c.asked[q]
			a.all++
			if shared {
				a.shared++
			}
			c.asked[q] = a
		}
	}
	c.scores = make([]*membership, len(c.members))
	for i, h := range c.members {
		c.scores[i] = c.weigh(h)
	}
}

// answersOf yields the questions that a host answers, and whether another
// member gives one of its answers too. Prints of a question are neighbours.
func (c *community) answersOf(h hostID) iter.Seq2[asked, bool] {
	return func(yield func(asked, bool) bool) {
		list := c.printsOf(h)
		for i := 0; i < len(list); {
			q, shared := asked{list[i].kind, list[i].port}, false
			for ; i < len(list) && (asked{list[i].kind, list[i].port}) == q; i++ {
				shared = shared || c.count(list[i].value) > 1
			}
			if !yield(q, shared) {
				return
			}
		}
	}
}

// shared is what is known of a value that members share.
type shared struct {
	prevalence         // outside the community
	u          float64 // the estimate
	m          float64 // P(a member holds it)
	bits       float64 // what it is worth that a member holds it
	software   bool
}

// of looks a value up, once for all members.
func (c *community) of(v valueID) *shared {
	held := c.find(v)
	if held.shared == nil {
		n, kind := float64(held.n), c.values[v].kind()
		s := &shared{prevalence: prevalence{c.rarity(v), float64(c.Index.held(v)) - n, float64(c.answered[kind]) - float64(c.kind[kind])}}
		s.u = s.value(0)
		s.m = (n - 1 + tableWeight*c.kinds[kind].M) / (float64(len(c.members)-1) + tableWeight)
		s.bits = worth(s.m, s.u, s.excess)
		s.software = c.table.software(c.feature(v))
		held.shared = s
	}
	return held.shared
}

// given is what v is worth to one who holds g, when both speak of software.
func (c *community) given(v, g valueID) float64 {
	s := c.of(v)
	pair := [2]valueID{min(v, g), max(v, g)}
	both, ok := c.joint[pair]
	if !ok {
		both = c.both(v, g, func(h hostID) bool {
			_, member := slices.BinarySearch(c.members, h)
			return !member
		})
		c.joint[pair] = both
	}
	if both == 0 {
		return s.bits
	}
	u := max(s.u, (both+tableWeight*s.u)/(max(both, c.of(g).holders)+tableWeight))
	return worth(s.m, u, s.excess)
}

func (c *community) weigh(h hostID) *membership {
	var held []valueID
	for v := range c.valuesOf(h) {
		if c.count(v) > 1 {
			held = append(held, v)
		}
	}
	return c.judge(held, c.publicCA(h), func(clean bool) map[string]float64 { return c.against(h, clean) })
}

// judge weighs values that are held in common; publicCA: certificates may be a
// customer's. against gives what is answered differently, by event.
func (c *community) judge(held []valueID, publicCA bool, against func(clean bool) map[string]float64) *membership {
	m := &membership{}
	oneCertificate := slices.ContainsFunc(held, func(v valueID) bool { return sameCertificate(c.kinds[c.values[v].kind()].Kind) })
	var left []agreement
	clean := false
	for _, v := range held {
		kind := c.values[v].kind()
		info := c.kinds[kind]
		if oneCertificate && restates(info.Kind) { // what it says is the same because it is the same
			continue
		}
		left = append(left, agreement{v, c.families[kind], c.of(v).bits})
		clean = clean || info.Identity && c.of(v).bits >= FamilyBits && !c.table.isStock(c.feature(v)) && !(publicCA && strings.HasPrefix(string(info.Kind), "cert."))
	}
	c.pick(m, left)
	net := against(clean)
	for _, a := range m.agree {
		m.bits += a.bits
	}
	for _, e := range slices.Sorted(maps.Keys(net)) {
		m.bits += net[e]
	}
	families := 0
	for _, a := range m.agree {
		if a.bits+net[event(c.familyNames[a.family], false)] >= FamilyBits {
			families++
		}
	}
	m.bits = round(m.bits - c.prior)
	m.clean, m.kin = clean, m.bits >= KinBits && (clean || families >= 2)
	return m
}

// worthless is what a value may be worth that nobody need be asked about.
const worthless = .5

// pick takes the largest agreement of each family, weighing software anew
// after each that is taken.
func (c *community) pick(m *membership, left []agreement) {
	var taken [256]bool
	for {
		best := -1
		for i, a := range left {
			if !taken[a.family] && (best < 0 || a.bits > left[best].bits) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		a := left[best]
		m.agree = append(m.agree, a)
		taken[a.family] = true
		if !c.of(a.value).software {
			continue
		}
		for i, b := range left {
			if !taken[b.family] && b.bits >= worthless && c.of(b.value).software {
				left[i].bits = min(b.bits, c.given(b.value, a.value))
			}
		}
	}
}

// against is what a member answers differently from the rest, by event: where
// most members share their answers and it shares none.
func (c *community) against(h hostID, clean bool) map[string]float64 {
	out := map[string]float64{}
	for q, shared := range c.answersOf(h) {
		info, a := c.kinds[q.kind], c.asked[q]
		if shared || info.Identity || info.Mute || 2*a.shared < a.all {
			continue
		}
		m := (float64(a.shared) + tableWeight*info.M) / (float64(a.all-1) + tableWeight)
		bits := max(-conflictCap, math.Log2(1-min(m, .99)))
		if info.Part != "" {
			bits *= partShare
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
	return confidence(doubted(m.bits, c.doubt(m.agree, m.clean, doubtGroup, func(v valueID) rarity { return c.of(v).rarity })))
}

// confidence is that of the members on the average.
func (c *community) confidence() float64 {
	sum := 0.0
	for _, m := range c.scores {
		sum += c.sure(m)
	}
	return sum / float64(len(c.members))
}

func isHTTP(kind fingerprints.Kind) bool { return strings.HasPrefix(string(kind), "http.") }
