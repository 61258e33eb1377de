package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/hostkin/hostkin/cluster"
)

// variant is one way to run our method.
type variant struct {
	name     string
	without  string // family
	network  bool
	baseline bool
	each     int // seeds at once
}

// evaluate prints the figures of one world.
func evaluate(w *world, o options) error {
	fmt.Printf("simulated, make %s, seed %d: %s\n\n", o.maker, o.seed, w.describe())
	b := &bench{world: w, o: o}
	variants := []variant{{name: "hostkin", network: true, each: 1}, {name: "hostkin, 3 seeds", network: true, each: 3}}
	if !w.p.Flat {
		variants = append(variants, variant{name: "hostkin without networks", each: 1})
	}
	for _, v := range variants {
		b.list = append(b.list, v)
		v.name, v.baseline = v.name+", baseline", true
		b.list = append(b.list, v)
	}
	if o.ablation {
		for _, f := range families() {
			b.list = append(b.list, variant{name: "hostkin without family " + f, without: f, network: true, each: 1})
		}
	}
	if o.method {
		if err := b.ours(); err != nil {
			return err
		}
	}
	if o.baselines {
		b.rivals()
	}
	return b.print()
}

type bench struct {
	*world
	o        options
	list     []variant
	rankings []row[ranking]
	clusters []row[grouping]
	detail   []*ours // of the first variant, and of its twin with a baseline
	names    []string
}

type row[T any] struct {
	name    string
	figures T
	cost    float64 // CPU seconds: a seed's, or of all clusters
}

// ours runs every variant. Those that need the same index share it.
func (b *bench) ours() error {
	indexed := map[string]*population{}
	for _, v := range b.list {
		table, err := cluster.Defaults()
		if err != nil {
			return err
		}
		if v.baseline && (b.o.outside < 0 || !useBaseline(table, b.world, b.o.outside)) {
			continue
		}
		if lookup := b.network(); v.network && lookup != nil {
			table.UseNetworks(lookup)
		}
		key := fmt.Sprint(v.without, v.baseline, v.network)
		if indexed[key] == nil {
			clear(indexed) // one world at a time is enough to hold
			indexed[key] = load(b.world, table, v.without)
		}
		if err := b.one(v, indexed[key], table); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		fmt.Fprintln(os.Stderr, "done:", v.name)
	}
	return nil
}

func (b *bench) one(v variant, p *population, table *cluster.Table) error {
	o := cluster.Options{Table: table, Top: b.o.top, MinConfidence: b.o.confidence}
	m := newOurs(p, o)
	var r ranking
	sets := p.drawSeeds(b.o.seeds, v.each, b.o.least)
	start := cpu()
	for _, seeds := range sets {
		list, err := m.rank(seeds)
		if err != nil && v.without == "" {
			return err
		} // else the seed has nothing left to compare, and nobody is found
		r.add(list[:min(len(list), b.o.top)], seeds, b.truth, p.of)
	}
	if len(sets) > 0 {
		b.rankings = append(b.rankings, row[ranking]{v.name, r.means(), (cpu() - start) / float64(len(sets))})
	}
	if b.o.clusters && v.each == 1 {
		start = cpu()
		all, plain, err := m.cluster()
		if err != nil {
			return err
		}
		cost := cpu() - start
		b.clusters = append(b.clusters, row[grouping]{v.name, compare(all, b.truth), cost}, row[grouping]{v.name + ", unlabelled groups", compare(plain, b.truth), cost})
	}
	if v.without == "" && v.each == 1 && v.network {
		b.detail, b.names = append(b.detail, m), append(b.names, v.name)
	}
	return nil
}

// rivals runs the rules of thumb, and an oracle that knows what was planted.
func (b *bench) rivals() {
	x := newPostings(b.world)
	for _, m := range []struct {
		name  string
		links rule
	}{{"same JARM", sameJARM}, {"any shared value", anyShared}, {"values on 2 to 120 hosts", rarityWindow}, {"identity keys", identityKeys}, {"oracle: planted values", oracle}} {
		start := cpu()
		c := x.components(m.links)
		b.clusters = append(b.clusters, row[grouping]{"components, " + m.name, compare(c, b.truth), cpu() - start})
	}
	found := x.components(oracle)
	p := &population{world: b.world, of: countProvided(b.world)}
	sets := p.drawSeeds(b.o.seeds, 1, b.o.least)
	for _, m := range []struct {
		name string
		list func(seeds []int) []int
	}{
		{"count of shared fingerprints", func(seeds []int) []int { return x.rank(seeds, anyShared, counted, b.o.top) }},
		{"IDF sum", func(seeds []int) []int { return x.rank(seeds, anyShared, x.idf, b.o.top) }},
		{"same JARM", func(seeds []int) []int { return x.rank(seeds, sameJARM, counted, b.o.top) }},
		{"identity keys", func(seeds []int) []int { return x.rank(seeds, identityKeys, counted, b.o.top) }},
		{"oracle: planted values", func(seeds []int) []int { return together(found, seeds) }},
	} {
		var r ranking
		start := cpu()
		for _, seeds := range sets {
			r.add(m.list(seeds), seeds, b.truth, p.of)
		}
		if len(sets) > 0 {
			b.rankings = append(b.rankings, row[ranking]{m.name, r.means(), (cpu() - start) / float64(len(sets))})
		}
	}
}

func table(header string, body func(w *tabwriter.Writer)) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, header)
	body(w)
	err := w.Flush()
	fmt.Println()
	return err
}
