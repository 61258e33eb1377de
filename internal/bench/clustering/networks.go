package main

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
	"net/netip"
	"slices"
)

// networks are the autonomous systems of a world: sizes by a power law, each
// with one to eight prefixes somewhere in 11.0.0.0 to 99.255.255.255, which
// holds no special range.
type networks struct {
	size   weighted // how many of the hosts
	blocks [][]block
	taken  []uint32 // addresses given out, by system
	sorted []block
	mask   []uint32 // addresses of a system - 1
	mul    uint32
}

type block struct {
	first, size uint32
	as          int
}

const firstAS = 1001 // number of the first system

func newNetworks(seed uint64, hosts int, p params) *networks {
	r := source(seed, "networks", 0)
	n := max(30, int(p.Networks*math.Sqrt(float64(hosts))))
	net := &networks{size: newWeighted(n, func(i int) float64 { return math.Pow(float64(i)+3, -p.NetworkSlope) }),
		blocks: make([][]block, n), taken: make([]uint32, n), mask: make([]uint32, n), mul: r.Uint32() | 1}
	var all []block
	last := 0.0
	for as, sum := range net.size {
		share := (sum - last) / net.size[n-1]
		last = sum
		// Room for four times the hosts to be expected, for providers gather in a few systems.
		room := uint32(1) << bits.Len32(uint32(4*share*float64(hosts))+255)
		parts := uint32(1) << r.IntN(4)
		net.mask[as] = room - 1
		for range parts {
			all = append(all, block{size: room / parts, as: as})
		}
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	slices.SortStableFunc(all, func(a, b block) int { return cmp.Compare(b.size, a.size) })
	next := uint32(11 << 24)
	for i := range all {
		all[i].first = next
		next += all[i].size
		net.blocks[all[i].as] = append(net.blocks[all[i].as], all[i])
	}
	net.sorted = all
	return net
}

// take gives out an address of a system, or of another one when it is full.
func (net *networks) take(as int) netip.Addr {
	for net.taken[as] > net.mask[as] {
		as = (as + 1) % len(net.taken)
	}
	i := (net.taken[as]*net.mul + uint32(as)) & net.mask[as] // a permutation: mul is odd
	net.taken[as]++
	size := net.blocks[as][0].size
	return addrOf(net.blocks[as][i/size].first + i%size)
}

// lookup is cluster.Options.Network.
func (net *networks) lookup(addr netip.Addr) uint32 {
	if !addr.Is4() {
		return 0
	}
	a := numberOf(addr)
	i, found := slices.BinarySearchFunc(net.sorted, a, func(b block, a uint32) int { return cmp.Compare(b.first, a) })
	if !found {
		i--
	}
	if i < 0 || a-net.sorted[i].first >= net.sorted[i].size {
		return 0
	}
	return uint32(firstAS + net.sorted[i].as)
}

// write writes the table as iptoasn.com does: first, last, number, country, name.
func (net *networks) write(w io.Writer) error {
	for _, b := range net.sorted {
		if _, err := fmt.Fprintf(w, "%s\t%s\t%d\tZZ\tAS-SYNTHETIC-%d\n", addrOf(b.first), addrOf(b.first+b.size-1), firstAS+b.as, firstAS+b.as); err != nil {
			return err
		}
	}
	return nil
}

func addrOf(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))
}

func numberOf(a netip.Addr) uint32 { b := a.As4(); return binary.BigEndian.Uint32(b[:]) }
