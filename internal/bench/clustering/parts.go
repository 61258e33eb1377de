package main

import "fmt"

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
