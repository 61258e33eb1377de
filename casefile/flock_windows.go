package casefile

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// flock takes a byte far behind the end, so that others can read who has it.
func flock(f *os.File) (held bool, err error) {
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: 1 << 30})
	return errors.Is(err, windows.ERROR_LOCK_VIOLATION), err
}
