package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
)

// maker makes the hosts of a world one after another.
type maker struct {
	*world
	pcg   *rand.PCG
	r     *rand.Rand
	pools []weighted // of make b
	own   string     // a word that no other host has
	v     values
	role  role
}

func newMaker(w *world) *maker {
	pcg := &rand.PCG{}
	m := &maker{world: w, pcg: pcg, r: rand.New(pcg)}
	for _, pool := range pools() {
		m.pools = append(m.pools, zipf(pool.values, pool.slope))
	}
	return m
}

func (m *maker) host(i int) netip.Addr {
	m.pcg.Seed(m.seed^mix(m.stream), uint64(i)*0x9e3779b97f4a7c15)
	m.own = fmt.Sprintf("%s%d-%x", m.stream, i, m.seed)
	m.v, m.role = values{}, ofStack
	var as int
	if m.p.Independent {
		as = m.independent(i)
	} else {
		as = m.correlated(i)
	}
	if m.p.Flat {
		return scatter(i)
	}
	return m.net.take(as)
}

// scatter spreads numbers below 2^30 over 16.0.0.0 to 79.255.255.255: odd
// factors and shifted sums are permutations.
func scatter(i int) netip.Addr {
	const mask = 1<<30 - 1
	x := uint32(i)
	for range 2 {
		x = x * 0x2c1b3c6d & mask
		x ^= x >> 15
	}
	return addrOf(16<<24 + x)
}

// correlated makes a host of makes a and c: what it answers hangs together.
func (m *maker) correlated(i int) (as int) {
	if p := m.truth[i].provider(); p >= 0 {
		return m.member(i, &m.providers[p])
	}
	as = m.net.size.draw(m.r)
	switch x := m.r.Float64() * (1 - m.p.Providers); {
	case x < m.p.CDNHosts && len(m.stock.cdns) > 0:
		c := &m.stock.cdns[m.r.IntN(len(m.stock.cdns))]
		as = m.place(c, as)
		m.product(c)
		m.role = ofCDN
		if chance(m.r, .3) { // a customer's own certificate
			m.v[spki], m.v[subject], m.v[domain] = m.value(spki, m.own), m.value(subject, m.own), m.value(domain, m.own)
			m.tenant(.5)
		}
		m.forget()
		return as
	case x < m.p.CDNHosts+m.p.Appliances && len(m.stock.appliances) > 0:
		a := &m.stock.appliances[m.stock.popular.draw(m.r)]
		as = m.place(a, as)
		m.product(a)
		m.role = ofAppliance
	case as < len(m.stock.hosters) && chance(m.r, m.p.HosterImages):
		m.product(&m.stock.hosters[as])
		m.site(.5)
		m.role = ofHoster
	default:
		m.installed(m.stock.installed[m.stock.stacks.draw(m.r)], m.p.Faithful)
	}
	m.tenant(m.p.Tenants)
	m.forget()
	return as
}

func (m *maker) value(q slot, word string) string { return m.stock.value(q, word) }

// place is where an installation of a product is, if not anywhere.
func (m *maker) place(a *appliance, anywhere int) int {
	if len(a.systems) == 0 || chance(m.r, a.spread) {
		return anywhere
	}
	return a.systems[m.r.IntN(len(a.systems))]
}

// tenant puts a customer's certificate on a host, so often.
func (m *maker) tenant(often float64) {
	if m.v[spki] == "" || len(m.tenants) == 0 || !chance(m.r, often) {
		return
	}
	m.role |= withTenant
	t := m.tenants.draw(m.r)
	name := fmt.Sprintf("tenant%d-%s", t, m.stream)
	ca := t % publicCAs
	m.v[spki], m.v[subject], m.v[domain] = m.value(spki, name), m.value(subject, name), m.value(domain, name)
	m.v[issuer], m.v[shape] = m.value(issuer, fmt.Sprint("Public CA ", ca)), m.value(shape, fmt.Sprint("public-", ca/2))
}

// forget leaves out what the scan did not get, by service and kind by kind.
func (m *maker) forget() {
	for _, service := range services() {
		if chance(m.r, m.p.Down) {
			for _, q := range service {
				m.v[q] = ""
			}
		}
	}
	m.v[banner] = "" // software says as much
	for q := range m.v {
		if chance(m.r, m.missing[q]) {
			m.v[q] = ""
		}
	}
	if m.v == (values{}) {
		m.v[synAck] = m.value(synAck, "0") // a host answered something, or it were none
	}
}
