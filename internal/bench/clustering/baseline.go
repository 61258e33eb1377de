package main

import "github.com/hostkin/hostkin/cluster"

// useBaseline gives table the prevalences of another population of the same
// world, one without the providers, and tells whether it could. Not wired yet:
// it is to build a baseline from w.outside(hosts).prints("").
func useBaseline(table *cluster.Table, w *world, hosts int) bool {
	return false
}
