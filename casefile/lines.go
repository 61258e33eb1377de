package casefile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line that is read, in bytes; as for other files.
const maxLine = 16 << 20

// lineReader takes a text apart. A line that is too long is an error.
type lineReader struct {
	in     io.Reader
	r      *bufio.Reader
	buf    []byte
	number int
}

// next is the next line with its newline, good until the one after it is read.
func (l *lineReader) next() ([]byte, error) {
	if l.r == nil {
		l.r = bufio.NewReaderSize(l.in, 64<<10)
	}
	l.buf = l.buf[:0]
	l.number++
	for {
		part, err := l.r.ReadSlice('\n')
		l.buf = append(l.buf, part...)
		switch {
		case len(l.buf) > maxLine:
			return nil, fmt.Errorf("line %d is longer than %d MiB", l.number, maxLine>>20)
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF && len(l.buf) > 0:
			return l.buf, nil
		default:
			return l.buf, err
		}
	}
}
