//go:build unix

package main

import (
	"runtime"
	"syscall"
)

// cpu is what this process has used so far, user and system, in seconds.
func cpu() float64 {
	u := usage()
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peak is the largest resident size of this process so far, in MiB.
func peak() float64 {
	unit := 1024.0 // KiB
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return float64(usage().Maxrss) * unit / (1 << 20)
}

func usage() syscall.Rusage {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for itself
	return u
}
