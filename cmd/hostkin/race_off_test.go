//go:build !race

package main

// slowness is how much longer things may take than for a user.
const slowness = 1
