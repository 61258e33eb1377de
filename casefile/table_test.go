package casefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// scanned is a case of n passes; keys gives the host key of the last byte of an
// address in a pass, 0 for no answer.
func scanned(t testing.TB, passes int, o WriterOptions, keys func(pass, last int) byte) (*Case, *targets.Set) {
	t.Helper()
	c, s := newCase(t, "127.0.0.0/28")
	for pass := 1; pass <= passes; pass++ {
		o.Rescan = true
		w := open(t, c, o)
		n := 0
		for target := range w.Targets(from(s), nil) {
			if key := keys(pass, int(target.Host.IP.As4()[3])); key != 0 {
				at := testNow().Add(time.Duration(pass) * time.Hour)
				if err := w.Observe(target.Host, sshLine(t, target.Host, key, at)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.HostDone(target); err != nil {
				t.Fatal(err)
			}
			if n++; n%3 == 0 {
				w.Flush()
			}
		}
		finish(t, w)
	}
	return c, s
}

func noFault(t testing.TB) func(Fault) { return func(f Fault) { t.Helper(); t.Error(f) } }

func rebuild(t testing.TB, c *Case, all bool) int {
	t.Helper()
	n, err := c.Rebuild(t.Context(), all, noFault(t))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func verify(t testing.TB, c *Case) []Fault {
	t.Helper()
	var faults []Fault
	if _, err := c.Verify(t.Context(), func(f Fault) { faults = append(faults, f) }); err != nil {
		t.Fatal(err)
	}
	return faults
}

// One line that is too long, which no scan of ours writes, costs that line.
func TestALineThatIsTooLongIsToldAndTheRestIsDerived(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/30")
	w := open(t, c, WriterOptions{})
	long := true
	for target := range w.Targets(from(s), nil) {
		line := sshLine(t, target.Host, 1, testNow())
		if long {
			line = append(bytes.TrimSuffix(line, []byte("}\n")), append(bytes.Repeat([]byte(" "), record.MaxLine), "}\n"...)...)
		}
		long = false
		if err := errors.Join(w.Observe(target.Host, line), w.HostDone(target)); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, w)
	var faults []Fault
	made, err := c.Rebuild(t.Context(), true, func(f Fault) { faults = append(faults, f) })
	if made != 1 || err != nil || len(faults) != 1 || !strings.Contains(faults[0].Error(), "line 1 is no observation/1 of at most 16 MiB") {
		t.Fatalf("%d tables, %v, faults %v", made, err, faults)
	}
	hosts := map[string]bool{}
	rows, err := c.rows(t.Context(), func(f Fault) { t.Error(f) }, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.end()
	for {
		row, err := rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		hosts[row.Host] = true
	}
	if len(hosts) != 3 {
		t.Errorf("the table has %v, want three of four hosts", hosts)
	}
}

func TestTheTableHoldsWhatTheLogShows(t *testing.T) {
	c, _ := scanned(t, 1, WriterOptions{}, func(_, last int) byte { return byte(last % 5) })
	if n := rebuild(t, c, false); n != 1 {
		t.Errorf("%d tables", n)
	}
	rows, err := parquet.ReadFile[Row](c.tablePath(segmentName{1, 1}))
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for _, row := range rows {
		if addr := netip.AddrFrom16(row.IP).Unmap(); addr.String() != row.Host || row.Port != 22 || row.Pass != 1 || row.KindVersion != 1 ||
			row.FirstSeen != testNow().Add(time.Hour).UnixMilli() || row.LastSeen != row.FirstSeen {
			t.Errorf("row %+v", row)
		}
		if row.Kind == "ssh.host_key" {
			hosts = append(hosts, row.Host)
		}
	}
	if slices.Sort(hosts); len(hosts) != 12 || !slices.IsSortedFunc(rows, compareRows) {
		t.Errorf("host keys of %v; sorted %v", hosts, slices.IsSortedFunc(rows, compareRows))
	}
	f, err := os.Open(c.tablePath(segmentName{1, 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, _ := f.Stat()
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range p.RowGroups()[0].ColumnChunks() {
		name := p.Schema().Columns()[column.Column()][0]
		if filter := column.BloomFilter(); (filter != nil) != (name == "value" || name == "host") {
			t.Errorf("bloom filter of %s: %v", name, filter != nil)
		} else if name == "host" {
			if yes, err := filter.Check(parquet.ValueOf("127.0.0.1")); !yes || err != nil {
				t.Errorf("the filter does not know a host: %v", err)
			}
		}
	}
}

func TestTheSameLinesGiveTheSameRows(t *testing.T) {
	at := testNow()
	host := record.Host{IP: set127()}
	for _, order := range [][]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}} {
		c, s := newCase(t, "127.0.0.1")
		w := open(t, c, WriterOptions{})
		for target := range w.Targets(from(s), nil) {
			for _, i := range order {
				w.Observe(host, sshLine(t, host, 1, at.Add(time.Duration(i)*time.Minute)))
			}
			w.HostDone(target)
		}
		finish(t, w)
		rebuild(t, c, false)
		rows, err := parquet.ReadFile[Row](c.tablePath(segmentName{1, 1}))
		if err != nil || len(rows) == 0 {
			t.Fatal(len(rows), err)
		}
		for _, row := range rows {
			if row.FirstSeen != at.UnixMilli() || row.LastSeen != at.Add(2*time.Minute).UnixMilli() {
				t.Errorf("order %v: %+v", order, row)
			}
		}
	}
}

func TestTablesAreMadeOnceAndRebuiltOnRequest(t *testing.T) {
	c, _ := scanned(t, 2, WriterOptions{segmentSize: 500}, func(_, last int) byte { return byte(last + 1) })
	first := rebuild(t, c, false)
	if n := rebuild(t, c, false); n != 0 || first < 4 {
		t.Errorf("%d made first, %d again", first, n)
	}
	path := c.tablePath(segmentName{1, 1})
	text, _ := os.ReadFile(path)
	os.WriteFile(path, text[:len(text)/2], 0o600)
	os.WriteFile(c.tablePath(segmentName{99, 99}), text, 0o600)
	if faults := verify(t, c); len(faults) != 1 || !strings.Contains(faults[0].Error(), "case rebuild") {
		t.Errorf("faults %v", faults)
	}
	if n := rebuild(t, c, false); n != 1 {
		t.Errorf("%d made for one that was broken", n)
	}
	if again, _ := os.ReadFile(path); !bytes.Equal(again, text) {
		t.Error("the rebuilt table differs")
	}
	if n := rebuild(t, c, true); n != first {
		t.Errorf("%d rebuilt, want %d", n, first)
	}
	if _, err := os.Stat(c.tablePath(segmentName{99, 99})); err == nil {
		t.Error("a table without segment is still there")
	}
}

func TestVerifyFindsAFlippedBitAnywhere(t *testing.T) {
	whole, _ := scanned(t, 1, WriterOptions{}, func(_, last int) byte { return byte(last + 1) })
	rebuild(t, whole, false)
	if faults := verify(t, whole); len(faults) > 0 {
		t.Fatalf("a good case: %v", faults)
	}
	for _, path := range []string{whole.logPath(segmentName{1, 1}), whole.path(manifestName)} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		key := bytes.Index(text, []byte(`"table_sha256"`)) // a table that the manifest does not name counts as none
		for at := 0; at < len(text); at += 7 {
			if key >= 0 && at >= key && at < key+len(`"table_sha256"`) {
				continue
			}
			spoilt := bytes.Clone(text)
			spoilt[at] ^= 0x04
			os.WriteFile(path, spoilt, 0o600)
			if faults := verify(t, whole); len(faults) == 0 {
				t.Errorf("%s: byte %d is changed from %q and nothing is told", path, at, text[at])
			}
		}
		os.WriteFile(path, text, 0o600)
	}
	os.Remove(whole.logPath(segmentName{1, 1}))
	if faults := verify(t, whole); len(faults) == 0 || !strings.Contains(fmt.Sprint(faults), "is gone") {
		t.Errorf("a segment is gone: %v", faults)
	}
}

func TestVerifyTellsATornEndAsSuch(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/28")
	w := open(t, c, WriterOptions{})
	scan(t, w, s, 8, 4)
	w.Close()
	os.Truncate(c.logPath(segmentName{1, 1}), w.size-3)
	if faults := verify(t, c); len(faults) != 1 || !faults[0].Torn {
		t.Errorf("faults %v", faults)
	}
}

func lines(t testing.TB, c *Case) string {
	t.Helper()
	var all bytes.Buffer
	if err := c.Parts(t.Context(), noFault(t), func(p Part) bool { _, err := io.Copy(&all, p); return err == nil }); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestCompactionChangesNoLine(t *testing.T) {
	c, _ := scanned(t, 2, WriterOptions{segmentSize: 500}, func(pass, last int) byte { return byte(last + pass) })
	rebuild(t, c, false)
	before, old := lines(t, c), copyCase(t, c)
	done, err := c.Compact(t.Context())
	if err != nil || done.Into != 2 || done.Segments < 6 || done.After >= done.Before {
		t.Errorf("%+v, %v", done, err)
	}
	if lines(t, c) != before {
		t.Error("the lines are others")
	}
	if faults := verify(t, c); len(faults) > 0 {
		t.Error(faults)
	}
	info, err := c.Info(t.Context(), noFault(t))
	if err != nil || len(info.Segments) != 2 || info.Tables != 2 || len(info.Passes) != 2 || !info.Passes[1].Finished || info.Passes[1].Done != 16 || info.Passes[1].Lines != 16 {
		t.Errorf("%+v, %v", info, err)
	}
	// Whatever the moment of a crash, old segments are left behind, not in the
	// manifest or with the new one's entry missing: nothing comes twice.
	names, _, _ := old.segmentNames()
	for n := range len(names) + 1 {
		crashed := copyCase(t, c)
		if n%2 == 0 {
			text, _ := os.ReadFile(old.path(manifestName))
			os.WriteFile(crashed.path(manifestName), text, 0o600)
		}
		for _, name := range names[:n] {
			text, _ := os.ReadFile(old.logPath(name))
			os.WriteFile(crashed.logPath(name), text, 0o600)
		}
		if lines(t, crashed) != before {
			t.Errorf("%d segments left behind: the lines are others", n)
		}
		w := open(t, crashed, WriterOptions{})
		if !w.Finished() || w.Pass() != 2 {
			t.Error("the case is not finished any more")
		}
		finish(t, w)
		if faults := verify(t, crashed); len(faults) > 0 || lines(t, crashed) != before {
			t.Errorf("%d segments left behind: %v", n, faults)
		}
	}
	if again, err := c.Compact(t.Context()); err != nil || again.Segments != 0 {
		t.Errorf("compacted again: %+v, %v", again, err)
	}
	w := open(t, c, WriterOptions{Rescan: true})
	if w.Pass() != 3 {
		t.Errorf("pass %d after compaction", w.Pass())
	}
}

func TestCompactionLeavesWhatIsBrokenOrUnfinished(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/28")
	w := open(t, c, WriterOptions{segmentSize: 500})
	scan(t, w, s, 12, 2)
	finish(t, w)
	if done, err := c.Compact(t.Context()); err != nil || done.Segments != 0 {
		t.Errorf("an unfinished pass: %+v, %v", done, err)
	}
	w = open(t, c, WriterOptions{segmentSize: 500})
	scan(t, w, s, 12, 2)
	finish(t, w)
	text, _ := os.ReadFile(c.logPath(segmentName{2, 2}))
	text[len(text)-1] ^= 1
	os.WriteFile(c.logPath(segmentName{2, 2}), text, 0o600)
	if _, err := c.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, _ := os.ReadFile(c.logPath(segmentName{2, 2}))
	names, _, _ := c.segmentNames()
	if !bytes.Equal(left, text) || names[0] != (segmentName{1, 1}) || len(names) != 3 {
		t.Errorf("segments %v", names)
	}
}

func TestDiffTellsWhatAppearedVanishedAndMoved(t *testing.T) {
	c, _ := scanned(t, 2, WriterOptions{segmentSize: 500}, func(pass, last int) byte {
		switch {
		case last == 1:
			return []byte{0, 101}[pass-1] // appeared
		case last == 2:
			return []byte{102, 0}[pass-1] // vanished
		case last == 3:
			return []byte{103, 0}[pass-1] // moved to 4
		case last == 4:
			return []byte{0, 103}[pass-1]
		case last == 5:
			return []byte{105, 115}[pass-1] // has another key
		case last < 10:
			return 100
		}
		return 0
	})
	want := `[moved 127.0.0.4 [127.0.0.3] ssh.host_key 0][appeared 127.0.0.1 []  0][vanished 127.0.0.2 []  0][appeared 127.0.0.5 [] ssh.host_key 22][vanished 127.0.0.5 [] ssh.host_key 22]`
	for _, tables := range []bool{false, true} {
		if tables {
			rebuild(t, c, true)
		}
		var got []string
		err := c.Diff(t.Context(), 1, 2, noFault(t), func(x Change) error {
			got = append(got, fmt.Sprintf("[%s %s %v %s %d]", x.Change, x.Host, x.From, x.Kind, x.Port))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(kindOfLine(a), kindOfLine(b)) })
		if text := strings.Join(got, ""); text != want {
			t.Errorf("tables %v:\ngot  %s\nwant %s", tables, text, want)
		}
	}
	if err := c.Diff(t.Context(), 1, 2, noFault(t), func(Change) error { return io.ErrClosedPipe }); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	if err := c.Diff(t.Context(), 2, 2, noFault(t), func(x Change) error { return fmt.Errorf("%v", x) }); err != nil {
		t.Errorf("a pass differs from itself: %v", err)
	}
}

// kindOfLine keeps what Diff orders and lets the order of values, which hangs
// on hashes, aside.
func kindOfLine(line string) string {
	switch {
	case strings.HasPrefix(line, "[moved"):
		return "0"
	case strings.Contains(line, "ssh."):
		return "2" + line
	}
	return "1"
}

func TestWhatIsCancelledEnds(t *testing.T) {
	c, _ := scanned(t, 1, WriterOptions{}, func(_, last int) byte { return byte(last + 1) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, verified := c.Verify(ctx, noFault(t))
	_, info := c.Info(ctx, noFault(t))
	parts := c.Parts(ctx, noFault(t), func(p Part) bool { io.Copy(io.Discard, p); return true })
	for _, err := range []error{verified, info, parts} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

// The library that reads tables takes a length in a broken one at its word, so
// none is opened that is not the one that was written.
func TestATableWithAFlippedBitIsNotOpened(t *testing.T) {
	c, _ := scanned(t, 1, WriterOptions{}, func(_, last int) byte { return byte(last + 1) })
	rebuild(t, c, false)
	n := segmentName{1, 1}
	text, err := os.ReadFile(c.tablePath(n))
	if err != nil {
		t.Fatal(err)
	}
	entries, _, err := c.manifest(noFault(t))
	if err != nil {
		t.Fatal(err)
	}
	for at := range text {
		spoilt := bytes.Clone(text)
		spoilt[at] ^= 1 << (at % 8)
		if err := os.WriteFile(c.tablePath(n), spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.openTable(n, entries[n]); err == nil {
			t.Fatalf("byte %d is changed and the table opened", at)
		}
	}
}
