package casefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Rebuild derives the fingerprint tables of all closed segments, with all also
// those that are there already, and removes tables of segments that are gone.
// It returns how many were made. What cannot be read is told to fault.
func (c *Case) Rebuild(ctx context.Context, all bool, fault func(Fault)) (made int, err error) {
	l, err := c.takeLock()
	if err != nil {
		return 0, err
	}
	defer l.release()
	return c.rebuild(ctx, all, fault)
}

func (c *Case) rebuild(ctx context.Context, all bool, fault func(Fault)) (made int, err error) {
	if err := c.clean(); err != nil {
		return 0, fmt.Errorf("rebuild: %w", err)
	}
	names, _, err := c.segmentNames()
	if err != nil {
		return 0, err
	}
	entries, err := c.mendManifest()
	if err != nil {
		return 0, err
	}
	if err := c.dropStrayTables(names); err != nil {
		return 0, err
	}
	for _, n := range names {
		if !entries[n].present {
			continue // still written to
		}
		if t, err := c.openTable(n, entries[n]); err == nil {
			t.close()
			if !all {
				continue
			}
		}
		if err := c.rebuildOne(ctx, n, entries[n], fault); err != nil {
			return made, err
		}
		made++
	}
	return made, nil
}

func (c *Case) rebuildOne(ctx context.Context, n segmentName, e entry, fault func(Fault)) error {
	s, err := c.openSegment(n)
	if err != nil {
		return err
	}
	defer s.file.Close()
	rows, err := c.derive(ctx, s, fault)
	if err != nil {
		return err
	}
	return c.writeTable(n, e, rows)
}

// dropStrayTables removes tables of segments that do not exist.
func (c *Case) dropStrayTables(names []segmentName) error {
	known := map[string]bool{}
	for _, n := range names {
		known[n.String()+tableSuffix] = true
	}
	entries, err := os.ReadDir(c.path(tableFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), tableSuffix) && !known[e.Name()] {
			if err := os.Remove(c.path(tableFolder, e.Name())); err != nil {
				return fmt.Errorf("remove a table without a segment: %w", err)
			}
		}
	}
	return nil
}
