package main

import "fmt"

// pool is how make b draws a kind: how often it is answered, how often a value
// is nobody else's, and how many there are of the others, by Zipf.
type pool struct {
	slot             slot
	answered, unique float64
	values           int
	slope            float64
}

func pools() []pool {
	return []pool{
		{hostKey, .55, .97, 300, 1},
		{banner, .55, 0, 250, 1.3},
		{hassh, .55, .02, 120, 1.2},
		{jarm, .65, .05, 400, 1.1},
		{spki, .6, .94, 4000, .8},
		{issuer, .6, .3, 3000, 1.1},
		{headerOrder, .7, .05, 900, 1.1},
		{title, .7, .4, 20000, 1},
		{favicon, .4, .3, 6000, 1},
		{body, .65, .5, 20000, .9},
	}
}

// independent makes a host of make b: no answer tells anything of another
// one. A provider's image is a set of values, each on most of its hosts.
func (m *maker) independent(i int) (as int) {
	var planted values
	if p := m.truth[i].provider(); p >= 0 {
		m.truth[i] &^= marked
		im := &m.providers[p].images[m.providers[p].popular.draw(m.r)]
		m.role = ofNothing
		if !chance(m.r, m.p.Reimaged) {
			m.role = ofImage
			planted = im.planted
			if planted[issuer] == "" {
				planted[issuer] = m.providers[p].common[issuer]
			}
		}
	}
	for k, pool := range pools() {
		q := pool.slot
		switch {
		case !chance(m.r, pool.answered):
		case planted[q] != "" && chance(m.r, .85):
			m.v[q] = planted[q]
			m.truth[i] |= marked
		case chance(m.r, pool.unique):
			m.v[q] = m.value(q, m.own)
		default:
			m.v[q] = m.value(q, fmt.Sprint("common-", m.pools[k].draw(m.r)))
		}
	}
	if m.v == (values{}) {
		m.v[headerOrder] = m.value(headerOrder, fmt.Sprint("common-", m.pools[6].draw(m.r)))
	}
	return 0
}
