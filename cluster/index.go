package cluster

import (
	"cmp"
	"hash/maphash"
	"iter"
	"math"
	"net/netip"
	"slices"

	"github.com/hostkin/hostkin/cluster/baseline"
	"github.com/hostkin/hostkin/fingerprints"
)

// Builder gathers fingerprints, in any order, for an Index. It keeps each
// value once, so that a scan of ten million hosts fits into memory.
type Builder struct {
	table       *Table
	kinds       []*kindInfo // by kindID, in the order of their names
	families    []uint8     // of each kind, positions in familyNames
	familyNames []string
	byKind      map[fingerprints.Kind]kindID

	addrs  []netip.Addr
	byAddr map[netip.Addr]hostID
	last   string // the host of the last fingerprint, which the next one mostly is of too
	lastID hostID

	seed   maphash.Seed
	ids    map[uint64]valueID // by hash
	values []valueText
	texts  texts

	rows [][]row // in chunks, so that none is ever copied
}

type (
	hostID  = uint32 // of an Index: in the order of addresses
	valueID = uint32 // in the order in which values came: nothing that is written may depend on it
	kindID  = uint8
)

// row is one fingerprint before it is sorted.
type row struct {
	host  hostID
	value valueID
	port  uint16
	kind  kindID
}

// print is one fingerprint of a host.
type print struct {
	value valueID
	port  uint16
	kind  kindID
}

// valueText is where the text of a value lies.
type valueText struct {
	at   uint64 // chunk, offset
	size uint32
	kind kindID
}

// texts keeps strings without a pointer for each, which would cost the
// garbage collector more than everything else.
type texts struct{ chunks [][]byte }

const chunkSize = 1 << 20

func (t *texts) put(s string) (at uint64) {
	last := len(t.chunks) - 1
	if last < 0 || len(t.chunks[last])+len(s) > cap(t.chunks[last]) {
		t.chunks = append(t.chunks, make([]byte, 0, max(chunkSize, len(s))))
		last++
	}
	at = uint64(last)<<32 | uint64(len(t.chunks[last]))
	t.chunks[last] = append(t.chunks[last], s...)
	return at
}

func (t *texts) get(v valueText) []byte {
	off := v.at & math.MaxUint32
	return t.chunks[v.at>>32][off : off+uint64(v.size)]
}

// NewBuilder makes a builder for values as t knows them.
func NewBuilder(t *Table) *Builder {
	b := &Builder{table: t, byAddr: map[netip.Addr]hostID{}, byKind: map[fingerprints.Kind]kindID{}, seed: maphash.MakeSeed(), ids: map[uint64]valueID{}}
	for _, kind := range t.Kinds() {
		b.byKind[kind] = kindID(len(b.kinds))
		b.kinds = append(b.kinds, t.kinds[kind])
		family := slices.Index(b.familyNames, t.kinds[kind].Family)
		if family < 0 {
			family = len(b.familyNames)
			b.familyNames = append(b.familyNames, t.kinds[kind].Family)
		}
		b.families = append(b.families, uint8(family))
	}
	return b
}

// Add takes a fingerprint. Partial values, unknown kinds, withdrawn values and
// hosts that are no address count for nothing.
func (b *Builder) Add(f fingerprints.Fingerprint) {
	kind, ok := b.byKind[f.Kind]
	if !ok || f.Partial || b.table.withdrawn(f.Kind, f.Value) {
		return
	}
	host, ok := b.host(f.Host)
	if !ok {
		return
	}
	b.row(row{host, b.value(kind, b.table.stockNear(f.Kind, f.Value)), f.Port, kind})
}

func (b *Builder) row(r row) {
	last := len(b.rows) - 1
	if last < 0 || len(b.rows[last]) == cap(b.rows[last]) {
		b.rows = append(b.rows, make([]row, 0, 64<<min(10, len(b.rows))))
		last++
	}
	b.rows[last] = append(b.rows[last], r)
}

func (b *Builder) host(addr string) (hostID, bool) {
	if addr == b.last && b.last != "" {
		return b.lastID, true
	}
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return 0, false
	}
	id, known := b.byAddr[ip]
	if !known {
		id = hostID(len(b.addrs))
		b.addrs = append(b.addrs, ip)
		b.byAddr[ip] = id
	}
	b.last, b.lastID = addr, id
	return id, true
}

