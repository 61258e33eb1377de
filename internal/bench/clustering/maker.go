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

// installed makes a host of a stack, parts of which were exchanged since.
func (m *maker) installed(st stack, faithful float64) {
	kept := func(part int, pool weighted) int {
		if chance(m.r, faithful) {
			return part
		}
		return pool.draw(m.r)
	}
	s := m.stock
	for m.v == (values{}) {
		if chance(m.r, .6) {
			s.sshServer(&m.v, kept(st.ssh, s.ssh))
			m.v[hostKey] = s.value(hostKey, m.own)
			if chance(m.r, .05) { // a hardening guide
				m.v[kexinit] = s.value(kexinit, fmt.Sprint("guide", m.r.IntN(40)))
			}
		}
		if chance(m.r, .7) {
			s.tlsLibrary(&m.v, kept(st.tls, s.tls))
			s.certificate(&m.v, m.r, kept(st.tool, s.tools), m.own)
		}
		if chance(m.r, .8) {
			s.webServer(&m.v, kept(st.web, s.web))
			m.site(m.p.OwnSite + m.p.Apps)
		}
	}
	m.v[synAck] = s.value(synAck, fmt.Sprint(kept(st.tcp, s.tcp)))
	m.odd()
}

// odd gives some parts a setting that few other hosts have, at every rarity:
// the long tail of the kinds that have few common values.
func (m *maker) odd() {
	for _, part := range [][]slot{{kexinit, hassh}, {jarm, helloC}, {headerOrder}, {errorPage}, {shape}} {
		if m.v[part[0]] == "" || !chance(m.r, m.p.Odd) {
			continue
		}
		setting := fmt.Sprint("setting-", int(powerLaw(m.r, 10, float64(len(m.truth)), 1)))
		for _, q := range part {
			m.v[q] = m.value(q, setting)
		}
	}
}

// site replaces the server's page, so often: by an application's or by one
// that no other host has.
func (m *maker) site(often float64) {
	if m.v[headerOrder] == "" || !chance(m.r, often) {
		return
	}
	if chance(m.r, m.p.Apps/(m.p.OwnSite+m.p.Apps)) {
		m.stock.app(&m.v, m.stock.apps.draw(m.r), chance(m.r, .6))
	} else {
		m.v[body], m.v[favicon] = "", ""
	}
	if m.v[body] == "" {
		m.v[title], m.v[body] = m.value(title, "Site "+m.own), m.value(body, m.own)
		if m.v[favicon] == "" && chance(m.r, .5) {
			m.v[favicon] = m.value(favicon, m.own)
		}
	}
}

// product makes an installation: all alike but for the keys, names and serial
// numbers made at the first start.
func (m *maker) product(a *appliance) {
	m.v = a.versions[a.age.draw(m.r)]
	if m.v[software] != "" && m.v[hostKey] == "" {
		m.v[hostKey] = m.value(hostKey, m.own)
	}
	if m.v[jarm] != "" && m.v[spki] == "" {
		m.v[spki] = m.value(spki, m.own)
		if m.v[issuer] == "" {
			m.v[issuer] = m.value(issuer, m.own)
			m.v[subject] = m.value(subject, m.own)
		}
		if m.v[shape] == "" {
			m.v[shape] = m.value(shape, fmt.Sprint("tool-", m.stock.tools.draw(m.r)))
		}
	}
	if a.unnamed && m.v[title] != "" {
		m.v[title] += " " + m.own
	}
}

// member makes a host of a provider.
func (m *maker) member(i int, p *provider) (as int) {
	as = p.systems[p.nearest.draw(m.r)]
	im := &p.images[p.popular.draw(m.r)]
	m.truth[i] &^= marked
	m.role = ofImage
	if chance(m.r, m.p.Reimaged) {
		m.role = ofNothing
		m.installed(m.stock.installed[m.stock.stacks.draw(m.r)], m.p.Faithful)
		m.tenant(m.p.Tenants)
		m.forget()
		return as
	}
	m.base(im)
	planted := im.planted
	for q, v := range p.common {
		if v != "" && im.answers(slot(q)) {
			planted[q] = v
		}
	}
	for q, v := range planted {
		if v != "" && !chance(m.r, p.drift) {
			m.v[q] = v
		} else {
			planted[q] = ""
		}
	}
	m.tenant(m.p.Tenants)
	m.forget()
	for q, v := range planted {
		if v != "" && m.v[q] == v {
			m.truth[i] |= marked
		}
	}
	return as
}

// base is an image before the provider touched it: the stock under it hardly
// ever changes, and all services of the image answer.
func (m *maker) base(im *image) {
	s := m.stock
	if im.kit != nil {
		m.product(im.kit)
	} else {
		s.sshServer(&m.v, im.base.ssh)
		s.tlsLibrary(&m.v, im.base.tls)
		s.webServer(&m.v, im.base.web)
		m.v[hostKey] = s.value(hostKey, m.own)
		s.certificate(&m.v, m.r, im.base.tool, m.own)
		m.site(m.p.OwnSite)
		m.v[synAck] = s.value(synAck, fmt.Sprint(im.base.tcp))
	}
	for k, service := range services() {
		if !im.offers[k] {
			for _, q := range service {
				m.v[q] = ""
			}
		}
	}
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
