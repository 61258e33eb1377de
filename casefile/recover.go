package casefile

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// recover brings the folder into order after whatever ended the last writer,
// and finds where the pass stands: in the last batch that can be read.
func (w *Writer) recover() error {
	if err := w.c.clean(); err != nil {
		return err
	}
	names, _, err := w.c.segmentNames()
	if err != nil {
		return err
	}
	entries, err := w.c.mendManifest()
	if err != nil {
		return err
	}
	var last Progress
	text := int64(0) // of the segment that may be gone on with
	for i := len(names) - 1; i >= 0 && last.Pass == 0; i-- {
		live := i == len(names)-1 && !entries[names[i]].present
		found, err := w.c.lastBatch(names[i])
		if err != nil {
			return err
		}
		last = found.progress
		if live {
			text = found.text
			if err := w.cutTail(names[i], found.end); err != nil {
				return err
			}
		}
	}
	for _, n := range names[:max(len(names)-1, 0)] {
		if !entries[n].present { // the writer ended between closing and entering it
			if err := w.c.enter(n); err != nil {
				return err
			}
		}
	}
	w.start(last, names, entries)
	return w.goOn(names, entries, text)
}

// start decides which pass is written.
func (w *Writer) start(last Progress, names []segmentName, entries map[segmentName]entry) {
	if len(names) > 0 {
		w.name = names[len(names)-1]
	}
	w.progress = last
	switch {
	case last.Pass == 0:
		w.progress = Progress{Pass: 1}
	case last.Finished && w.o.Rescan:
		w.progress = Progress{Pass: last.Pass + 1}
	}
	w.track = newTracker(w.progress)
}

// goOn appends to the last segment, unless it is closed, full or of another pass.
func (w *Writer) goOn(names []segmentName, entries map[segmentName]entry, text int64) error {
	if len(names) == 0 || entries[w.name].present {
		return nil
	}
	path := w.c.logPath(w.name)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if w.progress.Next == 0 && info.Size() > 0 || w.progress.Finished || info.Size() >= w.o.segmentSize || text >= segmentText {
		return w.c.enter(w.name)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return fmt.Errorf("go on with a segment: %w", err)
	}
	w.use(f, info.Size(), text)
	return nil
}

// tail is where the last good batch of a segment leaves off.
type tail struct {
	progress Progress // zero if there is none
	end      int64    // bytes up to its end
	text     int64    // bytes of lines in the segment
}

// lastBatch finds the last good batch of a segment.
func (c *Case) lastBatch(n segmentName) (last tail, err error) {
	s, err := c.openSegment(n)
	if err != nil {
		return last, err
	}
	defer s.file.Close()
	err = walk(s.file.Name(), s.file, s.size, true, func(Fault) {}, func(b batch) bool {
		last = tail{b.progress, b.offset + b.size, last.text + b.text}
		return true
	})
	return last, err
}

// cutTail drops what follows the last good batch.
func (w *Writer) cutTail(n segmentName, end int64) error {
	path := w.c.logPath(n)
	info, err := os.Stat(path)
	if err != nil || info.Size() == end {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("cut the torn end: %w", err)
	}
	err = f.Truncate(end)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cut the torn end of %s: %w", path, err)
	}
	if w.o.Cut != nil {
		w.o.Cut(path, info.Size()-end)
	}
	return nil
}

// clean removes what a crash has left: temporary files, and segments that a
// merged one holds.
func (c *Case) clean() error {
	for _, folder := range []string{c.dir, c.path(logFolder), c.path(tableFolder)} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		entries, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), tempSuffix) {
				if err := dropTemp(folder + string(os.PathSeparator) + e.Name()); err != nil {
					return err
				}
			}
		}
	}
	return c.dropSuperseded()
}

// dropSuperseded removes the segments that merged ones hold, and their tables.
func (c *Case) dropSuperseded() error {
	_, superseded, err := c.segmentNames()
	if err != nil {
		return err
	}
	for _, n := range superseded {
		if err := errors.Join(dropTemp(c.logPath(n)), dropTemp(c.tablePath(n))); err != nil {
			return fmt.Errorf("remove a segment that was merged: %w", err)
		}
	}
	return nil
}
