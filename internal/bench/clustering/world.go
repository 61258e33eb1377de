package main

import (
	"fmt"
	"iter"
	"net/netip"

	"github.com/hostkin/hostkin/fingerprints"
)

// world is a synthetic Internet. Its hosts are made one after another and
// never kept: what stays is the truth, four bytes a host.
type world struct {
	p         params
	seed      uint64
	stream    string // of random numbers: another one is another population of the same world
	stock     *stock
	net       *networks
	providers []provider
	truth     []member
	tenants   weighted
	missing   [slots]float64
}

// member is the provider of a host, or stranger; marked when the host shows
// anything that the provider put there.
type member int32

const (
	stranger member = -1
	marked   member = 1 << 30
)

func (m member) provider() int {
	if m == stranger {
		return -1
	}
	return int(m &^ marked)
}

// observable tells whether the kin of a host can be found at all.
func (m member) observable() bool { return m != stranger && m&marked != 0 }

func newWorld(p params, hosts int, seed uint64) *world {
	w := &world{p: p, seed: seed, stream: "hosts", truth: make([]member, hosts)}
	w.net = newNetworks(seed, hosts, p)
	w.stock = newStock(seed, hosts, p, w.net)
	r := source(seed, "tenants", 0)
	if plan := sizes(r, max(2, int(p.Tenants*float64(hosts))), 2, 60, 2); len(plan) > 0 {
		w.tenants = newWeighted(len(plan), func(i int) float64 { return float64(plan[i]) })
	}
	r = source(seed, "missing", 0)
	for q := range w.missing {
		w.missing[q] = between(r, p.Missing[0], p.Missing[1])
	}
	w.plan()
	return w
}

// plan gives providers their hosts, scattered over the numbers.
func (w *world) plan() {
	for i := range w.truth {
		w.truth[i] = stranger
	}
	r := source(w.seed, "providers", 0)
	n := 0
	for i, size := range sizes(r, int(w.p.Providers*float64(len(w.truth))), 5, scaled(w.p.ProviderMost, len(w.truth)), w.p.ProviderSlope) {
		w.providers = append(w.providers, w.newProvider(source(w.seed, "provider", i), i, size))
		for range size {
			w.truth[n] = member(i)
			n++
		}
	}
	r.Shuffle(len(w.truth), func(i, j int) { w.truth[i], w.truth[j] = w.truth[j], w.truth[i] })
}

// outside is another population of the same world, without the providers: what
// a baseline would be made of.
func (w *world) outside(hosts int) *world {
	o := *w
	o.stream, o.providers, o.truth = "outside", nil, make([]member, hosts)
	o.net = newNetworks(w.seed, max(hosts, len(w.truth)), w.p)
	for i := range o.truth {
		o.truth[i] = stranger
	}
	return &o
}

// host is one host as it is made: numbered in the order in which they come.
type host struct {
	n      int
	addr   netip.Addr
	values *values // valid until the next host
	role   role
}

// hosts makes all hosts, the same ones each time, and notes in the truth
// which of them show what their provider put there.
func (w *world) hosts() iter.Seq[host] {
	return func(yield func(host) bool) {
		clear(w.net.taken)
		m := newMaker(w)
		for i := range w.truth {
			addr := m.host(i)
			if !yield(host{i, addr, &m.v, m.role}) {
				return
			}
		}
	}
}

// prints are the fingerprints of all hosts but those of a family.
func (w *world) prints(without string) iter.Seq[fingerprints.Fingerprint] {
	return func(yield func(fingerprints.Fingerprint) bool) {
		ask := questions()
		for h := range w.hosts() {
			addr := h.addr.String()
			for q, v := range h.values {
				if v == "" || ask[q].family == without {
					continue
				}
				if !yield(fingerprints.Fingerprint{Schema: fingerprints.Schema, Host: addr, Port: ask[q].port, Kind: ask[q].kind, Value: v}) {
					return
				}
			}
		}
	}
}

// network is cluster.Options.Network; nil without systems.
func (w *world) network() func(netip.Addr) uint32 {
	if w.p.Flat {
		return nil
	}
	return w.net.lookup
}

// describe says in a line what the world holds.
func (w *world) describe() string {
	largest := 0
	for _, p := range w.providers {
		largest = max(largest, p.size)
	}
	systems := len(w.net.size)
	if w.p.Flat {
		systems = 0
	}
	return fmt.Sprintf("%d hosts, %d providers (the largest %d), %d autonomous systems, %d appliances", len(w.truth), len(w.providers), largest, systems, len(w.stock.appliances))
}
