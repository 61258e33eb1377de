package cluster

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"iter"
	"net/netip"
	"slices"

	"github.com/hostkin/hostkin/cluster/baseline"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/internal/hugepage"
)

// Builder gathers fingerprints, in any order, for an Index. What it keeps of one
// is 24 bytes and, unless the value came by lately, its text: so that a scan of
// ten million hosts fits into memory.
type Builder struct {
	table       *Table
	kinds       []*kindInfo // by kindID, in the order of their names
	families    []uint8     // of each kind, positions in familyNames
	familyNames []string
	byKind      map[fingerprints.Kind]kindID

	addrs  []netip.Addr // one that comes again later stands twice until hosts are sorted
	counts []uint32     // fingerprints of each host
	last   string       // the host of the last fingerprint, which the next one mostly is of too

	seed   maphash.Seed
	texts  texts
	lately [1 << 14]struct{ hash, at uint64 } // values that came by, each in the place of its hash
	rows   [buckets]chunks
	slab   slab      // of their memory
	near   []waiting // of kinds with near values: until all are known
}

type (
	hostID  = uint32 // of an Index: in the order of addresses
	valueID = uint32 // of an Index: in the order of their hashes, which are others in every run; nothing that is written may depend on it
	kindID  = uint8
)

// buckets is how many parts rows are kept in, by the first byte of their hash:
// each is small enough to be sorted in a processor's cache.
const buckets = 256

// row is one fingerprint before it is sorted.
type row struct {
	hash uint64 // of kind and value: two values of one hash are taken for one; of 25 million there are any with probability 2^-16
	what uint64 // text, port and kind
	host hostID
}

func (r row) port() uint16 { return uint16(r.what >> 8) }
func (r row) kind() kindID { return kindID(r.what) }

// waiting is a fingerprint whose value may be counted as another one near it.
type waiting struct {
	host hostID
	port uint16
	kind kindID
	text string
}

// print is one fingerprint of a host.
type print struct {
	value valueID
	port  uint16
	kind  kindID
}

// valueRow is a value of an index: where it is found and what it is.
type valueRow struct{ hash, what uint64 }

func (v valueRow) kind() kindID { return kindID(v.what) }

// NewBuilder makes a builder for values as t knows them.
func NewBuilder(t *Table) *Builder {
	b := &Builder{table: t, byKind: map[fingerprints.Kind]kindID{}, seed: maphash.MakeSeed()}
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
	if b.kinds[kind].Near > 0 {
		b.near = append(b.near, waiting{host, f.Port, kind, b.table.stockNear(f.Kind, f.Value)})
		return
	}
	b.row(host, f.Port, kind, f.Value)
}

func (b *Builder) host(addr string) (hostID, bool) {
	if addr != b.last || addr == "" {
		ip, err := netip.ParseAddr(addr)
		if err != nil {
			return 0, false
		}
		b.addrs, b.counts, b.last = hugepage.Append(b.addrs, ip), hugepage.Append(b.counts, 0), addr
	}
	return hostID(len(b.addrs) - 1), true
}

func (b *Builder) row(host hostID, port uint16, kind kindID, text string) {
	hash := b.hash(kind, text)
	known := &b.lately[hash%uint64(len(b.lately))]
	if known.hash != hash {
		known.hash, known.at = hash, b.texts.put(text)
	}
	b.rows[hash>>56].add(row{hash, known.at<<24 | uint64(port)<<8 | uint64(kind), host}, &b.slab)
	b.counts[host]++
}

func (b *Builder) hash(kind kindID, text string) uint64 {
	return maphash.String(b.seed, text) ^ (uint64(kind)+1)*0x9e3779b97f4a7c15
}

// Index is the fingerprints of a scan, sorted both ways: the values of each
// host and the hosts of each value. It may be read by many goroutines.
type Index struct {
	*Builder
	start    []uint32   // prints of host h are prints[start[h]:start[h+1]]
	prints   []print    // of each host by kind, port and text
	values   []valueRow // by hash
	from     []uint32   // hosts of value v are holders[from[v]:from[v+1]], ascending, each once
	holders  []hostID
	found    finder    // of values
	answered []uint32  // hosts with any value of a kind
	asked    []Asked   // what a scan told of each host; nil: nothing
	stands   []float64 // see Host.Stands; nil: all 0

	weak        map[valueID]bool // tie nobody: held by hosts that are no kin
	weights     []float32        // bits of each value before any verdict, 0 of those that one host holds
	networks    []uint32         // autonomous system of each host, 0: not known; nil: no such data
	randomPairs float64          // share of pairs of hosts that are in one of them
	products    float64          // see doubt.go
	faithful    faithful         // see calibrate.go; nil: the table speaks
}

