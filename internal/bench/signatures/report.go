package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/hostkin/hostkin/internal/bench/signatures/farm"
	"github.com/hostkin/hostkin/scanner/record"
)

// print writes the tables and, with check, fails if a goal is missed.
func (r *result) print(w io.Writer, o options) error {
	all := schemes()
	jarm, server := r.values(all[0]), r.values(all[1])
	products := len(group(r.products()))
	fmt.Fprintf(w, "set %s: %d configurations of %d products; at most %.2f bits\n\n", o.set, len(r.sites), products, math.Log2(float64(len(r.sites))))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scheme\tconnections\tdistinct\tbits\tbits/connection\tmixed groups\tin them\tunstable\tunknown looks")
	for _, s := range all {
		values := r.values(s)
		f := measure(values, r.products())
		unstable, unknown := map[int]bool{}, 0
		for _, c := range r.conditions {
			st := r.steadiness(s, c, values)
			unknown += st.unknown
			for _, i := range st.unstable {
				unstable[i] = true
			}
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%.3f\t%.2f\t%d\t%d\t%d\t%d\n", s.name, s.connections, f.distinct, f.bits, f.bits/float64(s.connections), f.mixed, f.inMixed, len(unstable), unknown)
	}
	t.Flush()
	fmt.Fprintf(w, "\nhellos by what each adds to those before it:%s\n", r.greedy())
	fmt.Fprintf(w, "pairs that only JARM tells apart: %d; that only tls.server does: %d\n\n", len(apart(jarm, server)), len(apart(server, jarm)))
	r.printSteadiness(w, all[:2])
	r.printCost(w)
	if o.verbose {
		r.tell(w, all, jarm, server)
	}
	if !o.check {
		return nil
	}
	return r.goals(all, jarm, server, products)
}

// greedy orders the hellos: first the one with most bits, then always the one
// that adds most.
func (r *result) greedy() string {
	var out strings.Builder
	var chosen []string
	before := 0.
	for len(chosen) < len(letters()) {
		best, bits := "", -1.
		for _, l := range letters() {
			if slices.Contains(chosen, l) {
				continue
			}
			s := scheme{of: components(func(t *record.TLS) *record.TLS { return t }, append(slices.Clone(chosen), l)...)}
			if b := measure(r.values(s), r.products()).bits; b > bits {
				best, bits = l, b
			}
		}
		fmt.Fprintf(&out, " %s +%.3f", strings.ToUpper(best), bits-before)
		chosen, before = append(chosen, best), bits
	}
	return out.String()
}

func (r *result) printSteadiness(w io.Writer, list []scheme) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "condition\tlooks\tscheme\tunstable\tunknown looks")
	for _, c := range r.conditions {
		for _, s := range list {
			st := r.steadiness(s, c, r.values(s))
			fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%d\n", c.name, len(c.looks)*len(r.sites), s.name, len(st.unstable), st.unknown)
		}
	}
	t.Flush()
}

func (r *result) printCost(w io.Writer) {
	if r.cpu == nil {
		return
	}
	fmt.Fprintf(w, "\nCPU s/1000 hosts: tls.server (5 connections) %.2f, JARM (10) %.2f\n", r.cpu[0].Seconds(), r.cpu[1].Seconds())
}

// goals are those of the signature.
func (r *result) goals(all []scheme, jarm, server []string, products int) error {
	ours, theirs := measure(server, r.products()), measure(jarm, r.products())
	var missed []error
	miss := func(is bool, format string, args ...any) {
		if is {
			missed = append(missed, fmt.Errorf("goal missed: "+format, args...))
		}
	}
	miss(products < 9 || len(r.sites) < 60, "%d configurations of %d products, not 60 of 9", len(r.sites), products)
	miss(ours.bits < 1.05*theirs.bits, "%.3f bits, not 5 %% more than JARM's %.3f", ours.bits, theirs.bits)
	miss(ours.mixed >= theirs.mixed, "%d mixed groups, not fewer than JARM's %d", ours.mixed, theirs.mixed)
	for _, c := range r.conditions {
		st := r.steadiness(all[1], c, server)
		miss(len(st.unstable) > 0, "%s: %d unstable values", c.name, len(st.unstable))
	}
	return errors.Join(missed...)
}

func describe(s farm.Site) string { return s.Product + " (" + s.Label + ")" }

// tell is for those who work on the signature.
func (r *result) tell(w io.Writer, all []scheme, jarm, server []string) {
	for i, values := range [][]string{jarm, server} {
		groups := group(values)
		fmt.Fprintf(w, "\ngroups of %s that mix products:\n", all[i].name)
		for _, v := range slices.Sorted(maps.Keys(groups)) {
			if severalOf(groups[v], r.products()) {
				fmt.Fprintln(w, v)
				for _, i := range groups[v] {
					fmt.Fprintln(w, "   ", describe(r.sites[i]))
				}
			}
		}
	}
	fmt.Fprintln(w, "\npairs that only JARM tells apart:")
	for _, p := range apart(jarm, server) {
		fmt.Fprintf(w, "%s %s\n%s %s\n", jarm[p[0]], describe(r.sites[p[0]]), jarm[p[1]], describe(r.sites[p[1]]))
		for _, line := range canonical(r.conditions[0].looks[0][p[0]].tls) {
			fmt.Fprintln(w, "   ", line)
		}
	}
	for _, c := range r.conditions {
		for _, i := range r.steadiness(all[1], c, server).unstable {
			r.tellUnstable(w, c, i)
		}
		for _, i := range r.steadiness(all[0], c, jarm).unstable {
			fmt.Fprintf(w, "\nJARM unstable under %s: %s: %v\n", c.name, describe(r.sites[i]), c.read(all[0], i))
		}
	}
}

// tellUnstable prints the lines that not all looks have in common.
func (r *result) tellUnstable(w io.Writer, c condition, site int) {
	fmt.Fprintf(w, "\nunstable under %s: %s\n", c.name, describe(r.sites[site]))
	usual := canonical(r.conditions[0].looks[0][site].tls)
	for _, line := range usual {
		fmt.Fprintln(w, "  usual", line)
	}
	for i, l := range c.looks {
		for _, line := range canonical(l[site].tls) {
			if !slices.Contains(usual, line) {
				fmt.Fprintf(w, "  look %d %s\n", i+1, line)
			}
		}
	}
}
