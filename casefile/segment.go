package casefile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// segmentName is the number of a segment, or the numbers of those that were
// merged into it: 000003 or 000003-000007.
type segmentName struct{ from, to int }

const maxSegment = 999_999_999

func (n segmentName) String() string {
	if n.from == n.to {
		return fmt.Sprintf("%06d", n.from)
	}
	return fmt.Sprintf("%06d-%06d", n.from, n.to)
}

// parseSegmentName takes only what String gives.
func parseSegmentName(text string) (n segmentName, ok bool) {
	first, last, merged := strings.Cut(text, "-")
	if !merged {
		last = first
	}
	from, err := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	n = segmentName{from, to}
	return n, err == nil && err2 == nil && from > 0 && from <= to && to <= maxSegment && n.String() == text
}

func (n segmentName) contains(o segmentName) bool { return n != o && n.from <= o.from && o.to <= n.to }

// segmentNames lists the segments of a case in the order in which they were
// written. What a merged segment holds is left out: superseded lists it, for a
// crash may leave it behind.
func (c *Case) segmentNames() (names, superseded []segmentName, err error) {
	entries, err := os.ReadDir(c.path(logFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list the segments: %w", err)
	}
	var all []segmentName
	for _, e := range entries {
		stem, isLog := strings.CutSuffix(e.Name(), logSuffix)
		if n, ok := parseSegmentName(stem); ok && isLog {
			all = append(all, n)
		}
	}
	// A merged segment sorts before those that it holds.
	slices.SortFunc(all, func(a, b segmentName) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	for _, n := range all {
		if len(names) > 0 && names[len(names)-1].contains(n) {
			superseded = append(superseded, n)
		} else {
			names = append(names, n)
		}
	}
	return names, superseded, nil
}

func (c *Case) logPath(n segmentName) string { return c.path(logFolder, n.String()+logSuffix) }

// segment is an open segment file.
type segment struct {
	name segmentName
	file *os.File
	size int64 // when it was opened: what comes later is not read
	live bool  // it may still be written: its end may be torn
}

// openSegments opens all segments before any is read, since a compaction may
// remove some meanwhile.
func (c *Case) openSegments() ([]*segment, error) {
	const attempts = 3
	var err error
	for range attempts {
		var names []segmentName
		if names, _, err = c.segmentNames(); err != nil {
			return nil, err
		}
		var open []*segment
		if open, err = c.openAll(names); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && len(open) > 0 {
			err = c.markLive(open[len(open)-1])
		}
		if err != nil {
			closeSegments(open)
			return nil, err
		}
		return open, nil
	}
	return nil, err
}

// markLive tells whether the last segment may still be written. Its size was
// taken before the manifest is read, so one that is closed meanwhile is whole.
func (c *Case) markLive(last *segment) error {
	entries, _, err := c.manifest(func(Fault) {})
	last.live = !entries[last.name].present
	return err
}

func (c *Case) openAll(names []segmentName) (open []*segment, err error) {
	for _, n := range names {
		s, err := c.openSegment(n)
		if err != nil {
			closeSegments(open)
			return nil, err
		}
		open = append(open, s)
	}
	return open, nil
}

func (c *Case) openSegment(n segmentName) (*segment, error) {
	f, err := os.Open(c.logPath(n))
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open segment: %w", err)
	}
	return &segment{name: n, file: f, size: info.Size()}, nil
}

func closeSegments(open []*segment) {
	for _, s := range open {
		s.file.Close() // opened for reading: nothing can be lost
	}
}

// Fault is something in a case that cannot be used. What is beside it can.
type Fault struct {
	File   string // path
	Offset int64  // bytes, where it begins; -1: the whole file
	Length int64  // bytes that are passed over, 0 if unknown
	Torn   bool   // the unfinished end of a segment that was being written: no loss, its hosts are asked again
	Err    error
}

func (f Fault) Error() string {
	switch {
	case f.Offset < 0:
		return fmt.Sprintf("%s: %v", f.File, f.Err)
	case f.Length > 0:
		return fmt.Sprintf("%s: bytes %d to %d: %v", f.File, f.Offset, f.Offset+f.Length, f.Err)
	}
	return fmt.Sprintf("%s: byte %d: %v", f.File, f.Offset, f.Err)
}

func (f Fault) Unwrap() error { return f.Err }

// batch is a batch as it stands in a segment, its checksum found right.
type batch struct {
	offset, size int64
	progress     Progress
	frame        []byte // of lines, compressed; good until the next batch is read
	text         int64  // bytes that it decompresses to
}

// walk reads the batches of a segment one by one. What cannot be read is told
// to fault and passed over: a broken batch by its length, anything else up to
// the next byte that begins a batch. last tells that the segment may still be
// written, so that its end may be torn.
func walk(path string, r io.ReaderAt, size int64, last bool, fault func(Fault), visit func(batch) bool) error {
	var body []byte
	head := make([]byte, batchFixed)
	for at := int64(0); at < size; {
		h, ok, err := headerAt(r, at, size, head)
		if err != nil {
			return fmt.Errorf("read %s at byte %d: %w", path, at, err)
		}
		if !ok {
			next, err := nextBatch(r, at+1, size)
			if err != nil {
				return fmt.Errorf("read %s at byte %d: %w", path, at, err)
			}
			f := Fault{File: path, Offset: at, Length: next - at, Err: errors.New("no batch begins here")}
			if next == size && last {
				f.Torn, f.Err = true, errors.New("the end is torn: its hosts are asked again when the scan goes on")
			}
			fault(f)
			at = next
			continue
		}
		body = slices.Grow(body[:0], int(h.progress+h.frame))[:h.progress+h.frame]
		if _, err := r.ReadAt(body, at+batchFixed); err != nil {
			return fmt.Errorf("read %s at byte %d: %w", path, at, err)
		}
		p, frame, err := h.read(body)
		if err != nil {
			f := Fault{File: path, Offset: at, Length: h.size(), Err: err}
			f.Torn = last && at+h.size() == size
			fault(f)
		} else if !visit(batch{at, h.size(), p, frame, h.text}) {
			return nil
		}
		at += h.size()
	}
	return nil
}

// headerAt reads the header at a byte; ok only if its batch ends within size.
func headerAt(r io.ReaderAt, at, size int64, buf []byte) (h header, ok bool, err error) {
	if size-at < batchFixed {
		return h, false, nil
	}
	if _, err := r.ReadAt(buf[:batchFixed], at); err != nil {
		return h, false, err
	}
	h, ok = readHeader(buf)
	return h, ok && at+h.size() <= size, nil
}

// nextBatch looks for the next header, in one pass over the file: a candidate
// costs no more than its own 28 bytes.
func nextBatch(r io.ReaderAt, from, size int64) (int64, error) {
	const window = 1 << 20
	buf := make([]byte, min(window, max(size-from, 0)))
	for at := from; at+batchFixed <= size; at += int64(len(buf)) - batchFixed + 1 {
		buf = buf[:min(int64(len(buf)), size-at)]
		if _, err := r.ReadAt(buf, at); err != nil {
			return 0, err
		}
		for i := 0; i+batchFixed <= len(buf); i++ {
			if buf[i] != batchMagic&0xff {
				continue
			}
			if h, ok := readHeader(buf[i:]); ok && at+int64(i)+h.size() <= size {
				return at + int64(i), nil
			}
		}
	}
	return size, nil
}
