package casefile

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// When a Writer goes on to the next batch and to the next segment, in bytes.
const (
	batchText   = 1 << 20   // lines of finished hosts that wait for a batch
	maxHostText = 8 << 20   // lines of one host that wait for its end
	segmentSize = 64 << 20  // file
	segmentText = 256 << 20 // lines in it, so that its table can be derived in memory
)

// WriterOptions say how a case is written.
type WriterOptions struct {
	Now    func() time.Time // stamps the batches; required
	Rescan bool             // begin another pass if the last one is finished
	// Acknowledged, if not nil, is told after each batch is on disk how many
	// hosts are done with it.
	Acknowledged func(hosts int)
	// Cut, if not nil, is told how many bytes of a torn end were cut.
	Cut func(path string, bytes int64)

	segmentSize int64                 // 0: segmentSize
	wrap        func(logFile) logFile // tests put a disk that fails in between
}

// logFile is what a Writer does with the segment that it writes.
type logFile interface {
	Write(p []byte) (int, error)
	Sync() error
	Truncate(size int64) error
	Close() error
}

// Writer appends to the observations of a case. Observations of a host are kept
// until the host is done, and then go to disk in one batch with the mark that
// it is: after a crash a host is either there as a whole or asked again.
// Its methods may be called from any goroutine.
type Writer struct {
	c    *Case
	o    WriterOptions
	lock *lock
	zstd *zstd.Encoder

	mu        sync.Mutex
	file      logFile // nil until the first batch
	name      segmentName
	size      int64    // of file, all of it acknowledged
	text      int64    // of the lines in it
	progress  Progress // of the last batch
	track     *tracker
	waiting   map[record.Host][]byte // lines of hosts that are not done
	counts    map[record.Host]int    // of those lines
	lines     []byte                 // of hosts that are
	count     int
	hosts     int
	skipped   int // targets done that were not asked
	exhausted bool
	buf       []byte
	failed    error // sticks: after it nothing is acknowledged
}

// OpenWriter takes the case's lock, cuts a torn end of its last segment and
// finds out where the pass stands. A finished case stays finished, unless a
// new pass is asked for: see Finished.
func (c *Case) OpenWriter(o WriterOptions) (*Writer, error) {
	l, err := c.takeLock()
	if err != nil {
		return nil, err
	}
	w := &Writer{c: c, o: o, lock: l, waiting: map[record.Host][]byte{}, counts: map[record.Host]int{}}
	if o.segmentSize == 0 {
		w.o.segmentSize = segmentSize
	}
	if w.zstd, err = newEncoder(); err == nil {
		err = w.recover()
	}
	if err != nil {
		return nil, errors.Join(err, w.release())
	}
	return w, nil
}

// Pass is the number of the pass that is written, from 1.
func (w *Writer) Pass() int { return w.progress.Pass }

// Done is how many targets of the pass were done when the Writer was opened.
func (w *Writer) Done() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.progress.Done()
}

// Finished reports whether nothing is left to do in this pass.
func (w *Writer) Finished() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.progress.Finished
}

// Observe takes one observation of a host under scan as a line of JSON with its
// newline. An error means that nothing more can be kept: stop the scan.
func (w *Writer) Observe(host record.Host, line []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return w.failed
	}
	owner, err := w.track.owner(host)
	if err != nil {
		return err
	}
	w.waiting[owner] = append(w.waiting[owner], line...)
	w.counts[owner]++
	if len(w.waiting[owner]) > maxHostText {
		// Memory counts more here than that these lines may come twice.
		return w.move(owner)
	}
	return nil
}

// HostDone tells that nothing more will come of a target.
func (w *Writer) HostDone(t targets.Target) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return w.failed
	}
	if err := w.move(t.Host); err != nil {
		return err
	}
	if err := w.track.end(t.Host); err != nil {
		return err
	}
	w.hosts++
	if len(w.lines) >= batchText {
		return w.flush(false)
	}
	return nil
}

