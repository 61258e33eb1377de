package cluster

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// imagined is a town of hosts that exist as fingerprints only, with known
// providers: quick, so that many different towns can be judged. Real servers
// are in internal/town.
type imagined struct {
	crowd
	provider map[string]string // address -> provider, "" for strangers
	drifted  map[string]bool
	r        *rand.Rand
	n        int
}

// image is what a provider puts on its hosts; empty values are left to chance.
type image struct {
	name                                       string
	key, kex, banner, jarm, issuer, shape, cn  string
	order, server, title, favicon, errorPage   string
	rekeyed, driftedShare, partial, ownContent float64
}

func (im *imagined) maybe(p float64, value, otherwise string) string {
	if im.r.Float64() < p {
		return value
	}
	return otherwise
}

// common draws a value that many strangers share: the first few far more often.
func (im *imagined) common(kind string, n int) string {
	return fmt.Sprintf("%s-common-%d", kind, min(n-1, int(im.r.ExpFloat64()*float64(n)/4)))
}

func (im *imagined) host(i image, as string) string {
	im.n++
	addr := addrOf(im.n)
	im.provider[addr] = as
	own := fmt.Sprint("own-", im.n)
	or := func(v, otherwise string) string {
		if v == "" {
			return otherwise
		}
		return v
	}
	set := func(port uint16, kind fingerprints.Kind, v string) { im.set(im.n, port, kind, v) }
	if im.r.Float64() >= i.partial {
		key := i.key
		if im.r.Float64() < i.rekeyed {
			key = ""
		}
		set(22, "ssh.host_key", or(key, own))
		kex := or(i.kex, im.common("kex", 8))
		set(22, "ssh.kexinit", kex)
		set(22, "ssh.hassh_server", "h"+kex)
		set(22, "ssh.hassh_normal", "n"+kex)
		set(22, "ssh.banner", or(i.banner, im.common("banner", 12)))
	}
	issuer := or(i.issuer, im.maybe(.3, im.common("issuer", 4), "CN="+own))
	set(443, "cert.sha256", own)
	set(443, "cert.spki", own)
	set(443, "cert.issuer", issuer)
	set(443, "cert.shape", or(i.shape, im.common("shape", 12)))
	set(443, "cert.subject", or(i.cn, im.maybe(.15, im.common("cn", 3), "CN="+own)))
	jarm := or(i.jarm, im.maybe(.8, im.common("jarm", 12), "jarm"+own))
	set(443, "jarm", jarm)
	stock := im.common("page", 6)
	drifted := im.r.Float64() < i.driftedShare
	im.drifted[addr] = drifted
	title, server := or(i.title, im.maybe(.5, stock, own)), or(i.server, im.common("server", 8))
	order, errorPage, favicon := or(i.order, im.maybe(.8, im.common("order", 12), own)), or(i.errorPage, im.common("error", 8)), i.favicon
	if drifted {
		title, order, errorPage, favicon = stock, im.common("order", 3), im.common("error", 3), ""
	}
	body := "body-" + title
	if title == i.title && im.r.Float64() < i.ownContent {
		body += own
	}
	for _, port := range []uint16{80, 443} {
		set(port, "http.title", title)
		set(port, "http.body_sha256", body)
		set(port, "http.server", server)
		set(port, "http.header_order", order)
		set(port, "http.error_page", errorPage)
		if favicon != "" {
			set(port, "http.favicon_mmh3", favicon)
		}
	}
	return addr
}

// newTown draws three providers with different habits, strangers, near misses
// (a provider's software and TLS settings, nothing else) and a CDN.
func newTown(seed uint64) *imagined {
	im := &imagined{provider: map[string]string{}, drifted: map[string]bool{}, r: rand.New(rand.NewPCG(seed, 1))}
	for p := range 3 {
		name := fmt.Sprintf("prov%d", p)
		i := image{name: name, key: name + "-key", driftedShare: .1 + .2*im.r.Float64(), rekeyed: .1 + .3*im.r.Float64(),
			partial: .1 * im.r.Float64(), ownContent: im.either(0, 1)}
		i.jarm = im.maybe(.8, name+"-jarm", "jarm-common-1")
		i.kex = im.maybe(.6, name+"-kex", "kex-common-0")
		i.banner = im.maybe(.3, name+"-banner", "banner-common-0")
		i.issuer = im.maybe(.6, "CN="+name, "")
		i.shape = im.maybe(.7, name+"-shape", "shape-common-1")
		i.cn = im.maybe(.8, "CN=srv-#."+name, "")
		i.server = im.maybe(.4, name+"-server", "server-common-1")
		i.order = im.maybe(.8, name+"-order", "order-common-1")
		i.title = name + " panel"
		i.favicon = im.maybe(.6, name+"-icon", "")
		i.errorPage = im.maybe(.5, name+"-error", "error-common-1")
		for range 10 + im.r.IntN(25) {
			im.host(i, name)
		}
		near := image{jarm: i.jarm, server: i.server, order: im.maybe(.5, i.order, "order-common-1"), errorPage: "error-common-1", banner: "banner-common-0", kex: "kex-common-0"}
		for range 5 + im.r.IntN(8) {
			im.host(near, "")
		}
	}
	cdn := image{shape: "cdn-shape", issuer: "issuer-common-0", jarm: "cdn-jarm", title: "page-common-0", server: "cdn", order: "cdn"}
	for range 6 {
		addr := im.host(cdn, "cdn")
		im.prints = append(im.prints, fingerprints.Fingerprint{Host: addr, Port: 443, Kind: "cert.spki", Value: "cdn-key"})
	}
	for range 100 + im.r.IntN(120) {
		im.host(image{}, "")
	}
	return im
}

func (im *imagined) either(a, b float64) float64 {
	if im.r.IntN(2) == 0 {
		return a
	}
	return b
}

// TestImaginedTowns judges every provider's host as a seed. In half of the
// towns nothing is on the stock list: the harder half, a margin for real ones.
func TestImaginedTowns(t *testing.T) {
	var sumP, sumR, worst, seeds float64 = 0, 0, 1, 0
	table := must(Defaults())
	for town := range uint64(2) {
		im := newTown(town)
		hosts := im.hosts()
		for addr, provider := range im.provider {
			if provider == "" || provider == "cdn" {
				continue
			}
			var right, wrong, all float64
			for _, k := range must(Kinship([]string{addr}, hosts, Options{Table: table})) {
				if im.provider[k.Host] == provider {
					all++
				}
				if k.Verdict == VerdictKin && im.provider[k.Host] == provider {
					right++
				} else if k.Verdict == VerdictKin {
					wrong++
				}
			}
			precision := 1.0
			if right+wrong > 0 {
				precision = right / (right + wrong)
			}
			if precision < .9 {
				t.Logf("town %d seed %s (%s drifted %v): precision %.2f recall %.2f", town, addr, provider, im.drifted[addr], precision, right/all)
			}
			sumP, sumR, worst, seeds = sumP+precision, sumR+right/all, min(worst, precision), seeds+1
		}
	}
	t.Logf("simulated: %d seeds, mean precision %.3f, mean recall %.3f, worst precision %.2f", int(seeds), sumP/seeds, sumR/seeds, worst)
	if sumP/seeds < .97 || sumR/seeds < .85 || worst < .9 {
		t.Errorf("want mean precision >= .97, mean recall >= .85, worst precision >= .90")
	}
}
