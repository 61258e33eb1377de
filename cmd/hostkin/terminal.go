package main

import (
	"io"
	"os"
	"runtime"
	"sync"

	"golang.org/x/term"
)

// isTerminal reports whether w is a terminal that understands cursor control.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// terminalWidth is in columns; 80 when the terminal does not tell.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

// colorsWanted follows no-color.org; the old Windows console knows no ANSI.
func colorsWanted() bool {
	if runtime.GOOS == "windows" && os.Getenv("WT_SESSION") == "" && os.Getenv("TERM") == "" {
		return false
	}
	return os.Getenv("NO_COLOR") == ""
}

// screen is stderr: log lines and, on a terminal, one line of progress that
// stays below them.
type screen struct {
	terminal bool
	quiet    bool // no progress

	mu   sync.Mutex
	out  io.Writer
	line string // the progress line on display, "" if none
}

func newScreen(stderr io.Writer) *screen {
	return &screen{out: stderr, terminal: isTerminal(stderr)}
}

// erase goes to the start of the line and clears it (ECMA-48 EL).
const erase = "\r\x1b[K"

// above runs write, which may write to the terminal, with the progress line
// out of the way.
func (s *screen) above(write func(io.Writer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == "" {
		write(s.out)
		return
	}
	io.WriteString(s.out, erase)
	write(s.out)
	io.WriteString(s.out, s.line)
}

// show replaces the progress line; "" removes it.
func (s *screen) show(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal || line == s.line {
		return
	}
	io.WriteString(s.out, erase+line)
	s.line = line
}
