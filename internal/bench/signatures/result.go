package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/hostkin/hostkin/internal/bench/signatures/farm"
)

// condition is something under which all sites are looked at several times.
type condition struct {
	name  string
	looks [][]answers // repeat, site
}

// result is all that a run saw.
type result struct {
	sites      []farm.Site
	conditions []condition
	cpu        []time.Duration // for a thousand hosts, in the order of both; nil: not measured
}

// look measures. The cost comes first, while nothing else goes on.
func look(ctx context.Context, sites []farm.Site, o options) (*result, error) {
	r := &result{sites: sites}
	var at []netip.AddrPort
	for _, s := range sites {
		at = append(at, s.At)
	}
	var err error
	if o.rounds > 0 {
		if r.cpu, err = cost(ctx, at, o.rounds); err != nil {
			return nil, err
		}
	}
	if err := r.repeat(ctx, "idle", at, o.repeats); err != nil || !o.steady {
		return r, err
	}
	d, err := disturb(ctx, at)
	if err == nil {
		err = r.repeat(ctx, "load", at, o.repeats)
	}
	d.end()
	if err != nil {
		return nil, err
	}
	s, err := split(at, o.seed)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return r, r.repeat(ctx, "split", s.sites, o.repeats)
}

func (r *result) repeat(ctx context.Context, name string, at []netip.AddrPort, n int) error {
	c := condition{name: name}
	for i := range n {
		begun := time.Now()
		a, err := ask(ctx, at, both())
		if err != nil {
			return err
		}
		c.looks = append(c.looks, a)
		fmt.Fprintf(os.Stderr, "%s, look %d: %.0f s\n", name, i+1, time.Since(begun).Seconds())
	}
	r.conditions = append(r.conditions, c)
	return nil
}

// read is what a scheme says of a site under a condition, look by look.
func (c condition) read(s scheme, site int) []reading {
	var out []reading
	for _, l := range c.looks {
		out = append(out, s.of(&l[site]))
	}
	return out
}

// values is the value of each site: the first known one.
func (r *result) values(s scheme) []string {
	out := make([]string, len(r.sites))
	for i := range r.sites {
		var all []reading
		for _, c := range r.conditions {
			all = append(all, c.read(s, i)...)
		}
		out[i], _ = reference(all)
	}
	return out
}

func (r *result) products() []string {
	var out []string
	for _, s := range r.sites {
		out = append(out, s.Product)
	}
	return out
}

// steadiness is how often values of a scheme changed under a condition.
type steadiness struct {
	unstable []int // sites
	unknown  int   // looks without a whole value
}

func (r *result) steadiness(s scheme, c condition, values []string) steadiness {
	var out steadiness
	for i := range r.sites {
		differ, unknown := unsteady(values[i], c.read(s, i))
		out.unknown += unknown
		if differ > 0 {
			out.unstable = append(out.unstable, i)
		}
	}
	return out
}
