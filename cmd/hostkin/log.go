package main

import (
	"bytes"
	"io"
	"maps"
	"slices"

	"github.com/projectdiscovery/gologger"
	"github.com/projectdiscovery/gologger/formatter"
	"github.com/projectdiscovery/gologger/levels"
	"github.com/projectdiscovery/gologger/writer"

	"github.com/hostkin/hostkin/report"
)

// newLogger makes a gologger of its own for one run, instead of the package's
// mutable default.
func newLogger(s *screen) *gologger.Logger {
	l := &gologger.Logger{}
	l.SetWriter(screenWriter{s})
	l.SetFormatter(lineFormatter{})
	setLevel(l, false, false)
	return l
}

// setLevel minds gologger's order, in which a warning ranks below an info.
func setLevel(l *gologger.Logger, silent, verbose bool) {
	switch {
	case silent:
		l.SetMaxLevel(levels.LevelError)
	case verbose:
		l.SetMaxLevel(levels.LevelVerbose)
	default:
		l.SetMaxLevel(levels.LevelWarning)
	}
}

// screenWriter puts log lines above the progress line.
type screenWriter struct{ screen *screen }

var _ writer.Writer = screenWriter{}

func (w screenWriter) Write(data []byte, _ levels.Level) {
	w.screen.above(func(out io.Writer) { out.Write(append(data, '\n')) })
}

// lineFormatter writes "[WRN] message key=value", escaped and with the keys in
// order (gologger's own formatter does neither).
type lineFormatter struct{ color bool }

var _ formatter.Formatter = lineFormatter{}

func (f lineFormatter) Format(e *formatter.LogEvent) ([]byte, error) {
	var b bytes.Buffer
	if label := e.Metadata["label"]; label != "" {
		b.WriteString("[" + f.paint(labelColor(e.Level), label) + "] ")
	}
	b.WriteString(report.Safe(e.Message))
	for _, key := range slices.Sorted(maps.Keys(e.Metadata)) {
		if key != "label" {
			b.WriteString(" " + f.paint("1", report.Safe(key)) + "=" + report.Safe(e.Metadata[key]))
		}
	}
	return b.Bytes(), nil
}

func (f lineFormatter) paint(color, text string) string {
	if !f.color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func labelColor(l levels.Level) string {
	switch l {
	case levels.LevelFatal, levels.LevelError:
		return "31"
	case levels.LevelWarning:
		return "33"
	case levels.LevelDebug:
		return "35"
	}
	return "34"
}
