//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package casefile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flock takes the whole file for this process; held tells that another has it.
// The kernel gives it back when the process ends, however it ends.
func flock(f *os.File) (held bool, err error) {
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	return errors.Is(err, unix.EWOULDBLOCK), err
}