// value numbers a value. Two values of one hash are told apart by a second look.
func (b *Builder) value(kind kindID, text string) valueID {
	for h := b.hash(kind, text); ; h++ {
		id, known := b.ids[h]
		if !known {
			id = valueID(len(b.values))
			b.values = append(b.values, valueText{b.texts.put(text), uint32(len(text)), kind})
			b.ids[h] = id
			return id
		}
		if v := b.values[id]; v.kind == kind && string(b.texts.get(v)) == text {
			return id
		}
	}
}

func (b *Builder) hash(kind kindID, text string) uint64 {
	return maphash.String(b.seed, text) + uint64(kind)*0x9e3779b97f4a7c15
}

// Index is the fingerprints of a scan, sorted both ways: the values of each
// host and the hosts of each value. It may be read by many goroutines.
type Index struct {
	*Builder
	start    []uint32 // prints of host h are prints[start[h]:start[h+1]]
	prints   []print  // of each host by kind, port and text
	from     []uint32 // hosts of value v are holders[from[v]:from[v+1]], ascending, each once
	holders  []hostID
	answered []uint32  // hosts with any value of a kind
	asked    []Asked   // what a scan told of each host; nil: nothing
	stands   []float64 // see Host.Stands; nil: all 0

	weak        map[valueID]bool // tie nobody: held by hosts that are no kin
	weights     []float32        // bits of each value before any verdict, 0 of those that one host holds
	networks    []uint32         // autonomous system of each host, 0: not known; nil: no such data
	randomPairs float64          // share of pairs of hosts that are in one of them
	products    float64          // see doubt.go
}

// Index sorts what was gathered. The builder must not be used afterwards.
func (b *Builder) Index() *Index {
	x := &Index{Builder: b}
	x.sortHosts()
	x.sortPrints()
	x.lead()
	x.post()
	x.weigh()
	x.learn()
	return x
}

// NewIndex indexes hosts that are in memory.
func NewIndex(t *Table, hosts []Host) *Index {
	b := NewBuilder(t)
	for _, h := range hosts {
		for _, f := range h.Prints {
			f.Host = h.Addr
			b.Add(f)
		}
	}
	x := b.Index()
	x.asked, x.stands = make([]Asked, x.Hosts()), make([]float64, x.Hosts())
	for _, h := range hosts {
		if id, ok := x.find(h.Addr); ok {
			x.asked[id], x.stands[id] = h.Asked, h.Stands
		}
	}
	return x
}

// sortHosts numbers hosts anew, by address.
func (x *Index) sortHosts() {
	order := make([]hostID, len(x.addrs))
	for i := range order {
		order[i] = hostID(i)
	}
	slices.SortFunc(order, func(a, b hostID) int { return x.addrs[a].Compare(x.addrs[b]) })
	rank, sorted := make([]hostID, len(order)), make([]netip.Addr, len(order))
	for i, old := range order {
		rank[old], sorted[i] = hostID(i), x.addrs[old]
	}
	x.addrs, x.byAddr = sorted, nil // found by binary search from now on
	for _, chunk := range x.rows {
		for i := range chunk {
			chunk[i].host = rank[chunk[i].host]
		}
	}
}

// sortPrints sorts the rows by host, counting, and those of each host by kind,
// port and text, each once.
func (x *Index) sortPrints() {
	x.start = make([]uint32, len(x.addrs)+1)
	for _, chunk := range x.rows {
		for _, r := range chunk {
			x.start[r.host+1]++
		}
	}
	sums(x.start)
	x.prints = make([]print, x.start[len(x.addrs)])
	next := slices.Clone(x.start)
	for i, chunk := range x.rows {
		for _, r := range chunk {
			x.prints[next[r.host]] = print{r.value, r.port, r.kind}
			next[r.host]++
		}
		x.rows[i] = nil
	}
	x.rows = nil
	x.compact()
}

