package cluster

import (
	"iter"
	"slices"
)

// community is hosts that seem to be one provider's, with what is counted of
// them. Each member is weighed against the others as a whole.
type community struct {
	*grouping
	members []hostID // sorted
	held    []held   // the values that members share, by value
	asked   []answers
	kind    []int                  // members that answer each kind
	joint   map[[2]valueID]float64 // strangers that hold both
	scores  []membership           // of each member
	prior   float64

	most    []valueID           // see majority
	typical map[asked][]valueID // see answer
}

// held is a value and how many members hold it: two at least.
type held struct {
	value valueID
	n     int
	known bool // what follows is, see of
	shared
}

// asked is a question: a kind, and behind it a port.
type asked uint32

func askedOf(kind kindID, port uint16) asked { return asked(kind)<<16 | asked(port) }

func (a asked) kind() kindID { return kindID(a >> 16) }

// answers counts the members that answer a question, and those whose answer
// another member gives as well.
type answers struct {
	asked
	all, shared int
}

// seen is a print of a host, and its value if members share it.
type seen struct {
	print
	held *held
}

// confirm weighs members until those that are left may all be kin of the rest,
// and some of them are; nil: nobody is. In a large scan, who is proposed together
// with a core of kin needs no more than even odds; a small one has too few values.
func (g *grouping) confirm(members []hostID) *community {
	for range confirmTimes {
		c, rows := g.counted(members)
		if !c.promising(rows) {
			return nil
		}
		c.weighAll(rows)
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
	c, rows := g.counted(members)
	c.weighAll(rows)
	return c
}

// counted is a community whose values are counted, and nothing weighed, with
// what each member has of them. The rows are good until it is called again.
func (g *grouping) counted(members []hostID) (*community, [][]seen) {
	c := &community{grouping: g, members: members, kind: make([]int, len(g.kinds)), prior: g.prior(float64(len(members)))}
	g.all = g.all[:0]
	prints := 0
	for _, h := range members {
		prints += len(g.printsOf(h))
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
	for range runs(g.all) {
		distinct++
	}
	c.held = make([]held, 0, distinct)
	for v, n := range runs(g.all) {
		c.held = append(c.held, held{value: v, n: n})
	}
	g.seen, g.rows = slices.Grow(g.seen[:0], prints), g.rows[:0]
	for _, h := range members {
		begin := len(g.seen)
		g.seen = c.look(h, g.seen)
		g.rows = append(g.rows, g.seen[begin:])
	}
	return c, g.rows
}

// runs yields what a sorted list has twice at least, and how often.
func runs(list []valueID) iter.Seq2[valueID, int] {
	return func(yield func(valueID, int) bool) {
		for i := 0; i < len(list); {
			first := i
			for i++; i < len(list) && list[i] == list[first]; i++ {
			}
			if i-first > 1 && !yield(list[first], i-first) {
				return
			}
		}
	}
}

// look appends the prints of any host, as members see them.
func (c *community) look(h hostID, row []seen) []seen {
	for _, p := range c.printsOf(h) {
		row = append(row, seen{p, c.find(p.value)})
	}
	return row
}

// find is a value that members share, or nil. It is the hot spot of groups:
// this is inlined, the library's search calls a function for each comparison.
func (c *community) find(v valueID) *held {
	from, to := 0, len(c.held)
	for from < to {
		if middle := (from + to) / 2; c.held[middle].value < v {
			from = middle + 1
		} else {
			to = middle
		}
	}
	if from == len(c.held) || c.held[from].value != v {
		return nil
	}
	return &c.held[from]
}

// count is how many members hold a value that they share.
func (c *community) count(v valueID) int {
	if h := c.find(v); h != nil {
		return h.n
	}
	return 0
}

// values yields each distinct value of a row that members share, with its kind.
func values(row []seen) iter.Seq2[kindID, *held] {
	return func(yield func(kindID, *held) bool) {
		first := 0 // of the same kind
	next:
		for i, s := range row {
			if s.kind != row[first].kind {
				first = i
			}
			if s.held == nil {
				continue
			}
			for _, before := range row[first:i] {
				if before.value == s.value {
					continue next
				}
			}
			if !yield(s.kind, s.held) {
				return
			}
		}
	}
}

// answersOf yields the questions that a host answers, and whether another
// member gives one of its answers too. Prints of a question are neighbours.
func answersOf(row []seen) iter.Seq2[asked, bool] {
	return func(yield func(asked, bool) bool) {
		for i := 0; i < len(row); {
			q, shared := askedOf(row[i].kind, row[i].port), false
			for ; i < len(row) && askedOf(row[i].kind, row[i].port) == q; i++ {
				shared = shared || row[i].held != nil
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
	stock      bool
}

// of looks a value of members up, once for all of them.
func (c *community) of(h *held) *shared {
	if !h.known {
		n, kind, f := float64(h.n), c.values[h.value].kind(), c.feature(h.value)
		s := shared{prevalence: prevalence{c.rarity(h.value), float64(c.Index.held(h.value)) - n, float64(c.answered[kind]) - float64(c.kind[kind])}}
		s.u = s.value(0)
		s.m = (n - 1 + tableWeight*c.m(h.value)) / (float64(len(c.members)-1) + tableWeight)
		s.bits = worth(s.m, s.u, s.excess)
		s.software, s.stock = c.table.software(f), c.table.isStock(f)
		h.shared, h.known = s, true
	}
	return &h.shared
}

// given is what v is worth to one who holds g, when both speak of software.
func (c *community) given(v, g *held) float64 {
	s := c.of(v)
	pair := [2]valueID{min(v.value, g.value), max(v.value, g.value)}
	both, ok := c.joint[pair]
	if !ok {
		both = c.both(v.value, g.value, func(h hostID) bool {
			_, member := slices.BinarySearch(c.members, h)
			return !member
		})
		if c.joint == nil {
			c.joint = map[[2]valueID]float64{}
		}
		c.joint[pair] = both
	}
	if both == 0 {
		return s.bits
	}
	u := max(s.u, (both+tableWeight*s.u)/(max(both, c.of(g).holders)+tableWeight))
	return worth(s.m, u, s.excess)
}

// confidence is that of the members on the average.
func (c *community) confidence() float64 {
	sum := 0.0
	for i := range c.scores {
		sum += c.sure(&c.scores[i])
	}
	return sum / float64(len(c.members))
}
