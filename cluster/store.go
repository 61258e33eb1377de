package cluster

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/hostkin/hostkin/internal/hugepage"
)

// texts keeps strings without a pointer for each, which would cost the
// garbage collector more than everything else.
type texts struct{ chunks [][]byte }

const textBits = 22 // of the place within a chunk

// put keeps a string, its length before it, and says where: less than 2^40.
func (t *texts) put(s string) (at uint64) {
	last := len(t.chunks) - 1
	need := binary.MaxVarintLen64 + len(s)
	if last < 0 || len(t.chunks[last])+need > 1<<textBits {
		t.chunks = append(t.chunks, hugepage.Make[byte](0, max(min(1<<textBits, 4096<<min(textBits, len(t.chunks))), need)))
		last++
	}
	at = uint64(last)<<textBits | uint64(len(t.chunks[last]))
	t.chunks[last] = append(binary.AppendUvarint(t.chunks[last], uint64(len(s))), s...)
	return at
}

func (t *texts) get(at uint64) []byte {
	b := t.chunks[at>>textBits][at%(1<<textBits):]
	size, n := binary.Uvarint(b)
	return b[n : n+int(size)]
}

// chunks keeps rows without ever copying them to grow.
type chunks struct {
	full [][]row
	last []row
}

const chunkMost = 1 << 12 // rows

func (c *chunks) add(r row, from *slab) {
	if len(c.last) == cap(c.last) {
		c.full = append(c.full, c.last)
		c.last = from.cut(min(chunkMost, 8<<min(16, 2*len(c.full))))
	}
	c.last = append(c.last, r)
}

// all empties it.
func (c *chunks) all() [][]row {
	all := append(c.full, c.last)
	*c = chunks{}
	return all
}

// slab is memory for chunks: larger pieces of it take fewer of the kernel's pages.
type slab struct {
	rows []row
	next int // size of the next piece
}

// slabMost is 96 MiB of rows.
const slabMost = 1 << 22

func (s *slab) cut(n int) []row {
	if cap(s.rows)-len(s.rows) < n {
		s.next = min(slabMost, max(n, 2*s.next))
		s.rows = hugepage.Make[row](0, s.next)
	}
	at := len(s.rows)
	s.rows = s.rows[:at+n]
	return s.rows[at : at : at+n]
}

// sorter sorts buckets one after the other in the same memory.
type sorter struct {
	rows        []row
	begin, next []uint32
}

// sortBits of the hash at most, behind the byte of the bucket, are sorted by
// counting: so many that a few rows are left to compare.
const sortBits = 16

// bucket empties a bucket, gives its hosts their ranks and sorts it by hash,
// host and port.
func (s *sorter) bucket(c *chunks, rank []hostID) []row {
	all, n := c.all(), 0
	for _, chunk := range all {
		n += len(chunk)
	}
	if cap(s.rows) < n {
		s.rows = hugepage.Make[row](n, n+n/8)
	}
	s.rows = s.rows[:n]
	n = min(sortBits, bits.Len(uint(n/4)))
	part := func(r row) uint64 { return r.hash << 8 >> (64 - n) } // a shift by 64 leaves 0
	s.begin = append(s.begin[:0], make([]uint32, 1<<n+1)...)
	for _, chunk := range all {
		for _, r := range chunk {
			s.begin[part(r)+1]++
		}
	}
	sums(s.begin)
	s.next = append(s.next[:0], s.begin...)
	for _, chunk := range all {
		for _, r := range chunk {
			at := &s.next[part(r)]
			s.rows[*at] = row{r.hash, r.what, rank[r.host]}
			*at++
		}
	}
	for i, from := range s.begin[:1<<n] {
		if list := s.rows[from:s.begin[i+1]]; len(list) > 1 {
			slices.SortFunc(list, compareRows)
		}
	}
	return s.rows
}

func compareRows(a, b row) int {
	switch {
	case a.hash != b.hash:
		return cmp.Compare(a.hash, b.hash)
	case a.host != b.host:
		return cmp.Compare(a.host, b.host)
	}
	return cmp.Compare(a.port(), b.port())
}

// finder finds values by their hashes: where those with the same first bits begin.
type finder struct {
	shift int
	begin []uint32
}

func newFinder(values []valueRow) finder {
	n := min(20, bits.Len(uint(len(values)))) // about two values each, up to a million of them
	f := finder{64 - n, hugepage.Make[uint32](1<<n+1, 1<<n+1)}
	for _, v := range values {
		f.begin[f.first(v.hash)+1]++
	}
	sums(f.begin)
	return f
}

// first are the first bits of a hash; a shift by 64 leaves 0.
func (f finder) first(hash uint64) uint64 { return hash >> f.shift }

func (f finder) find(values []valueRow, hash uint64) (valueID, bool) {
	from, to := f.begin[f.first(hash)], f.begin[f.first(hash)+1]
	i, ok := slices.BinarySearchFunc(values[from:to], hash, func(v valueRow, h uint64) int { return cmp.Compare(v.hash, h) })
	return from + valueID(i), ok
}
