package cluster

import "net/netip"

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
