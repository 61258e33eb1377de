package casefile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// Info sums up a case.
type Info struct {
	Segments   []SegmentInfo
	Passes     []PassInfo // in order
	TableBytes int64
	Tables     int
}

// SegmentInfo sums up a segment.
type SegmentInfo struct {
	Name    string // file name
	Pass    int
	Bytes   int64
	Batches int
	Lines   int
	Closed  bool // it is in the manifest and never changes
}

// PassInfo sums up a pass over the targets.
type PassInfo struct {
	Pass        int
	Done        uint64 // targets, those that are excluded too
	Finished    bool
	Hosts       int // targets that were asked
	Lines       int
	Bytes       int64 // of its segments
	First, Last time.Time
}

// Info reads the whole log, but decompresses nothing. What cannot be read is
// told to fault.
func (c *Case) Info(ctx context.Context, fault func(Fault)) (Info, error) {
	var info Info
	open, err := c.openSegments()
	if err != nil {
		return info, err
	}
	defer closeSegments(open)
	entries, _, err := c.manifest(fault)
	if err != nil {
		return info, err
	}
	for _, s := range open {
		e := entries[s.name]
		part := SegmentInfo{Name: s.name.String() + logSuffix, Bytes: s.size, Closed: e.present}
		err := walk(s.file.Name(), s.file, s.size, s.live, fault, func(b batch) bool {
			part.Pass = b.progress.Pass
			part.Batches++
			part.Lines += b.progress.Lines
			info.pass(b)
			return ctx.Err() == nil
		})
		if err = errors.Join(err, ctx.Err()); err != nil {
			return info, err
		}
		info.Segments = append(info.Segments, part)
		if table, err := os.Stat(c.tablePath(s.name)); err == nil {
			info.Tables++
			info.TableBytes += table.Size()
		} else if !errors.Is(err, fs.ErrNotExist) {
			return info, err
		}
	}
	return info, nil
}

func (i *Info) pass(b batch) {
	p := b.progress
	if len(i.Passes) == 0 || i.Passes[len(i.Passes)-1].Pass != p.Pass {
		i.Passes = append(i.Passes, PassInfo{Pass: p.Pass, First: p.At})
	}
	last := &i.Passes[len(i.Passes)-1]
	last.Done, last.Finished, last.Last = p.Done(), p.Finished, p.At
	last.Hosts += p.Hosts
	last.Lines += p.Lines
	last.Bytes += b.size
}
