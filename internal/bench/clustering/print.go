package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
)

// print writes all tables.
func (b *bench) print() error {
	errs := []error{b.printRankings(), b.printClusters()}
	for i, m := range b.detail {
		name := b.names[i]
		errs = append(errs, printCalibration(name+": links of a seed", m.lines))
		errs = append(errs, m.printRoles(name))
		if m.members.total() > 0 {
			errs = append(errs, printCalibration(name+": pairs of a group, by its confidence", m.members))
		}
	}
	return errors.Join(errs...)
}

func (b *bench) printRankings() error {
	if len(b.rankings) == 0 {
		return nil
	}
	return table("ranking\tseeds\tP@10\tstrict\tP@50\tR@1000\tAP\tobservable: P@10\tP@50\tR@1000\tAP\tCPU s/seed", func(w *tabwriter.Writer) {
		for _, r := range b.rankings {
			f := r.figures
			fmt.Fprintf(w, "%s\t%.0f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\n", r.name, f.Seeds, f.P10, f.Strict, f.P50, f.R1000, f.AP,
				f.Observable.P10, f.Observable.P50, f.Observable.R1000, f.Observable.AP, r.cost)
		}
	})
}

func (b *bench) printClusters() error {
	if len(b.clusters) == 0 {
		return nil
	}
	return table("clusters\tP\tR\tF1\tR observable\tB-cubed P\tR\tF\tF observable\tF all hosts\tclusters\tlargest\tx largest true\tCPU s", func(w *tabwriter.Writer) {
		for _, r := range b.clusters {
			f := r.figures
			fmt.Fprintf(w, "%s\t%.4f\t%.3f\t%.4f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%d\t%d\t%.2f\t%.1f\n", r.name, f.P, f.R, f.F1, f.RObservable, f.B.P, f.B.R, f.B.F,
				f.BObservable.F, f.BAll.F, f.Clusters, f.Largest, share(float64(f.Largest), float64(f.Truly), 0), r.cost)
		}
	})
}

// printRoles tells what the hosts are that links of full confidence are wrong
// by, and what those are that stand in groups.
func (m *ours) printRoles(name string) error {
	return table(name+"\twrong links of .99 and more\thosts in groups\tof their provider", func(w *tabwriter.Writer) {
		for r := range role(roles) {
			for _, r := range []role{r, r | withTenant} {
				if g := m.grouped[r]; m.wrong[r] > 0 || g.Links > 0 {
					fmt.Fprintf(w, "%s\t%d\t%.0f\t%.0f\n", r, m.wrong[r], g.Links, g.Right)
				}
			}
		}
	})
}