// Index sorts what was gathered. The builder must not be used afterwards.
func (b *Builder) Index() *Index {
	x := &Index{Builder: b}
	x.lead()
	rank := x.sortHosts()
	x.sortRows(rank)
	x.slab = slab{}
	x.sortPrints()
	x.found = newFinder(x.values)
	x.locate()
	x.faithful = x.calibrate()
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

// sortHosts numbers hosts anew, by address, each once, and makes room for their prints.
func (x *Index) sortHosts() (rank []hostID) {
	rank = hugepage.Make[hostID](len(x.addrs), len(x.addrs))
	sorted := hugepage.Make[netip.Addr](0, len(x.addrs))
	x.start = hugepage.Make[uint32](1, len(x.addrs)+1)
	for _, h := range byAddress(x.addrs) {
		if addr := x.addrs[h]; len(sorted) == 0 || addr != sorted[len(sorted)-1] {
			sorted, x.start = append(sorted, addr), append(x.start, x.start[len(sorted)])
		}
		rank[h] = hostID(len(sorted) - 1)
		x.start[len(sorted)] += x.counts[h]
	}
	x.addrs, x.counts = sorted, nil
	return rank
}

// byAddress numbers addresses in their order: IPv4, which nearly all are,
// sorted as numbers with their places behind them, then the others.
func byAddress(addrs []netip.Addr) []hostID {
	v4 := hugepage.Make[uint64](0, len(addrs))
	var others []hostID
	for i, addr := range addrs {
		if addr.Is4() {
			b := addr.As4()
			v4 = append(v4, uint64(binary.BigEndian.Uint32(b[:]))<<32|uint64(i))
		} else {
			others = append(others, hostID(i))
		}
	}
	slices.Sort(v4)
	slices.SortStableFunc(others, func(a, b hostID) int { return addrs[a].Compare(addrs[b]) })
	order := hugepage.Make[hostID](0, len(addrs))
	for _, key := range v4 {
		order = append(order, hostID(key))
	}
	return append(order, others...)
}

// sortRows numbers values, bucket by bucket, each with its holders, and deals
// the prints out to their hosts.
func (x *Index) sortRows(rank []hostID) {
	x.prints = hugepage.Make[print](int(x.start[len(x.addrs)]), int(x.start[len(x.addrs)]))
	x.values = hugepage.Make[valueRow](0, len(x.prints)) // room that is not used takes no memory
	x.from, x.holders = hugepage.Make[uint32](0, len(x.prints)+1), hugepage.Make[hostID](0, len(x.prints))
	next := slices.Clone(x.start)
	var sorted sorter
	for i := range x.rows {
		rows := sorted.bucket(&x.rows[i], rank)
		for i, r := range rows {
			same := i > 0 && rows[i-1].hash == r.hash
			if same && rows[i-1].host == r.host && rows[i-1].port() == r.port() {
				continue
			}
			if !same {
				x.values, x.from = append(x.values, valueRow{r.hash, r.what}), append(x.from, uint32(len(x.holders)))
			}
			if !same || rows[i-1].host != r.host {
				x.holders = append(x.holders, r.host)
			}
			x.prints[next[r.host]] = print{valueID(len(x.values) - 1), r.port(), r.kind()}
			next[r.host]++
		}
	}
	x.from = append(x.from, uint32(len(x.holders)))
	kept := uint32(0)
	for h := range x.addrs { // what stood twice has left gaps
		n := copy(x.prints[kept:], x.prints[x.start[h]:next[h]])
		x.start[h] = kept
		kept += uint32(n)
	}
	x.start[len(x.addrs)] = kept
	x.prints = x.prints[:kept]
}

// sortPrints sorts the prints of each host, and counts who answered which kind.
func (x *Index) sortPrints() {
	x.answered = make([]uint32, len(x.kinds))
	for h := range x.addrs {
		list := x.printsOf(hostID(h))
		slices.SortFunc(list, x.comparePrints)
		for i, p := range list {
			if i == 0 || p.kind != list[i-1].kind {
				x.answered[p.kind]++
			}
		}
	}
}

func (x *Index) comparePrints(a, b print) int {
	if c := cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.port, b.port)); c != 0 || a.value == b.value {
		return c
	}
	return bytes.Compare(x.text(a.value), x.text(b.value))
}

func (x *Index) text(v valueID) []byte { return x.texts.get(x.values[v].what >> 24) }

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
	return x.found.find(x.values, x.hash(kind, f.value))
}

// feature is a value with its text.
func (x *Index) feature(v valueID) feature {
	return feature{x.kinds[x.values[v].kind()].Kind, string(x.text(v))}
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
