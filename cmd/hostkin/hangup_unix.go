//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups tells of SIGHUP, if wanted, until stop is called.
func hangups(wanted bool) (came <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	if !wanted {
		return c, func() {}
	}
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
