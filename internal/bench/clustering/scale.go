package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/hostkin/hostkin/cluster"
)

// size is what one number of hosts cost.
type size struct {
	Hosts, Prints               int
	Index, Groups, Rank         float64 // CPU seconds; Rank is of one seed
	WorldMiB, IndexMiB, PeakMiB float64 // largest resident size before and after Index, and in the end
	Clusters                    int
}

// scale measures each size in a process of its own.
func scale(o options) error {
	var all []size
	for text := range strings.SplitSeq(o.scale, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("-scale %q: %q is no number of hosts", o.scale, text)
		}
		s, err := elsewhere(o, n)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	return table("hosts\tfingerprints\tindex CPU s\tgroups CPU s\tone seed CPU s\tMiB of the world\tafter index\tpeak MiB\tgroups", func(w *tabwriter.Writer) {
		for _, s := range all {
			fmt.Fprintf(w, "%d\t%d\t%.2f\t%.2f\t%.3f\t%.0f\t%.0f\t%.0f\t%d\n", s.Hosts, s.Prints, s.Index, s.Groups, s.Rank, s.WorldMiB, s.IndexMiB, s.PeakMiB, s.Clusters)
		}
	})
}

func elsewhere(o options, hosts int) (size, error) {
	self, err := os.Executable()
	if err != nil {
		return size{}, err
	}
	cmd := exec.Command(self, "-scale-one", "-hosts", strconv.Itoa(hosts), "-make", o.maker, "-seed", strconv.FormatUint(o.seed, 10),
		"-params", o.params, "-seeds", strconv.Itoa(min(o.seeds, 20)), "-top", strconv.Itoa(o.top), fmt.Sprintf("-clusters=%v", o.clusters))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return size{}, fmt.Errorf("%d hosts: %w", hosts, err)
	}
	var s size
	return s, json.Unmarshal(out.Bytes(), &s)
}

// measure is one size. The world is made batch by batch, and only what becomes
// of each batch is measured.
func measure(p params, o options) error {
	w := newWorld(p, o.hosts, o.seed)
	table, err := cluster.Defaults()
	if err != nil {
		return err
	}
	if lookup := w.network(); lookup != nil {
		table.UseNetworks(lookup)
	}
	s := size{Hosts: o.hosts, WorldMiB: peak()}
	b := cluster.NewBuilder(table)
	for batch := range batches(w.prints("")) {
		start := cpu()
		for _, f := range batch {
			b.Add(f)
		}
		s.Index += cpu() - start
		s.Prints += len(batch)
	}
	start := cpu()
	index := b.Index()
	s.Index, s.IndexMiB = s.Index+cpu()-start, peak()
	if o.clusters {
		start = cpu()
		groups, err := index.Groups(cluster.Options{Table: table})
		if err != nil {
			return err
		}
		s.Groups, s.Clusters = cpu()-start, len(groups)
	}
	if err := s.rank(index, w, table, o); err != nil {
		return err
	}
	s.PeakMiB = peak()
	return json.NewEncoder(os.Stdout).Encode(s)
}

// batches yields a sequence in slices of 4096, each good until the next.
func batches[T any](all iter.Seq[T]) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		batch := make([]T, 0, 1<<12)
		for v := range all {
			if batch = append(batch, v); len(batch) == cap(batch) {
				if !yield(batch) {
					return
				}
				batch = batch[:0]
			}
		}
		yield(batch)
	}
}

// rank measures the ranking of some observable hosts.
func (s *size) rank(index *cluster.Index, w *world, table *cluster.Table, o options) error {
	var seeds []string
	for h := range w.hosts() {
		if len(seeds) == o.seeds {
			break
		}
		if w.truth[h.n].observable() {
			seeds = append(seeds, h.addr.String())
		}
	}
	start := cpu()
	for _, seed := range seeds {
		if _, err := index.Kinship([]string{seed}, cluster.Options{Table: table, Top: o.top}); err != nil {
			return err
		}
	}
	s.Rank = share(cpu()-start, float64(len(seeds)), 0)
	return nil
}
