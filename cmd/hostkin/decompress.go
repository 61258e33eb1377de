package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// The bounds of a compressed file.
const (
	maxWindow = 64 << 20 // bytes of a zstd window
	freeBytes = 1 << 30  // decompressed bytes that are never too many
	maxRatio  = 500      // decompressed to compressed bytes, above freeBytes
)

// decompress looks at the first bytes, not at a name. done frees.
func decompress(raw io.Reader) (text io.Reader, done func(), err error) {
	counted := &counter{in: raw}
	r := bufio.NewReaderSize(counted, 64<<10)
	head, err := r.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}): // RFC 1952 section 2.3.1
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, err
		}
		return &budget{in: z, compressed: counted}, func() { z.Close() }, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}): // RFC 8878 section 3.1.1
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return &budget{in: z, compressed: counted}, z.Close, nil
	}
	return r, func() {}, nil
}

type counter struct {
	in io.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// budget stops a file that is small only because it holds the same bytes
// again and again.
type budget struct {
	in         io.Reader
	compressed *counter
	n          int64
}

func (b *budget) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	b.n += int64(n)
	if b.n > freeBytes && b.n/maxRatio > b.compressed.n {
		return n, fmt.Errorf("decompresses to more than %d times its size", maxRatio)
	}
	return n, err
}

// stdinReader reads stdin in a goroutine of its own, because a read of a
// terminal or a pipe cannot be interrupted and Ctrl-C must end the command.
func stdinReader(ctx context.Context, stdin io.Reader) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, stdin)
		w.CloseWithError(err)
	}()
	stop := context.AfterFunc(ctx, func() { r.CloseWithError(ctx.Err()) })
	return stoppable{r, stop}
}

type stoppable struct {
	*io.PipeReader
	stop func() bool
}

func (s stoppable) Close() error {
	s.stop()
	return s.PipeReader.Close()
}