// compact sorts the prints of each host and drops what stands twice.
func (x *Index) compact() {
	kept := uint32(0)
	for h := range x.addrs {
		list := x.prints[x.start[h]:x.start[h+1]]
		slices.SortFunc(list, x.comparePrints)
		list = slices.Compact(list)
		x.start[h] = kept
		kept += uint32(copy(x.prints[kept:], list))
	}
	x.start[len(x.addrs)] = kept
	x.prints = x.prints[:kept]
}

func (x *Index) comparePrints(a, b print) int {
	if c := cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.port, b.port)); c != 0 || a.value == b.value {
		return c
	}
	return cmp.Compare(string(x.texts.get(x.values[a.value])), string(x.texts.get(x.values[b.value])))
}

// post fills holders, and counts who answered which kind.
func (x *Index) post() {
	x.from = make([]uint32, len(x.values)+1)
	x.answered = make([]uint32, len(x.kinds))
	for h := range x.addrs {
		kind := -1
		for v, p := range x.valuesOf(hostID(h)) {
			x.from[v+1]++
			if int(p.kind) != kind {
				kind = int(p.kind)
				x.answered[kind]++
			}
		}
	}
	sums(x.from)
	x.holders = make([]hostID, x.from[len(x.values)])
	next := slices.Clone(x.from)
	for h := range x.addrs {
		for v := range x.valuesOf(hostID(h)) {
			x.holders[next[v]] = hostID(h)
			next[v]++
		}
	}
}

func sums(counts []uint32) {
	for i := 1; i < len(counts); i++ {
		counts[i] += counts[i-1]
	}
}

// printsOf are the fingerprints of a host, by kind, port and text.
func (x *Index) printsOf(h hostID) []print { return x.prints[x.start[h]:x.start[h+1]] }

// valuesOf are the distinct values of a host, each with the first of its prints.
func (x *Index) valuesOf(h hostID) iter.Seq2[valueID, print] {
	return func(yield func(valueID, print) bool) {
		list := x.printsOf(h)
		first := 0 // of the same kind
	next:
		for i, p := range list {
			if p.kind != list[first].kind {
				first = i
			}
			for _, q := range list[first:i] {
				if q.value == p.value {
					continue next
				}
			}
			if !yield(p.value, p) {
				return
			}
		}
	}
}

// holdersOf are the hosts with a value, ascending.
func (x *Index) holdersOf(v valueID) []hostID { return x.holders[x.from[v]:x.from[v+1]] }

// held counts them.
func (x *Index) held(v valueID) int { return int(x.from[v+1] - x.from[v]) }

// find is the host of an address, if it has a fingerprint.
func (x *Index) find(addr string) (hostID, bool) {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return 0, false
	}
	i, found := slices.BinarySearchFunc(x.addrs, ip, netip.Addr.Compare)
	return hostID(i), found
}

// lookup is the number of a value, if any host holds it.
func (x *Index) lookup(f feature) (valueID, bool) {
	kind, ok := x.byKind[f.kind]
	if !ok {
		return 0, false
	}
	for h := x.hash(kind, f.value); ; h++ {
		id, known := x.ids[h]
		if !known {
			return 0, false
		}
		if v := x.values[id]; v.kind == kind && string(x.texts.get(v)) == f.value {
			return id, x.held(id) > 0
		}
	}
}

// feature is a value with its text.
func (x *Index) feature(v valueID) feature {
	return feature{x.kinds[x.values[v].kind].Kind, string(x.texts.get(x.values[v]))}
}

// Hosts counts the hosts with a fingerprint.
func (x *Index) Hosts() int { return len(x.addrs) }

// Counts yields every value that at least so many hosts hold, in no order.
func (x *Index) Counts(least int) iter.Seq[baseline.Count] {
	return func(yield func(baseline.Count) bool) {
		for v := range x.values {
			if n := x.held(valueID(v)); n >= max(1, least) {
				if f := x.feature(valueID(v)); !yield(baseline.Count{Kind: f.kind, Value: f.value, Hosts: n}) {
					return
				}
			}
		}
	}
}

// Answered counts the hosts with any value of each kind.
func (x *Index) Answered() map[fingerprints.Kind]int {
	out := map[fingerprints.Kind]int{}
	for i, n := range x.answered {
		if n > 0 {
			out[x.kinds[i].Kind] = int(n)
		}
	}
	return out
}
