package targets

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// place is where in the input a text stands.
type place struct {
	file      string
	line, col int
}

// gather collects what one side (the targets, or the exclusions) mentions.
type gather struct {
	forbid *forbidden // nil for exclusions: anything can be excluded
	faults *faults
	notes  *notes

	spans     bag[span] // addresses mentioned without a port
	endpoints bag[endpoint]
	titles    bag[title]
	names     bag[namePort]
	taken     int // targets and results so far, repeated ones too
	without   int // results without an open port in the list being read
}

func newGather(forbid *forbidden, fs *faults, ns *notes) *gather {
	return &gather{
		forbid: forbid, faults: fs, notes: ns,
		spans:     bag[span]{settle: normalise},
		endpoints: bag[endpoint]{settle: sorted(endpoint.compare)},
		titles:    bag[title]{settle: sorted(title.compare)},
		names:     bag[namePort]{settle: sorted(namePort.compare)},
	}
}

// bag collects items and settles them (sorted, none twice) whenever they have
// doubled: a list that repeats itself costs the memory of what it says, not
// of how often it says it.
type bag[T any] struct {
	items   []T
	settled int // len(items) after the last settle
	settle  func([]T) []T
}

func (b *bag[T]) add(items ...T) {
	b.items = append(b.items, items...)
	if len(b.items) > 2*b.settled+1<<16 {
		b.all()
	}
}

// all settles the items and returns them.
func (b *bag[T]) all() []T {
	b.items = b.settle(b.items)
	b.settled = len(b.items)
	return b.items
}

func sorted[T comparable](compare func(a, b T) int) func([]T) []T {
	return func(items []T) []T {
		slices.SortFunc(items, compare)
		return slices.Compact(items)
	}
}

// endpoint is an address mentioned with a port.
type endpoint struct {
	addr u128
	port uint16
}

// title is the name that another tool's output gives an address.
type title struct {
	addr u128
	name string
}

// namePort is a name to resolve; port 0 stands for none.
type namePort struct {
	name string
	port uint16
}

func (g *gather) excluding() bool { return g.forbid == nil }

func (g *gather) fault(at place, text, problem string) {
	g.faults.add(&Fault{File: at.file, Line: at.line, Column: at.col, Text: text, Problem: problem})
}

// target takes one TARGET text.
func (g *gather) target(text string, at place) {
	e, problem := parseTarget(text)
	if problem != "" {
		g.fault(at, text, problem)
		return
	}
	if e.masked {
		g.notes.add(masked, fmt.Sprintf("%s: host bits set, taken as %s", text, cidr(e)))
	}
	if g.excluding() && e.port != 0 {
		g.notes.add(wholeHost, fmt.Sprintf("%s: an exclusion is of a whole host, so all ports of %s are excluded", text, e.text()))
		e.port = 0
	}
	g.entry(e, text, at)
}

func (g *gather) entry(e entry, text string, at place) {
	g.taken++
	if e.name != "" {
		g.names.add(namePort{e.name, e.port})
		return
	}
	spans := g.permitted(e, text, at)
	if e.port == 0 {
		g.spans.add(spans...)
	} else if len(spans) > 0 {
		g.endpoints.add(endpoint{fromAddr(e.from), e.port})
	}
}

// permitted is the part of e that may be looked at, with a fault if nothing
// and a note if not all.
func (g *gather) permitted(e entry, text string, at place) []span {
	if g.excluding() { // anything, but ::/0 is no IPv4 (see u128)
		if e.from.Is4() {
			return []span{e.span()}
		}
		return subtract([]span{e.span()}, []span{spanOf(mappedPrefix())})
	}
	if e.from == e.to {
		if r, banned := g.forbid.address(e.from); banned {
			g.fault(at, text, refusal(r))
			return nil
		}
		return []span{e.span()}
	}
	rest, left := g.forbid.carve(e.span(), e.from.Is4())
	if len(rest) == 0 {
		g.fault(at, text, refusal(left...))
	} else if len(left) > 0 {
		g.notes.add(leftOut, fmt.Sprintf("%s: left out %s", text, describe(left)))
	}
	return rest
}

// refusal says why nothing of a target is looked at, and what can be done.
func refusal(left ...registered) string {
	within := "in "
	if len(left) == 1 && left[0].prefix.IsSingleIP() {
		within = ""
	}
	if slices.ContainsFunc(left, func(r registered) bool { return !r.never }) {
		return within + describe(left) + ", special-purpose by the IANA registries; --allow-special to look at it all the same"
	}
	return within + describe(left) + ", which is never looked at"
}

// result takes one host out of another tool's output. ports are its open TCP
// ports; scanned says that ports were looked for at all.
func (g *gather) result(address, name string, ports []uint16, scanned bool, at place) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Zone() != "" {
		g.fault(at, address, "not an address")
		return
	}
	a = a.Unmap()
	e := entry{from: a, to: a}
	if g.excluding() {
		g.entry(e, address, at)
		return
	}
	if scanned && len(ports) == 0 {
		g.taken++
		g.without++
		return
	}
	faults := g.faults.count()
	if len(ports) == 0 {
		g.entry(e, address, at)
	}
	for _, e.port = range ports {
		if g.entry(e, address, at); g.faults.count() > faults {
			return
		}
	}
	if name, problem := hostName(name); problem == "" {
		g.titles.add(title{fromAddr(a), name})
	}
}

// addresses is every address mentioned, with a port or without, normalised.
func (g *gather) addresses() []span {
	all := slices.Clone(g.spans.all())
	for _, e := range g.endpoints.all() {
		all = append(all, single(e.addr))
	}
	return normalise(all)
}

func (e endpoint) compare(o endpoint) int {
	return cmp.Or(e.addr.cmp(o.addr), cmp.Compare(e.port, o.port))
}

func (t title) compare(o title) int {
	return cmp.Or(t.addr.cmp(o.addr), cmp.Compare(t.name, o.name))
}

func (n namePort) compare(o namePort) int {
	return cmp.Or(cmp.Compare(n.name, o.name), cmp.Compare(n.port, o.port))
}

// cidr is a masked entry as the prefix that it was taken as.
func cidr(e entry) string {
	from, to := fromAddr(e.from), fromAddr(e.to)
	host := to.sub(from).len()
	return netip.PrefixFrom(e.from, e.from.BitLen()-host).String()
}
