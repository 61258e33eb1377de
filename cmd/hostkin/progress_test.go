package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
)

func TestProgressLine(t *testing.T) {
	p := &progress{total: 256}
	for range 64 {
		p.hostDone()
	}
	p.observed(record.Observation{Probe: "tcp", Status: record.OK})
	p.observed(record.Observation{Probe: "ssh", Status: record.OK})
	p.observed(record.Observation{Probe: "tls", Status: record.Reset})
	p.observed(record.Observation{Probe: "tls", Status: record.Refused})
	p.observed(record.Observation{Probe: "tls", Status: record.Timeout})
	if got, want := p.line(8*time.Second), "64/256 hosts, 8/s, 1 open, 1 errors, ETA 24s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (&progress{total: 9}).line(0), "0/9 hosts, 0/s, 0 open, 0 errors"; got != want {
		t.Errorf("at the start: got %q, want %q", got, want)
	}
}

func TestProgressIsRedrawnAndClearedOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := &screen{out: &out, terminal: true}
		p := startProgress(s, 10)
		time.Sleep(redraw + time.Millisecond)
		synctest.Wait()
		p.hostDone()
		time.Sleep(redraw)
		synctest.Wait()
		screenWriter{s}.Write([]byte("[WRN] hm"), 0)
		p.finish()
		got := out.String()
		first, second := "0/10 hosts, 0/s, 0 open, 0 errors", "1/10 hosts, 2/s, 0 open, 0 errors, ETA 5s"
		want := erase + first + erase + second + erase + "[WRN] hm\n" + second + erase
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestNoProgressWhenPipedOrSilent(t *testing.T) {
	for _, s := range []*screen{{terminal: false}, {terminal: true, quiet: true}} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			s.out = &out
			p := startProgress(s, 10)
			time.Sleep(10 * redraw)
			p.finish()
			if out.Len() > 0 {
				t.Errorf("%+v: %q", s, out.String())
			}
		})
	}
}

func TestLogLinesAreEscapedAndInOrder(t *testing.T) {
	var out bytes.Buffer
	a := quietApp(nil, &out)
	a.logger().Warn("said \x1b[2J\u202e", "b", "x\ny", "a", 1)
	want := `[WRN] said \x1b[2J\u202e a=1 b=x\ny` + "\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		silent, verbose bool
		want            string
	}{{false, false, "e w i"}, {true, false, "e"}, {false, true, "e w i d"}} {
		var out bytes.Buffer
		a := quietApp(nil, &out)
		a.silent, a.verbose = c.silent, c.verbose
		a.settle()
		l := a.logger()
		l.Error("e")
		l.Warn("w")
		l.Info("i")
		l.Debug("d")
		var got []string
		for line := range strings.Lines(out.String()) {
			got = append(got, strings.Fields(line)[1])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("silent %v, verbose %v: %q, want %q", c.silent, c.verbose, got, c.want)
		}
	}
}

func TestResultsOnTheSameTerminalGoAboveTheProgress(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, terminal: true}
	s.show("1/2")
	io.WriteString(aboveWriter{s, &out}, "{}\n")
	if got, want := out.String(), erase+"1/2"+erase+"{}\n1/2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
