//go:build race

package main

// slowness is how much longer things may take than for a user: the race
// detector costs a factor of five to ten.
const slowness = 6
