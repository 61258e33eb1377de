// Command clustering measures package cluster on a synthetic Internet: how well
// it ranks the kin of seeds and groups providers, next to rules of thumb, with
// every family of evidence removed in turn, and what time and memory it takes.
// Everything that it prints is simulated.
//
//	go run ./internal/bench/clustering -hosts 100000 -make a -seed 1
package main

import (
	"flag"
	"fmt"
	"os"
)

// options are the flags.
type options struct {
	hosts, seeds, least, top int
	seed                     uint64
	maker, params            string
	baselines, ablation      bool
	method, clusters         bool
	outside                  int
	dump                     string
	scale                    string
	confidence               float64
	one                      bool
}

func main() {
	var o options
	flag.IntVar(&o.hosts, "hosts", 100000, "hosts of the world")
	flag.StringVar(&o.maker, "make", "a", "how the world is made: a, b or c, see params.go")
	flag.StringVar(&o.params, "params", "", `parameters of the make to change, as JSON: {"Appliances": 0.4}`)
	flag.Uint64Var(&o.seed, "seed", 1, "of the random numbers")
	flag.IntVar(&o.seeds, "seeds", 300, "seed hosts whose kin are ranked; 0: none")
	flag.IntVar(&o.least, "least", 5, "observable hosts of a provider that seeds are drawn from")
	flag.IntVar(&o.top, "top", 2000, "length of a ranking")
	flag.BoolVar(&o.clusters, "clusters", true, "cluster all hosts too")
	flag.BoolVar(&o.method, "method", true, "our own method")
	flag.Float64Var(&o.confidence, "confidence", 0, "of groups, at least; 0: the default")
	flag.BoolVar(&o.baselines, "baselines", true, "the rules of thumb too")
	flag.BoolVar(&o.ablation, "ablation", false, "each family removed in turn too")
	flag.IntVar(&o.outside, "outside", 0, "hosts of the population that the prevalence baseline is made of; 0: as many as -hosts, -1: none")
	flag.StringVar(&o.dump, "dump", "", "only write the world to `FILE` (JSON Lines; .zst compresses), FILE.truth and FILE.networks.tsv")
	flag.StringVar(&o.scale, "scale", "", "only measure time and memory, at these numbers of hosts: 10000,100000,1000000")
	flag.BoolVar(&o.one, "scale-one", false, "one size of -scale, for -hosts, in this process")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "clustering:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	p, err := makeOf(o.maker)
	if err != nil {
		return err
	}
	if err := p.override(o.params); err != nil {
		return err
	}
	switch {
	case o.dump != "":
		return dump(newWorld(p, o.hosts, o.seed), o.dump)
	case o.one:
		return measure(p, o)
	case o.scale != "":
		return scale(o)
	}
	return evaluate(newWorld(p, o.hosts, o.seed), o)
}
