package cluster

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// images are 400 hosts: first those of images of so many hosts, which have
// nothing in common that a server says by itself, then strangers.
func images(sizes ...int) *crowd {
	c, image, left := &crowd{}, 0, sizes[0]
	for n := range 400 {
		for left == 0 && image < len(sizes) {
			if image++; image < len(sizes) {
				left = sizes[image]
			}
		}
		own := fmt.Sprint("own ", n)
		if left > 0 {
			own = fmt.Sprint("image ", image)
			left--
		}
		for _, kind := range []fingerprints.Kind{"ssh.kexinit", "ssh.preamble", "jarm", "http.header_order"} {
			c.set(n, 443, kind, own)
		}
	}
	return c
}

// alike gives the first 20 hosts a value and each other one its own.
func (c *crowd) alike(port uint16, kind fingerprints.Kind, value string) {
	for n := range 400 {
		if n >= 20 {
			c.set(n, port, kind, fmt.Sprint("own ", n))
		} else {
			c.set(n, port, kind, value)
		}
	}
}

func sizes(groups []Group) (out []int) {
	for _, g := range groups {
		out = append(out, len(g.Hosts))
	}
	return out
}

// Images of one provider are one group if they have two kinds of things in
// common, whatever their servers answer differently.
func TestImagesOfOneProviderMerge(t *testing.T) {
	c := images(10, 10)
	c.alike(443, "cert.issuer", "CN=Provider CA")
	c.alike(8443, "http.title", "Provider's panel")
	x := indexed(c.hosts())
	if proposed := x.communities(); len(proposed) != 2 {
		t.Fatalf("%d communities are proposed: nothing is left to merge", len(proposed))
	}
	if got := sizes(must(x.Groups(Options{}))); !slices.Equal(got, []int{20}) {
		t.Errorf("groups of %v hosts, want one of 20", got)
	}
}

// One thing in common, or one member that has wandered, is a bridge.
func TestImagesWithOneValueInCommonStayApart(t *testing.T) {
	issuer, wandered := images(10, 10), images(10, 10)
	issuer.alike(443, "cert.issuer", "CN=Provider CA")
	for _, n := range []int{3, 13} {
		wandered.set(n, 443, "cert.issuer", "CN=Provider CA")
		wandered.set(n, 8443, "http.title", "Provider's panel")
	}
	for name, c := range map[string]*crowd{"issuer": issuer, "wandered": wandered} {
		groups := must(indexed(c.hosts()).Groups(Options{}))
		if !slices.Equal(sizes(groups), []int{10, 10}) || len(groups[0].Bridges) != 1 || groups[0].Bridges[0].To != 2 ||
			groups[0].Bridges[0].Value != "CN=Provider CA" {
			t.Errorf("%s: groups %+v, want two of 10 with the issuer as their bridge", name, groups)
		}
	}
}

// A chain whose ends have nothing in common does not become one group: most of
// what the first two hold is not what ties the third to the second.
func TestChainDoesNotMerge(t *testing.T) {
	c := images(12, 8, 8)
	for n := range 28 {
		for link, holds := range []bool{n < 20, n >= 12} {
			if holds {
				c.set(n, 8443, "cert.issuer", fmt.Sprint("CN=", link))
				c.set(n, 8443, "http.title", fmt.Sprint("panel ", link))
			}
		}
	}
	groups := must(indexed(c.hosts()).Groups(Options{}))
	if !slices.Equal(sizes(groups), []int{20, 8}) || len(groups[0].Bridges) != 1 {
		t.Errorf("groups %+v, want 20 and 8 with a bridge", groups)
	}
}

// A host that propagation put elsewhere joins the group of which it is kin.
func TestFreeHostJoins(t *testing.T) {
	c := &crowd{}
	for n := range 400 {
		own := fmt.Sprint("own ", n)
		value := own
		if n < 11 {
			value = "provider"
		}
		c.set(n, 443, "cert.issuer", "CN="+value)
		c.set(n, 8443, "http.title", value)
		if n >= 10 {
			if n < 12 { // a server that has nothing to do with the provider, on one of its hosts and on another
				own = "odd"
			}
			for _, kind := range []fingerprints.Kind{"ssh.kexinit", "ssh.hassh_server", "ssh.hassh_normal", "ssh.software", "ssh.preamble"} {
				c.set(n, 22, kind, own)
			}
		}
	}
	x := indexed(c.hosts())
	if !slices.ContainsFunc(x.communities(), func(m []hostID) bool { return slices.Equal(m, []hostID{10, 11}) }) {
		t.Fatalf("communities %v: the host is not proposed elsewhere", x.communities())
	}
	groups := must(x.Groups(Options{}))
	if !slices.Equal(sizes(groups), []int{11}) || !slices.Contains(groups[0].Hosts, addrOf(10)) {
		t.Errorf("groups %+v, want one with host 10", groups)
	}
}

// A scan too large to be judged as a whole gives the same groups in any order:
// 60 providers of two images and strangers, with values of all degrees of rarity.
func TestOrderOfLargeInputDoesNotMatter(t *testing.T) {
	c, r := &crowd{}, rand.New(rand.NewPCG(1, 2))
	kinds := []fingerprints.Kind{"cert.issuer", "cert.shape", "http.title", "http.header_order", "jarm", "ssh.kexinit"}
	for n := range judgeAll + 1000 {
		for k, kind := range kinds {
			value := fmt.Sprint("common ", int(r.ExpFloat64()*100))
			switch provider := n % 60; {
			case n >= 1200 || r.IntN(10) == 0:
			case k < 3:
				value = fmt.Sprint("provider ", provider)
			default:
				value = fmt.Sprint("image ", provider, n%120)
			}
			c.set(n, 443, kind, value)
		}
	}
	groups := func() []Group {
		b := NewBuilder(must(Defaults()))
		for _, p := range c.prints {
			b.Add(p)
		}
		return must(b.Index().Groups(Options{Related: true, MinConfidence: .5}))
	}
	want := groups()
	if len(want) < 10 {
		t.Fatalf("only %d groups: nothing to compare", len(want))
	}
	r.Shuffle(len(c.prints), func(i, j int) { c.prints[i], c.prints[j] = c.prints[j], c.prints[i] })
	if !reflect.DeepEqual(groups(), want) {
		t.Error("another order of fingerprints gave other groups")
	}
}
