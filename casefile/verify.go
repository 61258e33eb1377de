package casefile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/hostkin/hostkin/scanner/record"
)

// Verified is what Verify has looked at.
type Verified struct {
	Segments, Batches, Lines, Tables int
	Rows                             int64
}

// Verify reads everything in the case and tells every fault: segments against
// their checksums in the manifest, batches, lines, tables. A torn end of the
// segment that is being written is told too, as such: it is no damage. The
// error tells that a file could not be read at all, or that ctx ended.
func (c *Case) Verify(ctx context.Context, fault func(Fault)) (Verified, error) {
	v := verifier{c: c, fault: fault}
	open, err := c.openSegments()
	if err != nil {
		return v.Verified, err
	}
	defer closeSegments(open)
	entries, _, err := c.manifest(fault)
	if err != nil {
		return v.Verified, err
	}
	for _, s := range open {
		e := entries[s.name]
		if err := v.segment(ctx, s, e); err != nil {
			return v.Verified, err
		}
		v.table(s.name, e)
	}
	v.missing(open, entries)
	return v.Verified, ctx.Err()
}

type verifier struct {
	Verified
	c     *Case
	fault func(Fault)
}

func (v *verifier) segment(ctx context.Context, s *segment, e entry) error {
	path := s.file.Name()
	v.Segments++
	if e.present {
		n, sum, err := digest(s.file)
		if err != nil {
			return err
		}
		if n != e.Bytes || sum != e.SHA256 {
			v.fault(Fault{File: path, Offset: -1, Err: fmt.Errorf("%d bytes with SHA-256 %s; the manifest says %d with %s: take the file from a copy", n, sum, e.Bytes, e.SHA256)})
		}
	}
	z, err := newDecoder()
	if err != nil {
		return err
	}
	defer z.Close()
	var text []byte
	pass := 0
	err = walk(path, s.file, s.size, s.live, v.fault, func(b batch) bool {
		v.Batches++
		at := Fault{File: path, Offset: b.offset, Length: b.size}
		if pass == 0 {
			pass = b.progress.Pass
		}
		if b.progress.Pass != pass {
			at.Err = fmt.Errorf("pass %d in a segment of pass %d", b.progress.Pass, pass)
			v.fault(at)
		}
		lines, err := b.lines(z, text[:0])
		if err == nil {
			text = lines
			err = v.lines(lines, b.progress.Lines)
		}
		if err != nil {
			at.Err = err
			v.fault(at)
		}
		return ctx.Err() == nil
	})
	if e.present && e.Pass != pass {
		v.fault(Fault{File: path, Offset: -1, Err: fmt.Errorf("a segment of pass %d; the manifest says %d", pass, e.Pass)})
	}
	return errors.Join(err, ctx.Err())
}

// lines checks that a batch has so many lines and each is an observation.
func (v *verifier) lines(text []byte, want int) error {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		var o record.Observation
		switch err := json.Unmarshal(line, &o); {
		case len(line) > record.MaxLine:
			return fmt.Errorf("line %d of the batch is longer than %d MiB", n, record.MaxLine>>20)
		case err != nil:
			return fmt.Errorf("line %d of the batch: not JSON of %s: %w", n, record.Schema, err)
		case o.Schema != record.Schema || !o.Host.IP.IsValid():
			return fmt.Errorf("line %d of the batch is no %s", n, record.Schema)
		}
	}
	v.Lines += n
	if n != want {
		return fmt.Errorf("%d lines, the batch says %d", n, want)
	}
	return nil
}

// table reads the table of a segment. One that is missing can be made any time.
func (v *verifier) table(n segmentName, e entry) {
	path := v.c.tablePath(n)
	t, err := v.c.openTable(n, e)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		v.fault(Fault{File: path, Offset: -1, Err: fmt.Errorf("%w; hostkin case rebuild makes it anew", err)})
		return
	}
	defer t.close()
	v.Tables++
	var before Row
	rows := make([]Row, rowsAtOnce)
	for first := true; ; {
		k, err := t.read(rows)
		for _, row := range rows[:k] {
			if v.Rows++; !first && compareRows(before, row) >= 0 && err == nil {
				err = errors.New("rows are out of order; hostkin case rebuild makes the table anew")
			}
			before, first = row, false
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			v.fault(Fault{File: path, Offset: -1, Err: err})
			return
		}
	}
}

// missing tells of segments that were closed and are neither there nor merged.
func (v *verifier) missing(open []*segment, entries map[segmentName]entry) {
	for n := range entries {
		held := false
		for _, s := range open {
			held = held || s.name == n || s.name.contains(n)
		}
		if !held {
			v.fault(Fault{File: v.c.logPath(n), Offset: -1, Err: errors.New("the manifest has this segment, but it is gone: take the file from a copy")})
		}
	}
}
