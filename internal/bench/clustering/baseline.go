package main

import (
	"time"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/cluster/baseline"
)

// useBaseline gives table the prevalences of another population of the same
// world, one without the providers, and tells whether it could.
func useBaseline(table *cluster.Table, w *world, hosts int) bool {
	if hosts == 0 {
		hosts = len(w.truth)
	}
	plain, err := cluster.Defaults()
	if err != nil {
		return false
	}
	b := cluster.NewBuilder(plain)
	for f := range w.outside(hosts).prints("") {
		b.Add(f)
	}
	x := b.Index()
	const least = 2
	base, err := baseline.Build(x.Hosts(), time.Unix(0, 0), x.Answered(), x.Counts(least), least)
	if err != nil {
		return false
	}
	table.UseBaseline(base.Top(100000))
	return true
}
