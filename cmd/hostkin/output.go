package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// output is where results go: stdout, or the file of -o.
type output struct {
	io.Writer
	closers []func() error        // innermost last
	settle  func(keep bool) error // after the closers
}

// openOutput opens path for writing, "" or "-" being stdout. A result that is
// written at once replaces the file only when it is whole; a stream (a scan)
// is written in place, so that what came before an end by force is kept.
func (a *app) openOutput(path string, stream bool) (*output, error) {
	if path == "" || path == "-" {
		return &output{Writer: a.stdoutAbove(a.stdout), settle: func(bool) error { return nil }}, nil
	}
	file, settle, err := openFile(path, stream)
	if err != nil {
		return nil, fmt.Errorf("-o: %w", err)
	}
	o := &output{Writer: file, closers: []func() error{file.Close}, settle: settle}
	switch {
	case strings.HasSuffix(path, ".gz"):
		w := gzip.NewWriter(o.Writer)
		o.Writer, o.closers = w, append(o.closers, w.Close)
	case strings.HasSuffix(path, ".zst"):
		w, err := zstd.NewWriter(o.Writer, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		o.Writer, o.closers = w, append(o.closers, w.Close)
	}
	if !stream {
		w := bufio.NewWriterSize(o.Writer, 64<<10)
		o.Writer, o.closers = w, append(o.closers, w.Flush)
	}
	return o, nil
}

// openFile opens path itself, or a new file beside it that settle renames.
func openFile(path string, stream bool) (*os.File, func(keep bool) error, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // replace what a link points to, not the link
	}
	info, err := os.Stat(path)
	if stream || (err == nil && !info.Mode().IsRegular()) { // a device or a pipe cannot be renamed over
		f, err := os.Create(path)
		return f, func(bool) error { return nil }, err
	}
	temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%08x.tmp", filepath.Base(path), rand.Uint32()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	settle := func(keep bool) error {
		if !keep {
			return os.Remove(temp)
		}
		return os.Rename(temp, path)
	}
	return f, settle, err
}

// close ends the output; without keep a file that was written beside its
// place is dropped and the old one stays.
func (o *output) close(keep bool) error {
	var faults []error
	for i := len(o.closers) - 1; i >= 0; i-- {
		faults = append(faults, o.closers[i]())
	}
	if errors.Join(faults...) != nil {
		keep = false
	}
	return errors.Join(append(faults, o.settle(keep))...)
}

// results opens the output of a command, runs work with it and closes it. The
// output is opened first, so that a path that cannot be written is known before
// a long scan. What a stopped command found is kept.
func (a *app) results(path string, stream bool, work func(io.Writer) error) error {
	out, err := a.openOutput(path, stream)
	if err != nil {
		return usage(err)
	}
	err = work(out)
	return errors.Join(err, out.close(err == nil || errors.Is(err, context.Canceled)))
}
