package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/netip"
	"testing"
)

func testWorld(t *testing.T, name string, hosts int) *world {
	t.Helper()
	p, err := makeOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(p, hosts, 7)
}

func digest(t *testing.T, w *world) string {
	t.Helper()
	h := sha256.New()
	for f := range w.prints("") {
		fmt.Fprintln(h, f)
	}
	if err := w.writeTruth(h); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestSameSeedSameWorld(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		w := testWorld(t, name, 1000)
		first := digest(t, w)
		if digest(t, w) != first {
			t.Errorf("make %s: the same world differs when it is made again", name)
		}
		if digest(t, testWorld(t, name, 1000)) != first {
			t.Errorf("make %s: two worlds of one seed differ", name)
		}
		other := newWorld(w.p, 1000, 8)
		if digest(t, other) == first {
			t.Errorf("make %s: another seed makes the same world", name)
		}
	}
}

func TestEveryHostHasAnAddressAndAnAnswer(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		w := testWorld(t, name, 5000)
		seen := map[netip.Addr]bool{}
		for h := range w.hosts() {
			if seen[h.addr] {
				t.Fatalf("make %s: %s is given out twice", name, h.addr)
			}
			seen[h.addr] = true
			if *h.values == (values{}) {
				t.Errorf("make %s: host %d answers nothing", name, h.n)
			}
			if lookup := w.network(); lookup != nil && lookup(h.addr) == 0 {
				t.Errorf("make %s: %s is in no system", name, h.addr)
			}
		}
		if len(seen) != 5000 {
			t.Errorf("make %s: %d hosts, want 5000", name, len(seen))
		}
	}
}

// within fails when a share is not near what the parameters say.
func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s: %.3f, want %.3f to %.3f", what, got, low, high)
	}
}

func TestIngredients(t *testing.T) {
	w := testWorld(t, "a", 20000)
	var n, members, observable, prints, tenants, cdn, hosters, hidden float64
	tenantOf, sizeOf := map[string]bool{}, map[string]int{}
	for i := range 1000 {
		tenantOf[w.stock.value(subject, fmt.Sprintf("tenant%d-hosts", i))] = true
	}
	cdnPage := map[string]bool{}
	for i := range w.p.CDNs {
		cdnPage[w.stock.value(body, fmt.Sprint("cdn", i))] = true
	}
	hosterName := map[string]bool{}
	for i := range w.p.Hosters {
		hosterName[w.stock.value(domain, fmt.Sprint("hoster", i))] = true
	}
	for h := range w.hosts() {
		n++
		for _, v := range h.values {
			if v != "" {
				prints++
			}
		}
		if m := w.truth[h.n]; m != stranger {
			members++
			if m.observable() {
				observable++
			}
		}
		if tenantOf[h.values[subject]] {
			tenants++
			sizeOf[h.values[subject]]++
		}
		if cdnPage[h.values[body]] {
			cdn++
		}
		if hosterName[h.values[domain]] {
			hosters++
		}
		if h.values[synAck] == "" {
			hidden++
		}
	}
	within(t, "fingerprints a host", prints/n, 9, 13)
	within(t, "hosts of providers", members/n, .09, .1)
	within(t, "observable hosts of providers", observable/members, .7, .82)
	within(t, "hosts with a tenant's certificate", tenants/n, .01, .03)
	within(t, "fronts of a CDN that show its page", cdn/n, .01, .02)
	within(t, "hosts with a hoster's name", hosters/n, .01, .06)
	within(t, "hosts without a SYN-ACK", hidden/n, w.p.Missing[0], w.p.Missing[1])
	largest := 0
	for _, s := range sizeOf {
		largest = max(largest, s)
	}
	within(t, "hosts of the largest tenant", float64(largest), 20, 90)
	for i, p := range w.providers {
		if p.size < 5 || float64(p.size) > scaled(w.p.ProviderMost, 20000) || len(p.images) < 1 || len(p.images) > 8 {
			t.Errorf("provider %d has %d hosts and %d images", i, p.size, len(p.images))
		}
	}
}

// The population that a baseline is made of shares the stock values of the
// world, and none that a provider planted.
func TestOutside(t *testing.T) {
	w := testWorld(t, "a", 4000)
	planted := map[string]bool{}
	for _, p := range w.providers {
		for _, im := range p.images {
			for q, v := range im.planted {
				if v != "" && slot(q) != favicon { // 32 bits: they may collide
					planted[v] = true
				}
			}
		}
	}
	inside := map[string]bool{}
	for h := range w.hosts() {
		inside[h.values[jarm]] = true
	}
	answered, known := 0.0, 0.0
	for h := range w.outside(2000).hosts() {
		for q, v := range h.values {
			if planted[v] {
				t.Fatalf("host %d of the outside has slot %d of a provider: %s", h.n, q, v)
			}
		}
		if v := h.values[jarm]; v != "" {
			answered++
			if inside[v] {
				known++
			}
		}
	}
	within(t, "JARMs of the outside that the world has too", known/answered, .9, 1)
}

func TestNetworksWriteAsIPtoASN(t *testing.T) {
	w := testWorld(t, "a", 1000)
	var out bytes.Buffer
	if err := w.net.write(&out); err != nil {
		t.Fatal(err)
	}
	var first, last, country, name string
	var as uint32
	next := netip.MustParseAddr("11.0.0.0")
	for {
		_, err := fmt.Fscanf(&out, "%s\t%s\t%d\t%s\t%s\n", &first, &last, &as, &country, &name)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		a, b := netip.MustParseAddr(first), netip.MustParseAddr(last)
		if a != next || w.net.lookup(a) != as || w.net.lookup(b) != as {
			t.Fatalf("%s to %s of %d: lookups say %d and %d; the range before ended before %s", a, b, as, w.net.lookup(a), w.net.lookup(b), next)
		}
		next = b.Next()
	}
	if w.net.lookup(next) != 0 || w.net.lookup(netip.MustParseAddr("10.255.255.255")) != 0 || w.net.lookup(netip.MustParseAddr("2001:db8::1")) != 0 {
		t.Error("an address outside all ranges has a system")
	}
}

func TestOverride(t *testing.T) {
	p, _ := makeOf("a")
	if err := p.override(`{"Appliances": 0.4, "Planted": {"title": 0}}`); err != nil || p.Appliances != .4 || p.Planted["title"] != 0 || p.Planted["jarm"] == 0 {
		t.Errorf("override: %v, %v", err, p)
	}
	if p.override(`{"Aplliances": 1}`) == nil {
		t.Error("a parameter that does not exist is taken")
	}
	if p.override(`{"Planted": {"titel": 1}}`) == nil {
		t.Error("a slot that does not exist is taken")
	}
}