// move puts the lines of a host into the batch.
func (w *Writer) move(owner record.Host) error {
	text := w.waiting[owner]
	if len(w.lines)+len(text) > maxText {
		if err := w.flush(false); err != nil {
			return err
		}
	}
	w.lines = append(w.lines, text...)
	w.count += w.counts[owner]
	delete(w.waiting, owner)
	delete(w.counts, owner)
	return nil
}

// Flush acknowledges the hosts that are done: they are on disk when it returns.
// Call it now and then, since a slow scan fills no batch.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush(false)
}

// Finish acknowledges everything and closes the case. If all targets were gone
// through and have ended, the pass is finished.
func (w *Writer) Finish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	finished := w.exhausted && len(w.track.open) == 0 && !w.progress.Finished
	err := w.flush(finished)
	if err == nil && finished {
		err = w.closeSegment()
	}
	return errors.Join(err, w.release())
}

// Close gives the case back without acknowledging anything more.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.release()
}

func (w *Writer) release() error {
	var errs []error
	if w.file != nil {
		errs = append(errs, w.file.Close())
		w.file = nil
	}
	if w.zstd != nil {
		errs = append(errs, w.zstd.Close())
		w.zstd = nil
	}
	if w.lock != nil {
		errs = append(errs, w.lock.release())
		w.lock = nil
	}
	if w.failed == nil {
		w.failed = os.ErrClosed
	}
	return errors.Join(errs...)
}

// flush writes one batch and syncs it.
func (w *Writer) flush(finished bool) error {
	if w.failed != nil {
		return w.failed
	}
	if w.hosts+w.skipped+w.count == 0 && !finished {
		return nil
	}
	p := Progress{Pass: w.progress.Pass, At: w.o.Now().UTC(), Lines: w.count, Hosts: w.hosts, Finished: finished}
	w.track.progress(&p)
	var err error
	if w.buf, err = appendBatch(w.buf[:0], w.zstd, p, w.lines); err == nil {
		err = w.append(w.buf)
	}
	if err != nil {
		w.failed = fmt.Errorf("%w; what was acknowledged is safe: make room or mend the folder, and run the same command again", err)
		return w.failed
	}
	hosts := w.hosts
	w.text += int64(len(w.lines))
	w.progress, w.lines, w.count, w.hosts, w.skipped = p, w.lines[:0], 0, 0, 0
	if w.o.Acknowledged != nil {
		w.o.Acknowledged(hosts)
	}
	if w.size >= w.o.segmentSize || w.text >= segmentText {
		return w.closeSegment()
	}
	return nil
}

// append writes a batch behind the last one. If it fails, what came of it is
// cut again, so that readers see no torn end; if that fails too, the next
// writer cuts it.
func (w *Writer) append(data []byte) error {
	if w.file == nil {
		if err := w.newSegment(); err != nil {
			return err
		}
	}
	path := w.c.logPath(w.name)
	_, err := w.file.Write(data)
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("append to %s: %w", path, err), w.file.Truncate(w.size))
	}
	w.size += int64(len(data))
	return nil
}

func (w *Writer) newSegment() error {
	w.name = segmentName{w.name.to + 1, w.name.to + 1}
	path := w.c.logPath(w.name)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o666)
	if err != nil {
		return fmt.Errorf("begin a segment: %w", err)
	}
	w.use(f, 0, 0)
	return syncFolder(w.c.path(logFolder))
}

func (w *Writer) use(f logFile, size, text int64) {
	if w.o.wrap != nil {
		f = w.o.wrap(f)
	}
	w.file, w.size, w.text = f, size, text
}

// closeSegment ends the segment and enters it in the manifest.
func (w *Writer) closeSegment() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	if err == nil {
		err = w.c.enter(w.name)
	}
	if err != nil {
		w.failed = fmt.Errorf("close segment %s: %w", w.c.logPath(w.name), err)
	}
	return w.failed
}
