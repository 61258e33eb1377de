package casefile

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"io"
)

// rowStream gives the rows of one segment in order.
type rowStream struct {
	read func([]Row) (int, error)
	buf  []Row
	rest []Row // of buf; not empty while the stream is on the heap
}

// fill reads ahead; io.EOF at the end.
func (s *rowStream) fill() error {
	n, err := s.read(s.buf)
	s.rest = s.buf[:n]
	if n > 0 {
		return nil
	}
	return cmp.Or(err, io.EOF)
}

// rowMerge gives the rows of many segments in order.
type rowMerge struct {
	streams []*rowStream
	close   []func()
}

var _ heap.Interface = (*rowMerge)(nil)

func (m *rowMerge) Len() int { return len(m.streams) }
func (m *rowMerge) Less(i, j int) bool {
	return compareRows(m.streams[i].rest[0], m.streams[j].rest[0]) < 0
}
func (m *rowMerge) Swap(i, j int) { m.streams[i], m.streams[j] = m.streams[j], m.streams[i] }
func (m *rowMerge) Push(x any)    { m.streams = append(m.streams, x.(*rowStream)) }
func (m *rowMerge) Pop() any {
	last := m.streams[len(m.streams)-1]
	m.streams = m.streams[:len(m.streams)-1]
	return last
}

// rows merges the rows of the segments of some passes: out of their tables
// where those are current, else derived in memory.
func (c *Case) rows(ctx context.Context, fault func(Fault), passes ...int) (m *rowMerge, err error) {
	m = &rowMerge{}
	defer func() {
		if err != nil {
			m.end()
		}
	}()
	open, err := c.openSegments()
	if err != nil {
		return m, err
	}
	defer closeSegments(open)
	entries, _, err := c.manifest(func(Fault) {})
	if err != nil {
		return m, err
	}
	for _, s := range open {
		pass := 0
		if err := walk(s.file.Name(), s.file, s.size, true, func(Fault) {}, func(b batch) bool { pass = b.progress.Pass; return false }); err != nil {
			return m, err
		}
		if pass == 0 || pass != passes[0] && pass != passes[len(passes)-1] {
			continue
		}
		if err := m.open(ctx, c, s, entries[s.name], fault); err != nil {
			return m, err
		}
	}
	heap.Init(m)
	return m, nil
}

func (m *rowMerge) open(ctx context.Context, c *Case, s *segment, e entry, fault func(Fault)) error {
	stream := &rowStream{buf: make([]Row, rowsAtOnce)}
	if t, err := c.openTable(s.name, e); err == nil {
		stream.read = t.read
		m.close = append(m.close, t.close)
	} else {
		rows, err := c.derive(ctx, s, fault)
		if err != nil {
			return err
		}
		stream.read = func(to []Row) (int, error) {
			n := copy(to, rows)
			rows = rows[n:]
			return n, nil
		}
	}
	if err := stream.fill(); err == nil {
		m.streams = append(m.streams, stream)
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// next is the next row in order; io.EOF after the last.
func (m *rowMerge) next() (Row, error) {
	if len(m.streams) == 0 {
		return Row{}, io.EOF
	}
	first := m.streams[0]
	row := first.rest[0]
	if first.rest = first.rest[1:]; len(first.rest) == 0 {
		if err := first.fill(); errors.Is(err, io.EOF) {
			heap.Remove(m, 0)
			return row, nil
		} else if err != nil {
			return row, err
		}
	}
	heap.Fix(m, 0)
	return row, nil
}

func (m *rowMerge) end() {
	for _, f := range m.close {
		f()
	}
}
