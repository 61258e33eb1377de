package town

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// provider is what one operator's machines have in common.
type provider struct {
	name   string
	domain string
	size   int
	naming func(i int, a netip.Addr) string

	ssh    sshServer // with the image's keys
	cloned bool      // the image's host keys were never replaced

	web      webServer
	look     *look
	scheme   string // of certificates
	template certificate
	shared   *certificate // scheme "one certificate"

	mail, ftp *service

	drifted, rekeyed, partial float64 // shares of hosts
}

func (p *planner) newProvider() *provider {
	r := p.r
	v := &provider{name: word(r, 2+r.IntN(2)), size: 8 + r.IntN(33)}
	v.domain = domain(r)
	v.naming = hostNaming(r, v.domain)
	v.drifted, v.rekeyed, v.partial = .06+.2*r.Float64(), .06+.2*r.Float64(), .05+.2*r.Float64()

	v.ssh.product = pick(r, openssh, openssh, openssh, openssh, dropbear)
	if v.ssh.product == openssh {
		v.ssh.conf = pick(r, oddSSH(r), oddSSH(r), commonSSH(r), "")
	}
	v.ssh.keys = p.hostKeys(v.ssh.product)

	v.web = webServer{product: pick(r, nginx, nginx, nginx, apache, apache, haproxy, lighttpd, caddy, stunnel), plain: true, secure: true}
	v.web.tls = oddTLS(r)
	if chance(r, .3) {
		v.web.tls = commonTLS(r)
	}
	v.web.redirect = v.web.product != stunnel && chance(r, .2)
	v.look = panel(r, v.name, v.domain)
	p.certificateScheme(v)
	// Something must be clonable in an image: a key, or the operator's own CA.
	v.cloned = chance(r, .8) || v.scheme == "public CA" || v.scheme == "self-signed template"
	return v
}

func (p *planner) certificateScheme(v *provider) {
	r := p.r
	v.scheme = pick(r, "private CA", "private CA", "self-signed template", "self-signed template", "one certificate", "one key", "public CA")
	v.template = certificate{
		serial: pick(r, 0, 4, 8, 16, 20, 20), midnight: chance(r, .3),
		validity: time.Duration(pick(r, 397, 500, 700, 999, 1825, 3649, 7300, 9999))*day + time.Duration(r.IntN(2)*r.IntN(86400))*time.Second,
		extensions: pick(r, []extension{"ski", "aki", "ca!"}, []extension{"bc", "ku", "eku", "san"}, []extension{"san", "ku!", "eku", "bc!"},
			[]extension{}, []extension{"bc!", "ski", "san"}, []extension{"ku", "server", "san", "comment"}),
		key: p.key("rsa2048", "rsa2048", "p256", "p384"),
	}
	fixed := []rdn{{"O", capital(v.name) + pick(r, "", " Ltd", " Hosting", " LLC")}}
	if chance(r, .4) {
		fixed = append([]rdn{{"C", pick(r, "SC", "BZ", "PA", "MD", "NL", "XX")}}, fixed...)
	}
	if chance(r, .4) {
		fixed = append(fixed, rdn{"OU", pick(r, "Nodes", "NOC", "Platform", "auto")})
	}
	if chance(r, .2) {
		fixed = nil
	}
	v.template.subject = fixed
	switch v.scheme {
	case "private CA":
		v.template.issuer = &authority{
			key: p.key("rsa2048", "p256", "p384"), validity: 3650 * day,
			subject: append([]rdn{{"CN", capital(v.name) + " " + pick(r, "CA", "Root", "Internal CA", "Node Authority")}}, fixed...),
		}
		v.template.sendChain = chance(r, .5)
	case "one certificate":
		v.shared = p.issue(v, pick(r, "*."+v.domain, v.domain, "panel."+v.domain), v.template.key)
	}
}

// issue makes the provider's certificate for a host.
func (p *planner) issue(v *provider, name string, key *tlsKey) *certificate {
	if v.scheme == "public CA" {
		return p.publicCertificate(name)
	}
	c := v.template
	c.key = key
	c.subject = append(append([]rdn(nil), v.template.subject...), rdn{"CN", name})
	c.names = []string{name}
	c.age = time.Duration(p.r.IntN(300*24)) * time.Hour
	return &c
}

func (p *planner) freshKey(like *tlsKey) *tlsKey { return &tlsKey{kind: like.kind, seed: p.r.Uint64()} }

// settle gives the provider its hosts.
func (p *planner) settle(v *provider) {
	kinds := p.kindsOf(v)
	for i, kind := range kinds {
		name := v.naming(i, p.next())
		ssh, web := v.ssh, v.web
		if !v.cloned || kind == Rekeyed {
			ssh.keys = &hostKeys{kinds: v.ssh.keys.kinds, seed: p.r.Uint64()}
		}
		key := p.freshKey(v.template.key)
		switch {
		case v.scheme == "one certificate" && kind != Rekeyed:
			web.cert = v.shared
		case v.scheme == "one key" && kind != Rekeyed:
			key = v.template.key
		}
		if web.cert == nil {
			web.cert = p.issue(v, name, key)
		}
		web.site = v.look.at(name)
		if kind == Drifted {
			web.site, web.redirect = &site{stock: true}, false
		}
		m := p.add(kind, &ssh, &web)
		m.role.Provider = v.name
		if kind == Partial {
			p.close(m, v)
		}
	}
}

func (p *planner) kindsOf(v *provider) []string {
	var kinds []string
	for _, k := range []struct {
		kind  string
		share float64
	}{{Drifted, v.drifted}, {Rekeyed, v.rekeyed}, {Partial, v.partial}} {
		for range max(1, int(k.share*float64(v.size)+.5)) {
			kinds = append(kinds, k.kind)
		}
	}
	for len(kinds) < v.size {
		kinds = append(kinds, Golden)
	}
	p.r.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	return kinds
}

// close shuts some ports of a golden host; what is left still shows whose it is.
func (p *planner) close(m *machine, v *provider) {
	switch {
	case v.cloned && chance(p.r, .35):
		m.web = nil
	case chance(p.r, .4):
		m.ssh = nil
	case chance(p.r, .5) && v.web.product != stunnel:
		m.web.plain = false
	default:
		m.ssh, m.web.plain = nil, v.web.product == stunnel
	}
}

// nearMiss is a stranger with the provider's software and settings: own keys,
// own certificate, own page, the headers that the software sends by itself.
func (p *planner) nearMiss(v *provider) {
	web := v.web
	web.cert = p.ownCertificate()
	web.redirect = false
	l := ownSite(p.r)
	l.headers, l.cookie, l.tag, l.hide = nil, "", "", v.look.hide
	web.site = l.at(ownName(p.r, p.next()))
	ssh := v.ssh
	ssh.keys = p.hostKeys(ssh.product)
	if chance(p.r, .5) {
		ssh.conf = commonSSH(p.r)
	}
	ssh.conf = unsigned(ssh.conf)
	m := p.add(NearMiss, &ssh, &web)
	m.role.Near = v.name
}

// unsigned is an sshd_config without what only its author would write.
func unsigned(conf string) string {
	var rest strings.Builder
	for line := range strings.Lines(conf) {
		if !strings.HasPrefix(line, "VersionAddendum") {
			rest.WriteString(line)
		}
	}
	return rest.String()
}

func (v *provider) String() string {
	return fmt.Sprintf("%s: %d hosts, %s, %s, certificates: %s, cloned host keys: %t, title %q, tls %+v, ssh %q",
		v.name, v.size, v.web.product, v.ssh.product, v.scheme, v.cloned, v.look.title, v.web.tls, v.ssh.conf)
}
