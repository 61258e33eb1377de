package casefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"
)

// Part is the observations of one segment, to be read once.
type Part struct {
	Name string // path of the segment
	Pass int    // 0 if the segment holds no batch that can be read
	io.Reader
}

// Parts calls read with the observation/1 lines of one segment after the other
// until it returns false. Parts of a segment that cannot be used are told to
// fault, a torn end excepted, and left out. The error tells that a file could
// not be read at all.
func (c *Case) Parts(ctx context.Context, fault func(Fault), read func(Part) bool) error {
	open, err := c.openSegments()
	if err != nil {
		return err
	}
	defer closeSegments(open)
	for _, s := range open {
		r, err := c.textOf(ctx, s, func(f Fault) {
			if !f.Torn {
				fault(f)
			}
		})
		if err != nil {
			return err
		}
		more := read(Part{s.file.Name(), r.pass(), r})
		r.close()
		switch {
		case r.err != nil && !errors.Is(r.err, io.EOF):
			return r.err
		case !more:
			return nil
		}
	}
	return ctx.Err()
}

// textReader decompresses a segment batch by batch.
type textReader struct {
	next    func() (batch, bool)
	stop    func()
	decoder *zstd.Decoder
	path    string
	fault   func(Fault)
	first   *batch // read ahead to know the pass
	text    []byte
	rest    *bytes.Reader
	err     error
	walked  error
}

// textOf begins to read a segment.
func (c *Case) textOf(ctx context.Context, s *segment, fault func(Fault)) (*textReader, error) {
	z, err := newDecoder()
	if err != nil {
		return nil, fmt.Errorf("make a zstd decoder: %w", err)
	}
	t := &textReader{decoder: z, path: s.file.Name(), fault: fault, rest: bytes.NewReader(nil)}
	t.next, t.stop = iter.Pull(func(yield func(batch) bool) {
		t.walked = walk(t.path, s.file, s.size, s.live, fault, func(b batch) bool { return ctx.Err() == nil && yield(b) })
		if t.walked == nil {
			t.walked = ctx.Err()
		}
	})
	if b, ok := t.next(); ok {
		t.first = &b
	}
	return t, nil
}

func (t *textReader) pass() int {
	if t.first == nil {
		return 0
	}
	return t.first.progress.Pass
}

func (t *textReader) close() {
	t.stop()
	t.decoder.Close()
}

// Read gives the lines of the batches that can be decompressed.
func (t *textReader) Read(p []byte) (int, error) {
	for t.rest.Len() == 0 {
		if t.err != nil {
			return 0, t.err
		}
		b := batch{}
		if t.first != nil {
			b, t.first = *t.first, nil
		} else if next, ok := t.next(); ok {
			b = next
		} else {
			if t.err = t.walked; t.err == nil {
				t.err = io.EOF
			}
			return 0, t.err
		}
		text, err := b.lines(t.decoder, t.text[:0])
		if err != nil {
			t.fault(Fault{File: t.path, Offset: b.offset, Length: b.size, Err: err})
			continue
		}
		t.text = text
		t.rest.Reset(text)
	}
	return t.rest.Read(p)
}

// lines decompresses the lines of a batch into buf.
func (b batch) lines(z *zstd.Decoder, buf []byte) ([]byte, error) {
	if len(b.frame) == 0 {
		return buf, nil
	}
	text, err := z.DecodeAll(b.frame, buf)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the frame of lines cannot be decompressed: %w", err)
	case int64(len(text)) != b.text:
		return nil, fmt.Errorf("the frame of lines has %d bytes, not the %d that were written", len(text), b.text)
	case text[len(text)-1] != '\n':
		return nil, errors.New("the last line of a batch has no end")
	}
	return text, nil
}
