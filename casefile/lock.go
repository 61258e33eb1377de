package casefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrLocked is wrapped when another process writes into the case.
var ErrLocked = errors.New("another process writes into this case")

// lock is the right to write into a case.
type lock struct{ file *os.File }

// maxHolder bounds what a lock file may say of its holder, in bytes.
const maxHolder = 300

// takeLock takes the lock or says who has it. What the file says is for people
// only: it is the kernel's lock on it that counts.
func (c *Case) takeLock() (*lock, error) {
	path := c.path(lockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("lock the case: %w; writing needs a folder that can be written", err)
	}
	held, err := flock(f)
	if err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, maxHolder))
		f.Close()
		if held {
			return nil, fmt.Errorf("%s: %w (%s); wait for it or stop it", path, ErrLocked, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock %s: %w; the file system must support locks", path, err)
	}
	name, err := os.Hostname()
	if err != nil {
		name = "unknown host"
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintf(f, "process %d on %.200s\n", os.Getpid(), name)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &lock{f}, nil
}

func (l *lock) release() error { return l.file.Close() }
