package lab

import (
	"crypto"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// machine is one host before it has an address. A nil service is a closed port.
type machine struct {
	role   Role
	shell  *shell
	tls    *tls.Config
	secure *site // served over TLS
	plain  *site // served without
}

type shell struct {
	settings sshSettings
	keys     []ssh.Signer
}

// planner makes machines. The first fault stops the making.
type planner struct {
	source
	rsa      *rsaKeys
	public   []*authority // that strangers have certificates of
	machines []machine
	err      error
}

// plan is the whole town, in an order that tells nothing.
func plan(seed uint64) ([]machine, error) {
	p := &planner{source: source{seed}}
	if p.rsa, p.err = p.rsaKeys(); p.err != nil {
		return nil, p.err
	}
	for _, name := range [][2]string{{"Open Trust", "R3"}, {"Basalt", "Basalt DV CA 2"}, {"Commons TLS", "E1"}} {
		p.public = append(p.public, p.newAuthority(pkix.Name{Country: []string{"XX"}, Organization: name[:1], CommonName: name[1]}))
	}
	p.ferrum()
	p.kestrel()
	p.cdn(8)
	p.nearMisses(8)
	p.strangers(44)
	p.rand("order").Shuffle(len(p.machines), func(i, j int) { p.machines[i], p.machines[j] = p.machines[j], p.machines[i] })
	return p.machines, p.err
}

func (p *planner) newAuthority(name pkix.Name) *authority {
	a, err := p.authority(name, elliptic.P384())
	p.fail(err)
	return a
}

func (p *planner) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// certified completes settings with a certificate.
func (p *planner) certified(settings *tls.Config, ca *authority, template *x509.Certificate, key crypto.Signer) *tls.Config {
	if p.err != nil {
		return nil
	}
	cert, err := ca.issue(template, key)
	p.fail(err)
	settings.Certificates = []tls.Certificate{cert}
	return settings
}

func (p *planner) shell(settings sshSettings, keys ...crypto.Signer) *shell {
	signers, err := sshKeys(keys...)
	p.fail(err)
	return &shell{settings: settings, keys: signers}
}

// ferrum is the provider of the demo's seed: one golden image with a cloned
// host key, a CA of its own that names every node after its number, a hardened
// TLS and SSH configuration and a customer panel.
func (p *planner) ferrum() {
	const name = "ferrum"
	ca := p.newAuthority(pkix.Name{Organization: []string{"Ferrum Nodes"}, OrganizationalUnit: []string{"provisioning"}, CommonName: "Ferrum Node CA"})
	settings := sshSettings{
		banner: sshStock()[0].banner,
		kex:    []string{ssh.KeyExchangeCurve25519, ssh.KeyExchangeDH16SHA512},
		enc:    []string{ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305, ssh.CipherAES256CTR},
		mac:    []string{ssh.HMACSHA512ETM, ssh.HMACSHA256ETM},
	}
	web := webStock()[1]
	panel := p.application(web, name, "Client area", "fe_session", field{"X-Node-Agent", "fagent/3.1"}, field{"X-Robots-Tag", "none"}, field{"Cache-Control", "private, no-store"})
	r := p.rand(name)
	for i, kind := range kinds(14, 5, 4) {
		node := fmt.Sprintf("srv-%d.ferrum.example", 4000+i*37+r.IntN(30))
		image := name
		if kind == Rekeyed {
			image = node
		}
		m := machine{
			role:   Role{Provider: name, Kind: kind},
			shell:  p.shell(settings, p.ed25519("ssh "+image), p.ecdsa("ssh "+image, elliptic.P256())),
			tls:    p.certified(oddTLS(), ca, p.node(node), p.ecdsa("tls "+node, elliptic.P256())),
			secure: panel, plain: panel,
		}
		if kind == Drifted {
			drift(&m, i, web)
		}
		p.machines = append(p.machines, m)
	}
}

// drift is what customers do to an image.
func drift(m *machine, i int, web software) {
	switch i % 5 {
	case 0, 1:
		m.secure, m.plain = stockSite(web), stockSite(web)
	case 2:
		m.plain = nil
	case 3:
		m.shell = nil
	case 4:
		m.plain, m.secure = redirect(web, "localhost"), stockSite(web)
	}
}

// node is a certificate of ferrum's: no alternative names, ten years from
// midnight, an organisational unit for the rack.
func (p *planner) node(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(append([]byte{0x4f}, p.bytes("node "+name, 7)...)),
		Subject:      pkix.Name{Organization: []string{"Ferrum Nodes"}, OrganizationalUnit: []string{"kvm"}, CommonName: name},
		NotBefore:    epoch().AddDate(0, -3, 0),
		NotAfter:     epoch().AddDate(9, 9, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// kestrel is another provider, so that not everybody who has kin is kin of the
// seed: stock software, self-signed certificates by template, cloned host key.
func (p *planner) kestrel() {
	const name = "kestrel"
	web := webStock()[2]
	panel := p.application(web, name, "VDS control", "kvds", field{"X-Hypervisor", "kestrel"})
	r := p.rand(name)
	for i, kind := range kinds(8, 2, 2) {
		node := fmt.Sprintf("vds%d.kestrel.test", 20000+i*411+r.IntN(400))
		image := name
		if kind == Rekeyed {
			image = node
		}
		m := machine{
			role:   Role{Provider: name, Kind: kind},
			shell:  p.shell(sshStock()[3], p.ed25519("ssh "+image)),
			tls:    p.certified(tlsStock()[2](), nil, p.appliance("Kestrel VDS", node), p.ecdsa("tls "+node, elliptic.P256())),
			secure: panel, plain: panel,
		}
		if kind == Drifted {
			m.secure, m.plain = stockSite(web), stockSite(web)
		}
		p.machines = append(p.machines, m)
	}
}

// kinds lists the kinds of a provider's hosts.
func kinds(golden, drifted, rekeyed int) []string {
	return slices.Concat(
		slices.Repeat([]string{Golden}, golden),
		slices.Repeat([]string{Drifted}, drifted),
		slices.Repeat([]string{Rekeyed}, rekeyed))
}

// cdn is a front: one certificate with its key, one page, on several hosts
// that have nothing else to do with each other's customers.
func (p *planner) cdn(n int) {
	template := p.domainValidated("edge.frontier.example")
	template.DNSNames = append(template.DNSNames, "shop.violet.example", "*.harbor.example.net", "news.comet.example.org")
	key := p.ecdsa("tls cdn", elliptic.P256())
	zone := page{code: 409, mime: html, body: []byte("<html><head><title>No such zone</title></head><body>edge: this host is not served here</body></html>\n")}
	for i := range n {
		s := &site{software: front(), pages: map[string]page{"/": zone}, fields: []field{{"X-Edge", fmt.Sprintf("e%02d", i)}, {"X-Cache", "MISS"}}}
		p.machines = append(p.machines, machine{
			role: Role{Kind: CDN}, secure: s, plain: s,
			tls: p.certified(tlsStock()[1](), p.public[1], template, key),
		})
	}
}

// nearMisses have the software and the TLS settings of ferrum and nothing else.
func (p *planner) nearMisses(n int) {
	for i := range n {
		r := p.rand(fmt.Sprint("near miss ", i))
		name := strangerName(r)
		own := p.ownSite(webStock()[1], name)
		p.machines = append(p.machines, machine{
			role:   Role{Kind: NearMiss},
			shell:  p.shell(sshStock()[0], p.ed25519("ssh near "+name), p.ecdsa("ssh near "+name, elliptic.P256())),
			tls:    p.certified(oddTLS(), p.public[i%len(p.public)], p.domainValidated(name), p.ecdsa("tls near "+name, elliptic.P256())),
			secure: own, plain: own,
		})
	}
}

func (p *planner) strangers(n int) {
	for i := range n {
		label := fmt.Sprint("stranger ", i)
		p.machines = append(p.machines, p.stranger(p.rand(label), label))
	}
}

// stranger is one of the many who have nothing to do with anybody.
func (p *planner) stranger(r *rand.Rand, label string) machine {
	name := strangerName(r)
	m := machine{role: Role{Kind: Stranger}}
	if r.IntN(10) > 0 {
		keys := []crypto.Signer{p.ed25519("ssh " + label)}
		if r.IntN(2) == 0 {
			keys = append(keys, p.ecdsa("ssh "+label, elliptic.P256()))
		}
		if r.IntN(3) == 0 {
			keys = append(keys, p.rsaOr("ssh rsa "+label))
		}
		m.shell = p.shell(pick(r, sshStock()), keys...)
	}
	if m.shell != nil && r.IntN(10) == 0 {
		return m // nothing but SSH
	}
	web := pick(r, webStock())
	m.plain = p.content(r, web, name)
	m.secure = m.plain
	var key crypto.Signer = p.ecdsa("tls "+label, elliptic.P256())
	if r.IntN(3) == 0 {
		key = p.rsaOr("tls rsa " + label)
	}
	settings := pick(r, tlsStock())()
	switch r.IntN(8) {
	case 0: // no TLS
		m.secure = nil
	case 1, 2:
		m.tls = p.certified(settings, nil, p.snakeOil(name), key)
	case 3:
		vendor := pick(r, words()) + " Networks"
		m.tls = p.certified(settings, nil, p.appliance(vendor, fmt.Sprintf("%s-%x", vendor[:3], r.Uint32())), key)
	default:
		if !strings.Contains(name, ".example") { // a public CA gives nothing to LAN names
			name = strings.ToLower(strings.ReplaceAll(name, ".", "-")) + ".example.com"
		}
		m.tls = p.certified(settings, pick(r, p.public), p.domainValidated(name), key)
		if r.IntN(3) == 0 {
			m.plain = redirect(web, name)
		}
	}
	return m
}

// rsaOr is an RSA key while there are primes, else one on P-384.
func (p *planner) rsaOr(label string) crypto.Signer {
	if key, ok := p.rsa.take(); ok {
		return key
	}
	return p.ecdsa(label, elliptic.P384())
}

// content is what a stranger serves.
func (p *planner) content(r *rand.Rand, web software, name string) *site {
	switch r.IntN(8) {
	case 0, 1, 2:
		return stockSite(web)
	case 3:
		return p.application(webStock()[0], "postbox", "Postbox Webmail", "postbox_sessid", field{"X-Frame-Options", "sameorigin"})
	case 4:
		return p.application(webStock()[2], "driftcloud", "Driftcloud", "dc_sid", field{"Referrer-Policy", "no-referrer"})
	}
	return p.ownSite(web, name)
}
