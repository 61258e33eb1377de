package casefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Compacted is what Compact did.
type Compacted struct {
	Segments, Into int   // segments that were merged, and the new ones
	Before, After  int64 // their bytes
}

// compactText is how much text is compressed together: the more, the better.
const compactText = 8 << 20

// Compact merges neighbouring small segments of finished passes into larger
// ones with larger batches. No line is changed, lost or moved past another; a
// segment in which anything is broken stays as it is. The new segment is whole
// on disk before the old ones go, and until then nobody reads it.
func (c *Case) Compact(ctx context.Context) (done Compacted, err error) {
	l, err := c.takeLock()
	if err != nil {
		return done, err
	}
	defer l.release()
	if err := c.clean(); err != nil {
		return done, fmt.Errorf("compact: %w", err)
	}
	if _, err := c.mendManifest(); err != nil {
		return done, err
	}
	runs, err := c.runs()
	if err != nil {
		return done, err
	}
	for _, run := range runs {
		if err := c.merge(ctx, run, &done); err != nil {
			return done, fmt.Errorf("compact: %w", err)
		}
	}
	_, err = c.rebuild(ctx, false, func(Fault) {}) // merged segments have no faults
	return done, err
}

// runs are the neighbours that are to be merged.
func (c *Case) runs() (runs [][]segmentName, err error) {
	names, _, err := c.segmentNames()
	if err != nil {
		return nil, err
	}
	var run []segmentName
	size, text, pass := int64(0), int64(0), 0
	end := func() {
		if len(run) > 1 {
			runs = append(runs, run)
		}
		run, size, text = nil, 0, 0
	}
	finished, err := c.finishedPasses(names)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		s, err := c.sizeOf(n)
		if err != nil {
			return nil, err
		}
		if !s.whole || !finished[s.pass] || s.bytes >= segmentSize/2 || s.text >= segmentText/2 {
			end()
			continue
		}
		if s.pass != pass || size+s.bytes > segmentSize || text+s.text > segmentText {
			end()
		}
		run, size, text, pass = append(run, n), size+s.bytes, text+s.text, s.pass
	}
	end()
	return runs, nil
}

func (c *Case) finishedPasses(names []segmentName) (map[int]bool, error) {
	finished := map[int]bool{}
	for _, n := range names {
		last, err := c.lastBatch(n)
		if err != nil {
			return nil, err
		}
		finished[last.progress.Pass] = finished[last.progress.Pass] || last.progress.Finished
	}
	return finished, nil
}

// measure is what decides whether a segment is merged.
type measure struct {
	whole       bool // all of it is batches of one pass
	pass        int
	bytes, text int64
}

func (c *Case) sizeOf(n segmentName) (m measure, err error) {
	s, err := c.openSegment(n)
	if err != nil {
		return m, err
	}
	defer s.file.Close()
	m = measure{whole: true, bytes: s.size}
	err = walk(s.file.Name(), s.file, s.size, false, func(Fault) { m.whole = false }, func(b batch) bool {
		m.whole = m.whole && (m.pass == 0 || m.pass == b.progress.Pass)
		m.pass = b.progress.Pass
		m.text += b.text
		return true
	})
	m.whole = m.whole && m.pass > 0
	return m, err
}

// merge writes the segments of a run into one.
func (c *Case) merge(ctx context.Context, run []segmentName, done *Compacted) error {
	open, err := c.openAll(run)
	if err != nil {
		return err
	}
	defer closeSegments(open)
	n := segmentName{run[0].from, run[len(run)-1].to}
	path := c.logPath(n)
	m := &merger{}
	if m.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true), zstd.WithEncoderLevel(zstd.SpeedBetterCompression)); err != nil {
		return err
	}
	defer m.encoder.Close()
	if m.decoder, err = newDecoder(); err != nil {
		return err
	}
	defer m.decoder.Close()
	err = writeFile(path, func(out io.Writer) error {
		m.out = out
		for _, s := range open {
			if err := m.take(ctx, s); err != nil {
				return err
			}
		}
		return m.flush()
	})
	if err != nil {
		return fmt.Errorf("merge into %s: %w; the old segments are untouched", path, err)
	}
	for _, s := range open {
		done.Before += s.size
	}
	done.Segments, done.Into, done.After = done.Segments+len(run), done.Into+1, done.After+m.written
	return errors.Join(c.enter(n), c.dropSuperseded())
}

// merger puts batches together.
type merger struct {
	out              io.Writer
	encoder          *zstd.Encoder
	decoder          *zstd.Decoder
	progress         Progress
	text, part, buf  []byte
	lines, hosts     int
	batches, written int64
}

func (m *merger) take(ctx context.Context, s *segment) error {
	var failed error
	err := walk(s.file.Name(), s.file, s.size, false, func(f Fault) { failed = f }, func(b batch) bool {
		failed = errors.Join(ctx.Err(), m.add(b))
		return failed == nil
	})
	return errors.Join(err, failed)
}

func (m *merger) add(b batch) error {
	lines, err := b.lines(m.decoder, m.part[:0])
	if err != nil {
		return err
	}
	m.part = lines
	if len(m.text) > 0 && len(m.text)+len(lines) > compactText {
		if err := m.flush(); err != nil {
			return err
		}
	}
	m.text = append(m.text, lines...)
	m.progress = b.progress
	m.lines, m.hosts, m.batches = m.lines+b.progress.Lines, m.hosts+b.progress.Hosts, m.batches+1
	return nil
}

// flush writes a batch, and reads it back before anything depends on it.
func (m *merger) flush() error {
	if m.batches == 0 {
		return nil
	}
	p := m.progress // where the last of the batches stood
	p.Lines, p.Hosts = m.lines, m.hosts
	var err error
	if m.buf, err = appendBatch(m.buf[:0], m.encoder, p, m.text); err != nil {
		return err
	}
	if err := m.check(p); err != nil {
		return err
	}
	n, err := m.out.Write(m.buf)
	m.written += int64(n)
	m.text, m.lines, m.hosts, m.batches = m.text[:0], 0, 0, 0
	return err
}

// check wants the batch in buf to give back what went into it.
func (m *merger) check(p Progress) error {
	h, ok := readHeader(m.buf)
	if !ok || h.size() != int64(len(m.buf)) {
		return errors.New("the new batch cannot be read")
	}
	back, frame, err := h.read(m.buf[batchFixed:])
	if err != nil {
		return err
	}
	text, err := batch{progress: back, frame: frame, text: h.text}.lines(m.decoder, nil)
	if err == nil && (!bytes.Equal(text, m.text) || back.Next != p.Next || back.Finished != p.Finished) {
		err = errors.New("the new batch differs from the old ones")
	}
	return err
}
