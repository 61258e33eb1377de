package main

import "fmt"

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

// planted are all values that providers put on their hosts, by slot.
func (w *world) planted() [slots]map[string]bool {
	var out [slots]map[string]bool
	add := func(v values) {
		for q := range v {
			if out[q] == nil {
				out[q] = map[string]bool{}
			}
			if v[q] != "" {
				out[q][v[q]] = true
			}
		}
	}
	for _, p := range w.providers {
		add(p.common)
		for _, im := range p.images {
			add(im.planted)
		}
	}
	return out
}

// slotNames are the names of slots in params.Planted.
func slotNames() [slots]string {
	return [slots]string{hostKey: "host_key", kexinit: "kexinit", hassh: "hassh", banner: "banner", software: "software", jarm: "jarm",
		helloC: "hello", spki: "spki", issuer: "issuer", shape: "shape", subject: "subject", headerOrder: "header_order", server: "server",
		errorPage: "error_page", title: "title", body: "body", favicon: "favicon", synAck: "syn_ack"}
}
