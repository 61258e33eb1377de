package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// provider is one operator of a world.
type provider struct {
	size    int
	images  []image
	popular weighted // images
	systems []int
	nearest weighted // systems
	drift   float64  // how often a host has lost a value of its image
	common  values   // what all images of the operator have
}

// image is what hosts are set up from: stock, and what the provider planted.
type image struct {
	base    stack
	kit     *appliance // instead of a stack: a panel that others run too
	planted values
	offers  [3]bool // services
}

func (w *world) newProvider(r *rand.Rand, i, size int) provider {
	p := provider{size: size, drift: between(r, w.p.Drift[0], w.p.Drift[1])}
	for range 1 + r.IntN(w.p.ProviderSystems) {
		p.systems = append(p.systems, w.net.size.draw(r))
	}
	p.nearest = zipf(len(p.systems), 1)
	name := fmt.Sprintf("op%x", mix(fmt.Sprint(w.seed, "/", i))>>32)
	for q, often := range map[slot]float64{issuer: w.p.Operator.Issuer, domain: w.p.Operator.Domain, management: w.p.Operator.Management} {
		// A stream for each: the order of a map must not matter.
		if chance(source(w.seed, fmt.Sprint("operator", q), i), often) {
			p.common[q] = w.stock.value(q, name)
		}
	}
	n := 1 + min(7, int(r.ExpFloat64()*math.Log2(float64(size)/4)/2))
	for k := range n {
		p.images = append(p.images, w.newImage(r, fmt.Sprint(name, "-", k), p.images))
	}
	p.popular = zipf(n, 1)
	return p
}

func (w *world) newImage(r *rand.Rand, name string, before []image) image {
	s := w.stock
	im := image{base: s.installed[s.stacks.draw(r)]}
	if len(s.appliances) > 0 && chance(r, w.p.Kits) {
		im.kit = &s.appliances[s.popular.draw(r)]
	}
	im.offers = [3]bool{w.p.Independent, w.p.Independent, w.p.Independent}
	for !slices.Contains(im.offers[:], true) {
		im.offers = [3]bool{chance(r, .75), chance(r, .85), chance(r, .85)}
	}
	names := slotNames()
	for planted := false; !planted; {
		care := between(r, w.p.Care[0], w.p.Care[1])
		for q := range slots {
			if !im.answers(q) || !chance(r, care*w.p.Planted[names[q]]) {
				continue
			}
			im.planted[q], planted = s.value(q, name), true
			if len(before) > 0 && before[0].planted[q] != "" && chance(r, w.p.Again) {
				im.planted[q] = before[0].planted[q]
			}
		}
	}
	return im
}

// answers tells whether hosts of the image answer a question.
func (im *image) answers(q slot) bool {
	for i, service := range services() {
		if slices.Contains(service, q) {
			return im.offers[i]
		}
	}
	return true
}
