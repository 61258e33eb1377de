package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/casefile"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// savedCase puts the observations of savedTown into a case.
func savedCase(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "town")
	set, err := targets.Parse(targets.Source{Args: []string{"198.51.100.0/24"}}, targets.Source{}, targets.Options{AllowSpecial: true})
	if err != nil {
		t.Fatal(err)
	}
	c, err := casefile.Create(dir, casefile.Spec{Name: "town", Hostkin: "test", Created: time.Unix(0, 0), Targets: casefile.Space{SHA256: strings.Repeat("0", 64)}, Rates: casefile.Rates{Timeout: "5s"}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.OpenWriter(casefile.WriterOptions{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[netip.Addr][][]byte{}
	for text := range bytes.Lines(savedTown(t)) {
		var o record.Observation
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatal(err)
		}
		seen[o.Host.IP] = append(seen[o.Host.IP], text)
	}
	done := 0
	for target := range w.Targets(func(first uint64) iter.Seq[targets.Target] { return set.From(0, first) }, nil) {
		for _, text := range seen[target.Host.IP] {
			if err := w.Observe(target.Host, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.HostDone(target); err != nil {
			t.Fatal(err)
		}
		if done++; done == int(set.Count())/2 { // two batches
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestACaseGivesWhatItsFileGives(t *testing.T) {
	dir := savedCase(t)
	file := filepath.Join(t.TempDir(), "town.jsonl.zst")
	var stderr bytes.Buffer
	if code := Main(t.Context(), []string{"case", "export", dir, "-o", file}, nil, &stderr, &stderr); code != exitDone {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	date := []string{"baseline", "build", "--date", "2026-01-01", "-o", "-"}
	for _, c := range []struct{ args, file []string }{
		{[]string{"fingerprint"}, []string{file}},
		{[]string{"cluster", "--json"}, []string{file}},
		{[]string{"explain", "198.51.100.1", "198.51.100.2"}, []string{file}},
		{[]string{"expand", "198.51.100.1"}, []string{"--from", file}},
		{date, []string{file}},
	} {
		var of [2]bytes.Buffer
		for i, more := range [][]string{{"--case", dir}, c.file} {
			args := append(append([]string(nil), c.args...), more...)
			if code := Main(t.Context(), args, nil, &of[i], &stderr); code != exitDone || of[i].Len() == 0 {
				t.Errorf("%v: exit code %d: %s", args, code, &stderr)
			}
		}
		if of[0].String() != of[1].String() {
			t.Errorf("%v: of the case\n%s\nof the file\n%s", c.args, &of[0], &of[1])
		}
	}
}

// A damaged case gives what can be read, to a file too, and says by its exit
// code that something is missing.
func TestExportOfADamagedCaseKeepsTheRestAndExits1(t *testing.T) {
	dir := savedCase(t)
	logs, err := filepath.Glob(filepath.Join(dir, "observations", "*"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	text, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/4] ^= 1 // in the first of two batches
	if err := os.WriteFile(logs[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rest.jsonl")
	var stdout, stderr bytes.Buffer
	if code := Main(t.Context(), []string{"case", "export", dir, "-o", file}, nil, &stdout, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "is not in the output") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	rest, err := os.ReadFile(file)
	if got, all := bytes.Count(rest, []byte("\n")), bytes.Count(savedTown(t), []byte("\n")); err != nil || got == 0 || got >= all {
		t.Errorf("%d of %d lines are left, %v", got, all, err)
	}
}

func TestAStoppedScanIntoACaseExits3AndGoesOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "case")
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	stopped, stop := context.WithCancel(t.Context())
	defer stop()
	context.AfterFunc(ctx, stop)
	args := []string{"scan", "127.0.0.0/23", "--ports", "9/ssh", "--case", dir, "--rate"}
	var stdout, stderr bytes.Buffer
	if code := Main(stopped, append(args, "100"), nil, &stdout, &stderr); code != exitStopped || stdout.Len() > 0 {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if code := Main(t.Context(), append(args, "0"), nil, &stdout, &stderr); code != exitDone || !strings.Contains(stderr.String(), "goes on") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if code := Main(t.Context(), []string{"case", "export", dir}, nil, &stdout, &stderr); code != exitDone {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	hosts := map[string]int{}
	for text := range bytes.Lines(stdout.Bytes()) {
		var o record.Observation
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatal(err)
		}
		if hosts[o.Host.String()]++; o.Status == record.Cancelled {
			t.Errorf("a cancelled answer is kept: %s", text)
		}
	}
	for host, n := range hosts {
		if n != 1 {
			t.Errorf("%s was asked %d times", host, n)
		}
	}
	if len(hosts) != 512 {
		t.Errorf("%d hosts, want 512", len(hosts))
	}
}

// TestHostkinKilled50TimesAsksNothingTwice kills the real program at random
// moments of a scan of dead addresses, each of which is one line of the log.
func TestHostkinKilled50TimesAsksNothingTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	program := filepath.Join(t.TempDir(), "hostkin") // by this name the test binary is hostkin, see TestMain
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "case")
	const hosts = 8192
	begun := time.Now()
	if out, err := exec.Command(program, "--version").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	startup := time.Since(begun) // is long under the race detector
	kills, grown := 0, 0
	before := uint64(0)
	for kills < 50 || grown < 10 && kills < 200 { // on a busy machine many are killed before they have saved anything
		cmd := exec.Command(program, "scan", "127.0.0.0/19", "--ports", "9/ssh", "--rate", "80", "--case", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		patience := startup * time.Duration(1+kills/50)
		timer := time.AfterFunc(patience+time.Duration(50+rand.IntN(700))*time.Millisecond, func() { cmd.Process.Kill() })
		if err := cmd.Wait(); err == nil {
			t.Fatal("the scan ended before it was killed often enough")
		}
		timer.Stop()
		kills++
		c, err := casefile.Open(dir)
		if errors.Is(err, casefile.ErrNoCase) {
			continue // killed before the case was made
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := c.Info(t.Context(), func(f casefile.Fault) {
			if !f.Torn {
				t.Error(f)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(info.Passes) == 0 {
			continue
		}
		done := info.Passes[0].Done
		if done < before {
			t.Fatalf("%d targets were done, now %d", before, done)
		}
		if done > before {
			grown++
		}
		before = done
	}
	var stdout, stderr bytes.Buffer
	for _, args := range [][]string{{"scan", "--case", dir, "--rate", "0"}, {"case", "verify", dir}, {"case", "export", dir}} {
		stdout.Reset()
		if code := Main(t.Context(), args, nil, &stdout, &stderr); code != exitDone {
			t.Fatalf("%v: exit code %d: %s", args, code, &stderr)
		}
	}
	seen := map[string]int{}
	for text := range bytes.Lines(stdout.Bytes()) {
		var o record.Observation
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatal(err)
		}
		if seen[o.Host.String()]++; seen[o.Host.String()] > 1 {
			t.Errorf("%s stands there twice", o.Host)
		}
	}
	if len(seen) != hosts {
		t.Errorf("%d hosts, want %d", len(seen), hosts)
	}
	if grown < 10 {
		t.Errorf("only %d of the killed runs saved anything: the test shows little", grown)
	}
	t.Logf("killed %d times, %d of them after progress; %d of %d done by then", kills, grown, before, hosts)
}
