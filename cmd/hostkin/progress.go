package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
)

// redraw is how often the progress line changes.
const redraw = 250 * time.Millisecond

// progress counts what a scan does and shows it on the screen.
type progress struct {
	screen *screen
	total  uint64 // hosts to do

	done, open, errors, passed atomic.Uint64
	start                      time.Time
	finish                     func() // removes the line
}

// startProgress draws until finish is called.
func startProgress(s *screen, total uint64) *progress {
	p := &progress{screen: s, total: total, start: time.Now()}
	p.finish = startDrawing(s, func() string { return p.line(time.Since(p.start)) })
	return p
}

// startDrawing shows a line on a terminal, again and again, until stop is
// called, which removes it.
func startDrawing(s *screen, line func() string) (stop func()) {
	if !s.terminal || s.quiet {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var drawn sync.WaitGroup
	drawn.Go(func() {
		ticker := time.NewTicker(redraw)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.show(cutLine(line(), terminalWidth(s.out)))
			case <-ctx.Done():
				s.show("")
				return
			}
		}
	})
	return func() {
		cancel()
		drawn.Wait()
	}
}

// hostDone and observed count; they may be called from any goroutine.
func (p *progress) hostDone() { p.done.Add(1) }

// passedOver takes a host out of those to do.
func (p *progress) passedOver() { p.passed.Add(1) }

func (p *progress) observed(o record.Observation) {
	switch {
	case o.Probe == "tcp" && o.Status == record.OK:
		p.open.Add(1)
	case o.Status == record.Unreachable, o.Status == record.Reset, o.Status == record.Malformed, o.Status == record.Truncated:
		p.errors.Add(1)
	}
}

// line is like "120/256 hosts, 40/s, 12 open, 1 errors, ETA 3s".
func (p *progress) line(elapsed time.Duration) string {
	done := p.done.Load()
	rate := float64(done) / max(elapsed.Seconds(), 1e-3)
	total := p.total - min(p.passed.Load(), p.total)
	text := fmt.Sprintf("%d/%d hosts, %.0f/s, %d open, %d errors", done, total, rate, p.open.Load(), p.errors.Load())
	if done == 0 || done >= total {
		return text
	}
	left := time.Duration(float64(total-done) / rate * float64(time.Second))
	return text + ", ETA " + left.Round(time.Second).String()
}

// cutLine keeps the line from wrapping, after which it could not be erased.
func cutLine(line string, width int) string {
	return line[:min(len(line), max(width-1, 0))]
}

// stdoutAbove wraps a stdout that is the same terminal as the progress line.
func (a *app) stdoutAbove(w io.Writer) io.Writer {
	if !a.screen.terminal || !isTerminal(w) {
		return w
	}
	return aboveWriter{a.screen, w}
}

type aboveWriter struct {
	screen *screen
	out    io.Writer
}

func (w aboveWriter) Write(p []byte) (n int, err error) {
	w.screen.above(func(io.Writer) { n, err = w.out.Write(p) })
	return n, err
}
