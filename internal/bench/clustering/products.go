package main

import (
	"fmt"
	"math/rand/v2"
)

// newAppliance invents a product: everything that it answers is its own or, for
// the parts that its maker took from elsewhere, that of a stock server.
func (s *stock) newAppliance(r *rand.Rand, name string) appliance {
	a := appliance{age: zipf(1+r.IntN(3), 1.2), unnamed: chance(r, .15)}
	var v values
	s.sshServer(&v, s.ssh.draw(r))
	s.tlsLibrary(&v, s.tls.draw(r))
	s.webServer(&v, s.web.draw(r))
	v[synAck] = s.value(synAck, fmt.Sprint(s.tcp.draw(r)))
	v[shape] = s.value(shape, fmt.Sprintf("tool-%d", s.tools.draw(r)))
	own := func(p float64, list ...slot) {
		if chance(r, p) {
			for _, q := range list {
				v[q] = s.value(q, name)
			}
		}
	}
	own(.25, software, banner)
	own(.4, kexinit, hassh)
	own(.7, jarm, helloC)
	own(.9, headerOrder)
	own(.6, server)
	own(.7, errorPage)
	own(.95, title)
	own(.9, body)
	own(.8, favicon)
	own(.5, shape)
	own(.5, issuer, subject)
	own(s.p.DefaultHostKeys, hostKey)
	if chance(r, s.p.DefaultCerts) {
		own(1, spki, issuer, subject, shape)
	}
	for i, service := range services() { // what it does not offer
		if chance(r, []float64{.5, .2, .1}[i]) && i < 2 {
			for _, q := range service {
				v[q] = ""
			}
		}
	}
	for i := range a.versions {
		a.versions[i] = v
		if i == 0 {
			continue
		}
		for _, q := range []slot{body, errorPage, jarm, software, headerOrder, hostKey, spki} {
			if v[q] != "" && chance(r, .35) {
				a.versions[i][q] = s.value(q, fmt.Sprint(name, "-", i))
			}
		}
	}
	return a
}

// newHoster invents the image that customers of a hoster start from: a stock
// stack with the hoster's page, repositories and names. They are strangers.
func (s *stock) newHoster(r *rand.Rand, as int) appliance {
	name := fmt.Sprint("hoster", as)
	a := appliance{age: zipf(1+r.IntN(3), 1), systems: []int{as}}
	for i := range a.versions {
		v := &a.versions[i]
		st := s.installed[s.stacks.draw(r)]
		s.sshServer(v, st.ssh)
		s.tlsLibrary(v, st.tls)
		s.webServer(v, st.web)
		v[synAck] = s.value(synAck, fmt.Sprint(st.tcp))
		v[domain] = s.value(domain, name) // the names that the hoster gives
		if chance(r, .5) {
			v[title], v[body], v[favicon] = s.value(title, name), s.value(body, fmt.Sprint(name, i)), s.value(favicon, name)
		}
		if chance(r, .3) {
			v[kexinit] = s.value(kexinit, name)
		}
		if chance(r, .2) {
			v[headerOrder] = s.value(headerOrder, name)
		}
		if chance(r, s.p.HosterHostKeys) {
			v[hostKey] = s.value(hostKey, fmt.Sprint(name, i))
		}
	}
	return a
}

// newCDN invents a delivery network: fronts all over the world with one set of
// pages, on most of them one certificate.
func (s *stock) newCDN(r *rand.Rand, i int, net *networks) appliance {
	name := fmt.Sprint("cdn", i)
	a := appliance{age: zipf(2, 1), systems: []int{net.size.draw(r), net.size.draw(r)}, spread: between(r, .2, .8)}
	for k := range a.versions {
		v := &a.versions[k]
		for _, q := range []slot{jarm, helloC, headerOrder, server, errorPage, title, body, favicon, spki, subject, domain} {
			v[q] = s.value(q, name)
		}
		v[issuer], v[shape] = s.value(issuer, fmt.Sprint("Public CA ", i%publicCAs)), s.value(shape, name)
		v[synAck] = s.value(synAck, fmt.Sprint(s.tcp.draw(r)))
		if k > 0 {
			v[jarm], v[errorPage] = s.value(jarm, fmt.Sprint(name, k)), s.value(errorPage, fmt.Sprint(name, k))
		}
	}
	return a
}
