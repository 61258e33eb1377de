package town

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// planner lays out a town. Everything is drawn from r, in one order.
type planner struct {
	r         *rand.Rand
	free      []netip.Addr // shuffled
	machines  []*machine
	public    []*authority // likenesses of public CAs
	apps      []*look
	providers []*provider
}

// atLeast is how many hosts every town has.
const atLeast = 160

// plan lays out the town of seed in the /23 from base on.
func plan(seed uint64, base netip.Addr) []*machine {
	p := &planner{r: rand.New(rand.NewPCG(seed, 0x746f776e)), apps: loginApps()}
	for a := base.Next(); len(p.free) < 510; a = a.Next() {
		p.free = append(p.free, a)
	}
	p.r.Shuffle(len(p.free), func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
	p.public = p.publicCAs()
	for range 3 {
		p.providers = append(p.providers, p.newProvider())
	}
	for _, v := range p.providers {
		p.settle(v)
		for range 3 + p.r.IntN(3) {
			p.nearMiss(v)
		}
	}
	p.cdn(5 + p.r.IntN(6))
	p.tenants(10 + p.r.IntN(8))
	for range 18 + p.r.IntN(8) {
		p.defaultPage()
	}
	for range 36 + p.r.IntN(12) {
		p.ownSite()
	}
	for range 5 + p.r.IntN(5) {
		p.app()
	}
	for range 6 + p.r.IntN(6) {
		p.add(SSHOnly, p.ownSSH(), nil)
	}
	for len(p.machines) < atLeast {
		p.ownSite()
	}
	p.serve(seed)
	return p.machines
}

func (p *planner) add(kind string, ssh *sshServer, web *webServer) *machine {
	if web != nil && web.product == caddy && web.cert != nil && web.cert.nameless() {
		web.cert = p.snakeoil(domain(p.r)) // caddy does not load the other
	}
	m := &machine{addr: p.free[0], role: Role{Kind: kind}, ssh: ssh, web: web}
	p.free = p.free[1:]
	p.machines = append(p.machines, m)
	return m
}

// next is the address that add will use.
func (p *planner) next() netip.Addr { return p.free[0] }

func (p *planner) key(kinds ...string) *tlsKey {
	return &tlsKey{kind: pick(p.r, kinds...), seed: p.r.Uint64()}
}

func (p *planner) hostKeys(product string) *hostKeys {
	k := &hostKeys{seed: p.r.Uint64(), kinds: []string{"rsa3072", "p256", "ed25519"}}
	switch {
	case product == dropbear:
		k.kinds = []string{"rsa2048", "p256", "ed25519"}
	case chance(p.r, .1):
		k.kinds = []string{"ed25519"}
	case chance(p.r, .1):
		k.kinds = []string{"rsa2048", "ed25519"}
	}
	return k
}

// ownSSH is a stranger's SSH server.
func (p *planner) ownSSH() *sshServer {
	s := &sshServer{product: openssh}
	switch x := p.r.Float64(); {
	case x < .14:
		s.product = dropbear
	case x < .24:
		s.conf = oddSSH(p.r)
	default:
		s.conf = commonSSH(p.r)
	}
	s.keys = p.hostKeys(s.product)
	return s
}

func (p *planner) maybeSSH(share float64) *sshServer {
	if !chance(p.r, share) {
		return nil
	}
	return p.ownSSH()
}

// stockWeb is a web server as installed, with a certificate of its own.
func (p *planner) stockWeb(product string, cert *certificate) *webServer {
	return &webServer{
		product: product, plain: true, secure: cert != nil, cert: cert,
		tls: tlsSettings{h2: product == caddy || product == lighttpd}, site: &site{stock: true},
	}
}

func (p *planner) defaultPage() {
	product := pick(p.r, nginx, nginx, nginx, nginx, apache, apache, apache, lighttpd, caddy, haproxy)
	web := p.stockWeb(product, nil)
	if chance(p.r, .65) {
		web.secure, web.cert = true, p.ownCertificate()
		web.plain = chance(p.r, .8)
		if chance(p.r, .4) {
			web.tls = commonTLS(p.r)
		}
	}
	p.add(Default, p.maybeSSH(.85), web)
}

func (p *planner) ownSite() {
	web := &webServer{product: pick(p.r, nginx, nginx, nginx, apache, apache, lighttpd, caddy, haproxy, stunnel), plain: true}
	web.site = ownSite(p.r).at(ownName(p.r, p.next()))
	if chance(p.r, .8) {
		web.secure, web.cert, web.tls = true, p.ownCertificate(), commonTLS(p.r)
		if chance(p.r, .2) {
			web.tls = oddTLS(p.r)
		}
		if web.product != stunnel { // that has nothing but its plain port behind it
			web.plain = chance(p.r, .75)
			web.redirect = web.plain && chance(p.r, .35)
		}
	}
	p.add(Site, p.maybeSSH(.8), web)
}

func (p *planner) app() {
	cert := p.publicCertificate(domain(p.r))
	if chance(p.r, .3) {
		cert = p.ownCertificate()
	}
	p.add(App, p.maybeSSH(.8), &webServer{
		product: pick(p.r, nginx, apache), plain: chance(p.r, .6), secure: true,
		tls: commonTLS(p.r), cert: cert, site: pick(p.r, p.apps...).at(ownName(p.r, p.next())),
	})
}

// cdn is a front's edge: one certificate on n addresses, all else stock.
func (p *planner) cdn(n int) {
	name := word(p.r, 2)
	cert := p.publicCertificate("*." + domain(p.r))
	for range n {
		web := p.stockWeb(nginx, cert)
		web.tls = tlsSettings{h2: true}
		p.add(CDN, nil, web).role.Provider = "cdn-" + name
	}
}

// tenants bought one stock image: a distribution's nginx or apache2 and sshd.
func (p *planner) tenants(n int) {
	product := pick(p.r, nginx, apache)
	for range n {
		cert := p.snakeoil(ownName(p.r, p.next()))
		p.add(Tenant, &sshServer{product: openssh, keys: &hostKeys{seed: p.r.Uint64(), kinds: []string{"rsa3072", "p256", "ed25519"}}},
			p.stockWeb(product, cert))
	}
}

const day = 24 * time.Hour

func (p *planner) publicCAs() []*authority {
	ca := func(key string, subject ...rdn) *authority {
		return &authority{key: p.key(key), subject: subject, validity: 5 * 365 * day}
	}
	return []*authority{
		ca("rsa2048", rdn{"C", "US"}, rdn{"O", "Let's Encrypt"}, rdn{"CN", "R3"}),
		ca("p384", rdn{"C", "US"}, rdn{"O", "Let's Encrypt"}, rdn{"CN", "E5"}),
		ca("rsa2048", rdn{"C", "AT"}, rdn{"O", "ZeroSSL"}, rdn{"CN", "ZeroSSL RSA Domain Secure Site CA"}),
	}
}

// publicCertificate looks like one that an ACME client got from Let's Encrypt
// or ZeroSSL.
func (p *planner) publicCertificate(name string) *certificate {
	c := &certificate{
		key: p.key("rsa2048", "p256", "p256"), issuer: p.public[0],
		subject: []rdn{{"CN", name}}, names: []string{name},
		extensions: []extension{"ku!", "eku", "bc!", "ski", "aki", "aia", "san", "policies", "sct"},
		validity:   90*day - time.Second, age: time.Duration(p.r.IntN(80*24)) * time.Hour, serial: 18, sendChain: true,
	}
	switch x := p.r.Float64(); {
	case x < .15:
		c.issuer, c.serial, c.midnight = p.public[2], 16, true
		c.extensions = []extension{"aki", "ski", "ku!", "bc!", "eku", "policies", "aia", "sct", "san"}
	case x < .45 && c.key.kind == "p256":
		c.issuer = p.public[1]
	}
	return c
}

// snakeoil is what Debian's make-ssl-cert makes of the host's name.
func (p *planner) snakeoil(name string) *certificate {
	return &certificate{
		key: p.key("rsa2048"), subject: []rdn{{"CN", name}}, names: []string{name},
		extensions: []extension{"bc", "san", "ski"}, validity: 3650 * day, age: time.Duration(p.r.IntN(600*24)) * time.Hour, serial: 20,
	}
}

// ownCertificate is a stranger's: one of many ways to get one.
func (p *planner) ownCertificate() *certificate {
	r := p.r
	name := ownName(r, p.next())
	x := r.Float64()
	if x < .4 {
		return p.publicCertificate(domain(r))
	}
	if x < .5 {
		return p.snakeoil(name)
	}
	c := &certificate{
		key: p.key("rsa2048", "rsa2048", "rsa2048", "rsa4096", "p256", "p384"), serial: 20,
		subject: p.ownSubject(name), extensions: []extension{"ski", "aki", "ca!"},
		validity: pick[time.Duration](r, 30, 365, 365, 365, 730, 825, 1000, 3650, 3650, 36500) * day,
		age:      time.Duration(r.IntN(28*24)) * time.Hour,
	}
	if chance(r, .4) {
		c.extensions, c.names = append(c.extensions, "san"), []string{name}
	}
	if x < .62 { // an own CA
		c.issuer = &authority{key: p.key("rsa2048", "p256"), subject: p.ownSubject(pick(r, "Root CA", capital(word(r, 2))+" CA", "ca."+domain(r))), validity: 3650 * day}
		c.extensions = pick(r, []extension{"bc", "ski", "aki"}, []extension{"aki", "bc", "ku", "san"}, []extension{"bc", "comment", "ski", "aki"}, []extension{"ku!", "server", "bc!", "aki", "san"})
		c.names, c.sendChain = []string{name}, chance(r, .5)
		c.serial = pick(r, 0, 1, 8, 16, 20)
	}
	return c
}

func (p *planner) ownSubject(name string) []rdn {
	r := p.r
	cn := rdn{"CN", name}
	switch r.IntN(8) {
	case 0:
		return []rdn{{"C", "AU"}, {"ST", "Some-State"}, {"O", "Internet Widgits Pty Ltd"}}
	case 1:
		return []rdn{{"C", pick(r, "US", "DE", "FR", "RU", "NL")}, {"ST", capital(word(r, 2))}, {"L", capital(word(r, 2))}, {"O", capital(word(r, 2))}, {"OU", pick(r, "IT", "Ops", "Web")}, cn, {"E", "admin@" + domain(r)}}
	case 2:
		return []rdn{{"C", pick(r, "US", "GB", "PL", "CZ")}, {"O", capital(word(r, 2))}, cn}
	case 3:
		return []rdn{{"O", capital(word(r, 3))}, cn}
	case 4:
		return []rdn{{"C", "XX"}, {"L", "Default City"}, {"O", "Default Company Ltd"}}
	}
	return []rdn{cn}
}
