package asn

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
)

// The bounds of what is read. Tables of the whole Internet have about 1e6
// ranges and 1e5 names.
const (
	maxBytes    = 512 << 20 // of a file
	maxRanges   = 4 << 20   // of all files
	maxNames    = 1 << 19
	maxNameSize = 128 // bytes
	toldFaults  = 20  // of lines, one by one
)

// Builder gathers ranges from any number of files.
type Builder struct {
	v4, v6 []announced
	names  map[uint32]string
	bad    int
	faults []error
}

// announced is a range of addresses, both ends in it, and its AS.
type announced struct {
	from, to address
	as       uint32 // 0: nobody's
}

// Read adds the ranges of a file, uncompressed; the format is told by its
// content. name is for messages. Lines that cannot be read are skipped, see
// Faults; the error is about the file as a whole.
func (b *Builder) Read(name string, r io.Reader) error {
	limited := &io.LimitedReader{R: r, N: maxBytes + 1}
	in := bufio.NewReaderSize(limited, maxLine)
	head, err := in.Peek(1024)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read AS table %s: %w", name, err)
	}
	before := b.size()
	if bytes.IndexByte(head, 0) >= 0 { // no text: the search tree of an MMDB begins with a small number
		err = b.readMMDB(in, maxLeaves)
	} else {
		err = b.readText(name, in)
	}
	switch {
	case limited.N == 0:
		return fmt.Errorf("AS table %s: longer than %d bytes", name, maxBytes)
	case err != nil:
		return fmt.Errorf("read AS table %s: %w", name, err)
	case b.size() == before:
		return fmt.Errorf("AS table %s: no line is a range with an AS; want start,end,AS or prefix,AS by comma or tab, or an MMDB", name)
	}
	return nil
}

// Faults counts the lines that could not be read, and says of the first of
// them what is wrong, as name:line:column: reason.
func (b *Builder) Faults() (n int, first []error) { return b.bad, b.faults }

// Table is what was gathered. Where ranges overlap, the narrower one counts; of
// two that are equally wide, the lower AS number. So the order of files and
// lines does not matter. The builder must not be used afterwards.
func (b *Builder) Table() *Table {
	return &Table{flatten(b.v4), flatten(b.v6), b.names}
}

func (b *Builder) size() int { return len(b.v4) + len(b.v6) }

// errFull ends the reading of a file.
var errFull = fmt.Errorf("more than %d ranges", maxRanges)

// add takes a range whose ends are of one family.
func (b *Builder) add(from, to netip.Addr, as uint32, name string) error {
	if b.size() >= maxRanges {
		return errFull
	}
	r := announced{number(from), number(to), as}
	if from.Is4() {
		b.v4 = append(b.v4, r)
	} else {
		b.v6 = append(b.v6, r)
	}
	b.call(as, name)
	return nil
}

// call keeps the name of an AS; of several, the first by bytes.
func (b *Builder) call(as uint32, name string) {
	name = strings.ToValidUTF8(name[:min(len(name), maxNameSize)], "")
	old, known := b.names[as]
	if as == 0 || name == "" || known && old <= name || !known && len(b.names) >= maxNames {
		return
	}
	if b.names == nil {
		b.names = map[uint32]string{}
	}
	b.names[as] = strings.Clone(name)
}

// flatten cuts ranges into stretches, from left to right, with those that
// cover the place in a heap.
func flatten(list []announced) spans {
	slices.SortFunc(list, func(a, b announced) int {
		return cmp.Or(a.from.compare(b.from), a.to.compare(b.to), cmp.Compare(a.as, b.as))
	})
	var out spans
	var open narrowest
	for len(list) > 0 || len(open) > 0 {
		if len(open) == 0 || len(list) > 0 && list[0].from.compare(open[0].to) <= 0 {
			at := list[0].from
			heap.Push(&open, list[0])
			list = list[1:]
			out.begin(at, open[0].as)
			continue
		}
		at, ok := open[0].to.next()
		if !ok {
			break // the end of all addresses
		}
		for len(open) > 0 && open[0].to.compare(at) < 0 {
			heap.Pop(&open)
		}
		if len(open) == 0 {
			out.begin(at, 0)
		} else {
			out.begin(at, open[0].as)
		}
	}
	return out
}

// narrowest is a heap of ranges: the one that counts is first.
type narrowest []announced

func (h narrowest) Len() int      { return len(h) }
func (h narrowest) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *narrowest) Push(x any)   { *h = append(*h, x.(announced)) }
func (h *narrowest) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (h narrowest) Less(i, j int) bool {
	a, b := h[i], h[j]
	if c := a.to.minus(a.from).compare(b.to.minus(b.from)); c != 0 {
		return c < 0
	}
	return a.as-1 < b.as-1 // 0, nobody, is the last
}
