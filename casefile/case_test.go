package casefile

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

func testNow() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func set(t testing.TB, args ...string) *targets.Set {
	t.Helper()
	s, err := targets.Parse(targets.Source{Args: args}, targets.Source{}, targets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testSpec(s *targets.Set, args ...string) Spec {
	d := s.Digest()
	return Spec{Schema: Schema, Name: "op-42", Why: "a test: \"quoted\"", Who: "nobody", Created: testNow(), Hostkin: "test", Ranges: args,
		Targets: Space{s.Count(), hex.EncodeToString(d[:])}, Probes: Probes{JARM: true},
		Rates: Rates{Workers: 4, Rate: 500, PerHost: 4, PerNet: 0.5, Timeout: "5s"}}
}

func newCase(t testing.TB, args ...string) (*Case, *targets.Set) {
	t.Helper()
	s := set(t, args...)
	c, err := Create(filepath.Join(t.TempDir(), "case"), testSpec(s, args...))
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func open(t testing.TB, c *Case, o WriterOptions) *Writer {
	t.Helper()
	o.Now = testNow
	w, err := c.OpenWriter(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// from is the order in which the tests ask.
func from(s *targets.Set) func(uint64) iter.Seq[targets.Target] {
	return func(first uint64) iter.Seq[targets.Target] { return s.From(1, first) }
}

// sshLine is an observation of a host with an SSH host key of its own.
func sshLine(t testing.TB, host record.Host, key byte, at time.Time) []byte {
	t.Helper()
	blob := append([]byte{0, 0, 0, 11}, "ssh-ed25519\x00\x00\x00\x20"...)
	line, err := json.Marshal(record.Observation{Schema: record.Schema, Host: host, Port: 22, Probe: "ssh", Status: record.OK, At: at,
		Answer: record.Answer{SSH: &record.SSH{Banner: []byte("SSH-2.0-OpenSSH_9.6\r\n"),
			HostKeys: []record.HostKey{{Algorithm: "ssh-ed25519", Status: record.OK, Blob: append(blob, bytes.Repeat([]byte{key}, 32)...)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return append(line, '\n')
}

// scan does up to limit targets, each with one line, and a batch for every flush hosts.
func scan(t testing.TB, w *Writer, s *targets.Set, limit, flush int) (done int) {
	t.Helper()
	for target := range w.Targets(from(s), nil) {
		if done == limit {
			break
		}
		if err := w.Observe(target.Host, sshLine(t, target.Host, target.Host.IP.As4()[3], testNow())); err != nil {
			t.Fatal(err)
		}
		if err := w.HostDone(target); err != nil {
			t.Fatal(err)
		}
		if done++; done%flush == 0 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return done
}

func finish(t testing.TB, w *Writer) {
	t.Helper()
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
}

// read is how often each host was observed, and what cannot be read.
func read(t testing.TB, c *Case) (hosts map[string]int, faults []Fault) {
	t.Helper()
	hosts = map[string]int{}
	err := c.Parts(t.Context(), func(f Fault) { faults = append(faults, f) }, func(p Part) bool {
		var text bytes.Buffer
		if _, err := text.ReadFrom(p); err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text.Bytes()) {
			var o record.Observation
			if err := json.Unmarshal(line, &o); err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			hosts[o.Host.String()]++
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return hosts, faults
}

func wantEachOnce(t testing.TB, c *Case, s *targets.Set) {
	t.Helper()
	hosts, faults := read(t, c)
	if len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
	for target := range s.All(0) {
		if n := hosts[target.Host.String()]; n != 1 {
			t.Errorf("%s was observed %d times", target.Host, n)
		}
	}
	if uint64(len(hosts)) != s.Count() {
		t.Errorf("%d hosts, want %d", len(hosts), s.Count())
	}
}

func TestACaseIsReadAsItWasMade(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/28")
	again, err := Open(c.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(again.Spec()), fmt.Sprint(testSpec(s, "127.0.0.0/28")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if d := again.Spec().Differences(c.Spec()); len(d) > 0 {
		t.Errorf("differences: %v", d)
	}
	if _, err := Create(c.Dir(), testSpec(s)); err == nil {
		t.Error("a case was made where one is")
	}
}

func TestDifferencesNameWhatDiffers(t *testing.T) {
	was := testSpec(set(t, "127.0.0.1"), "127.0.0.1")
	was.Exclusions = []string{"127.0.0.9"}
	now := testSpec(set(t, "127.0.0.2"), "127.0.0.2")
	now.Ports, now.OrderKey, now.Probes.Odd, now.Probes.JARM, now.Probes.AllowSpecial = "22", 3, true, false, true
	now.Rates.Rate, now.Contact = 1, "https://example.org"
	now.Exclusions = []string{"127.0.0.8"}
	var got []string
	for _, d := range was.Differences(now) {
		got = append(got, d.What)
	}
	if want := "targets --ports --order-key --allow-special --odd --no-jarm --exclude"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	now = was
	now.Exclusions = append([]string{"127.0.0.8"}, was.Exclusions...)
	if d := was.Differences(now); len(d) > 0 {
		t.Errorf("an added exclusion is a difference: %v", d)
	}
}

func TestAStoppedScanGoesOnAndAFinishedOneIsFinished(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/24")
	for _, limit := range []int{100, 7, 1, 0} {
		w := open(t, c, WriterOptions{})
		scan(t, w, s, limit, 10)
		finish(t, w)
	}
	w := open(t, c, WriterOptions{})
	if w.Done() != 108 || w.Finished() {
		t.Errorf("%d done, finished %v", w.Done(), w.Finished())
	}
	if n := scan(t, w, s, 1000, 10); n != 148 {
		t.Errorf("%d were left, want 148", n)
	}
	finish(t, w)
	wantEachOnce(t, c, s)
	w = open(t, c, WriterOptions{})
	if !w.Finished() || scan(t, w, s, 1000, 1) != 0 {
		t.Error("a finished pass is not finished")
	}
	finish(t, w)
	w = open(t, c, WriterOptions{Rescan: true})
	if w.Pass() != 2 || w.Finished() || scan(t, w, s, 1000, 100) != 256 {
		t.Error("another pass does not begin at the beginning")
	}
	finish(t, w)
	if hosts, _ := read(t, c); hosts["127.0.0.1"] != 2 {
		t.Errorf("two passes saw it %d times", hosts["127.0.0.1"])
	}
}

func TestHostsMayEndInAnyOrder(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/24")
	w := open(t, c, WriterOptions{})
	var begun []targets.Target
	for target := range w.Targets(from(s), nil) {
		if begun = append(begun, target); len(begun) == 200 {
			break
		}
	}
	for i := len(begun) - 1; i >= 0; i -= 2 { // every other, backwards
		w.Observe(begun[i].Host, sshLine(t, begun[i].Host, 1, testNow()))
		w.Observe(begun[i-1].Host, sshLine(t, begun[i-1].Host, 1, testNow())) // of a host that never ends
		if err := w.HostDone(begun[i]); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, w)
	w = open(t, c, WriterOptions{})
	if w.Done() != 100 {
		t.Errorf("%d done, want 100", w.Done())
	}
	if n := scan(t, w, s, 1000, 10); n != 156 {
		t.Errorf("%d asked, want the 100 open and 56 new ones", n)
	}
	finish(t, w)
	wantEachOnce(t, c, s)
}

func TestWhatIsExcludedLaterIsDoneAndNotAsked(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/24")
	w := open(t, c, WriterOptions{})
	n := 0
	for target := range w.Targets(from(s), func(x targets.Target) bool { return x.Host.IP.As4()[3] >= 16 }) {
		n++
		w.HostDone(target)
	}
	finish(t, w)
	if w = open(t, c, WriterOptions{}); n != 16 || !w.Finished() {
		t.Errorf("%d asked, finished %v", n, w.Finished())
	}
}

func TestDeadSpaceCostsNoLineAHost(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/15")
	w := open(t, c, WriterOptions{})
	n := 0
	for target := range w.Targets(from(s), nil) {
		if n++; n == 100_000 {
			break
		}
		if err := w.HostDone(target); err != nil {
			t.Fatal(err)
		}
		if n%10_000 == 0 {
			w.Flush()
		}
	}
	finish(t, w)
	w = open(t, c, WriterOptions{})
	if w.Done() != 99_999 || w.size > 3000 {
		t.Errorf("%d done in %d bytes", w.Done(), w.size)
	}
}

func TestObservationsOfANameBelongToIt(t *testing.T) {
	c, s := newCase(t, "a.example.net")
	w := open(t, c, WriterOptions{})
	for target := range w.Targets(from(s), nil) {
		host := record.Host{IP: set127(), Name: target.Host.Name}
		if err := w.Observe(host, sshLine(t, host, 1, testNow())); err != nil {
			t.Error(err)
		}
		if err := w.Observe(record.Host{IP: set127()}, []byte("{}\n")); err == nil {
			t.Error("an observation of nobody was taken")
		}
		w.HostDone(target)
	}
	finish(t, w)
	if hosts, _ := read(t, c); hosts["127.0.0.1"] != 1 {
		t.Error("the observation of a name is lost")
	}
}

func TestSegmentsEndAtTheirSizeAndStandInTheManifest(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/24")
	w := open(t, c, WriterOptions{segmentSize: 1000})
	scan(t, w, s, 1000, 5)
	finish(t, w)
	wantEachOnce(t, c, s)
	names, _, err := c.segmentNames()
	entries, _, err2 := c.manifest(func(f Fault) { t.Error(f) })
	if err != nil || err2 != nil || len(names) < 5 || len(entries) != len(names) {
		t.Errorf("%d segments, %d entries, %v, %v", len(names), len(entries), err, err2)
	}
}

func TestASecondWriterIsRefused(t *testing.T) {
	c, _ := newCase(t, "127.0.0.1")
	w := open(t, c, WriterOptions{})
	if _, err := c.OpenWriter(WriterOptions{Now: testNow}); err == nil || !strings.Contains(err.Error(), "process ") {
		t.Errorf("got %v", err)
	}
	w.Close()
	open(t, c, WriterOptions{})
}

func TestASegmentHoldsNoMoreTextThanATableCanBeMadeOf(t *testing.T) {
	if testing.Short() {
		t.Skip("writes half a gigabyte of lines")
	}
	c, s := newCase(t, "127.0.0.0/24")
	for range 2 { // stopped once: what is in the segment must be known again
		w := open(t, c, WriterOptions{})
		n := 0
		for target := range w.Targets(from(s), nil) {
			line := append(bytes.TrimSuffix(sshLine(t, target.Host, 1, testNow()), []byte("}\n")), bytes.Repeat([]byte(" "), 3<<20)...)
			w.Observe(target.Host, append(line, "}\n"...))
			if err := w.HostDone(target); err != nil {
				t.Fatal(err)
			}
			if n++; n == 60 {
				break
			}
		}
		finish(t, w)
	}
	names, _, err := c.segmentNames()
	if err != nil || len(names) != 2 {
		t.Errorf("%d segments of 360 MiB, %v", len(names), err)
	}
}

func TestReadersNeedNoLockAndSeeWhatIsAcknowledged(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/28")
	w := open(t, c, WriterOptions{segmentSize: 700})
	n := 0
	for target := range w.Targets(from(s), nil) {
		w.Observe(target.Host, sshLine(t, target.Host, 1, testNow()))
		if err := w.HostDone(target); err != nil {
			t.Fatal(err)
		}
		if n++; n%2 == 0 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		hosts, faults := read(t, c)
		if len(hosts) != n/2*2 || len(faults) > 0 {
			t.Fatalf("%d hosts done, %d seen, faults %v", n, len(hosts), faults)
		}
		if _, err := c.Verify(t.Context(), func(f Fault) { t.Error(f) }); err != nil {
			t.Fatal(err)
		}
		if info, err := c.Info(t.Context(), func(f Fault) { t.Error(f) }); err != nil || n > 2 && info.Passes[0].Hosts != n/2*2 {
			t.Fatalf("%+v, %v", info, err)
		}
	}
	if _, err := c.Compact(t.Context()); err == nil {
		t.Error("compacted while a writer has the case")
	}
	if _, err := c.Rebuild(t.Context(), true, func(Fault) {}); err == nil {
		t.Error("rebuilt while a writer has the case")
	}
}
