package main

import (
	"fmt"
	"math/rand/v2"
)

// stock is what the Internet runs whoever runs it: the same for every
// population of a seed.
type stock struct {
	p params

	ssh, tls, web, apps, tools, stacks, tcp weighted // popularity
	installed                               []stack
	public                                  weighted // certificate authorities

	appliances []appliance
	popular    weighted // appliances, by installations
	hosters    []appliance
	cdns       []appliance
	render     [slots]question
}

// stack is a distribution with its servers, by number of the parts.
type stack struct{ ssh, tls, web, tool, tcp int }

// appliance is a product, image or service all of whose hosts look the same.
type appliance struct {
	versions [3]values // "" is what differs from host to host or is not there
	age      weighted  // of the versions
	systems  []int     // where most are found; nil: everywhere
	spread   float64   // share that is elsewhere all the same
	size     int
	unnamed  bool // its title holds a serial number
}

// The pools of parts, and how steeply their popularity falls.
const (
	sshServers, tlsLibraries, webServers = 80, 250, 120
	webApps, certTools, tcpStacks        = 1500, 60, 14
	publicCAs                            = 14
)

func newStock(seed uint64, hosts int, p params, net *networks) *stock {
	s := &stock{p: p, render: questions(),
		ssh: zipf(sshServers, 1.3), tls: zipf(tlsLibraries, 1.1), web: zipf(webServers, 1.2), apps: zipf(webApps, 1),
		tools: zipf(certTools, 1.2), tcp: zipf(tcpStacks, 1.5), stacks: zipf(p.Stacks, p.StackSlope), public: zipf(publicCAs, 1)}
	r := source(seed, "stacks", 0)
	for range p.Stacks {
		s.installed = append(s.installed, stack{s.ssh.draw(r), s.tls.draw(r), s.web.draw(r), s.tools.draw(r), s.tcp.draw(r)})
	}
	r = source(seed, "appliances", 0)
	for i, size := range sizes(r, int(p.Appliances*float64(hosts)), 5, scaled(p.ApplianceMost, hosts), p.ApplianceSlope) {
		a := s.newAppliance(r, fmt.Sprint("product", i))
		a.size = size
		if chance(r, p.Regional) {
			a.systems, a.spread = []int{net.size.draw(r), net.size.draw(r), net.size.draw(r)}, .2
		}
		s.appliances = append(s.appliances, a)
	}
	s.popular = newWeighted(len(s.appliances), func(i int) float64 { return float64(s.appliances[i].size) })
	for as := range min(p.Hosters, len(net.size)) {
		s.hosters = append(s.hosters, s.newHoster(source(seed, "hosters", as), as))
	}
	for i := range p.CDNs {
		s.cdns = append(s.cdns, s.newCDN(source(seed, "cdns", i), i, net))
	}
	return s
}

func (s *stock) value(q slot, word string) string { return s.render[q].render(word) }

// part fills in what comes with an installed server, by its number in the pool.
// Several versions share what changes seldom.
func (s *stock) sshServer(v *values, i int) {
	v[software] = s.value(software, fmt.Sprintf("sshd-%d", i))
	v[banner] = s.value(banner, fmt.Sprintf("sshd-%d", i))
	v[kexinit] = s.value(kexinit, fmt.Sprintf("kex-%d", i*3/4))
	v[hassh] = s.value(hassh, fmt.Sprintf("kex-%d", i/2))
}

func (s *stock) tlsLibrary(v *values, i int) {
	v[jarm] = s.value(jarm, fmt.Sprintf("tls-%d", i))
	v[helloC] = s.value(helloC, fmt.Sprintf("tls-%d", i/3))
}

func (s *stock) webServer(v *values, i int) {
	v[server] = s.value(server, fmt.Sprintf("httpd/%d", i*2/3))
	v[headerOrder] = s.value(headerOrder, fmt.Sprintf("httpd-%d", i))
	v[errorPage] = s.value(errorPage, fmt.Sprintf("httpd-%d", i))
	v[title] = s.value(title, fmt.Sprintf("Welcome to httpd %d", i/2))
	v[body] = s.value(body, fmt.Sprintf("httpd-%d", i))
	if i%3 == 0 {
		v[favicon] = s.value(favicon, fmt.Sprintf("httpd-%d", i))
	}
}

func (s *stock) app(v *values, i int, own bool) {
	name := fmt.Sprintf("app-%d", i)
	v[favicon] = s.value(favicon, name)
	v[headerOrder] = s.value(headerOrder, name+v[server])
	v[body] = ""
	if !own {
		v[title], v[body] = s.value(title, "Log in - "+name), s.value(body, name)
	}
}

// certificate fills in what a host's own certificate looks like: from a public
// authority, or made by a tool.
func (s *stock) certificate(v *values, r *rand.Rand, tool int, own string) {
	v[spki] = s.value(spki, own)
	if chance(r, s.p.PublicCAs) {
		ca := s.public.draw(r)
		v[issuer], v[shape] = s.value(issuer, fmt.Sprintf("Public CA %d", ca)), s.value(shape, fmt.Sprintf("public-%d", ca/2))
		v[subject], v[domain] = s.value(subject, own), s.value(domain, own)
		return
	}
	v[shape] = s.value(shape, fmt.Sprintf("tool-%d", tool))
	switch {
	case chance(r, .35): // what the tool proposes
		v[issuer] = s.value(issuer, fmt.Sprintf("localhost-%d", tool/2))
		v[subject] = v[issuer]
	default:
		v[issuer] = s.value(issuer, own)
		v[subject] = v[issuer]
	}
}
