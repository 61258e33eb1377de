package cluster

import (
	"net/netip"
	"slices"
)

// Has reports whether the host of an address has a fingerprint.
func (x *Index) Has(addr string) bool {
	_, ok := x.find(addr)
	return ok
}

// Spent notes how many connections a host cost, before the index is read by
// others. A host without a fingerprint is passed over.
func (x *Index) Spent(addr netip.Addr, connections int) {
	h, ok := x.find(addr.String())
	if !ok {
		return
	}
	if x.asked == nil {
		x.asked, x.stands = make([]Asked, x.Hosts()), make([]float64, x.Hosts())
	}
	x.asked[h].Connections = connections
}

// Candidates counts the hosts that Kinship may list.
func (x *Index) Candidates(seeds []string, o Options) (n int) {
	known := map[hostID]bool{}
	for _, addr := range slices.Concat(seeds, o.Not) {
		if h, ok := x.find(addr); ok {
			known[h] = true
		}
	}
	for h, addr := range x.addrs {
		if !known[hostID(h)] && (o.Keep == nil || o.Keep(addr)) {
			n++
		}
	}
	return n
}
