package casefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"net/netip"
)

func set127() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// copyCase copies a case, so that a test may spoil the copy.
func copyCase(t testing.TB, c *Case) *Case {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(c.Dir())); err != nil {
		t.Fatal(err)
	}
	return &Case{dir: dir, spec: c.spec}
}

func TestATailTornAtAnyByteIsCutAndAskedAgain(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/28")
	w := open(t, c, WriterOptions{})
	scan(t, w, s, 12, 4)
	before := w.size
	scan2 := scan(t, w, s, 2, 2)
	whole := w.size
	w.Close()
	if scan2 != 2 {
		t.Fatal("nothing to tear")
	}
	path := c.logPath(segmentName{1, 1})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(text)) != whole {
		t.Fatalf("%d bytes, want %d", len(text), whole)
	}
	for n := before; n < whole; n++ {
		if err := os.WriteFile(path, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if hosts, faults := read(t, c); len(hosts) != 12 || len(faults) != 0 {
			t.Fatalf("torn at %d: a reader sees %d hosts, %v", n, len(hosts), faults)
		}
		cut := int64(0)
		w := open(t, c, WriterOptions{Cut: func(_ string, bytes int64) { cut = bytes }})
		if w.Done() != 12 || w.size != before || cut != n-before {
			t.Fatalf("torn at %d: %d done, %d bytes left, %d cut", n, w.Done(), w.size, cut)
		}
		if n == before || n == whole-1 {
			scan(t, w, s, 1000, 4)
			finish(t, w)
			wantEachOnce(t, c, s)
			os.Remove(c.path(manifestName))
		} else {
			w.Close()
		}
	}
}

func TestZeroesAfterACrashOfTheMachineAreCut(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/28")
	w := open(t, c, WriterOptions{})
	scan(t, w, s, 12, 4)
	w.Close()
	path := c.logPath(segmentName{1, 1})
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Write(make([]byte, 5000))
	f.Close()
	w = open(t, c, WriterOptions{})
	scan(t, w, s, 1000, 4)
	finish(t, w)
	wantEachOnce(t, c, s)
}

func TestACorruptMiddleIsToldAndTheRestIsRead(t *testing.T) {
	whole, s := newCase(t, "127.0.0.0/28")
	w := open(t, whole, WriterOptions{})
	scan(t, w, s, 1000, 4)
	finish(t, w)
	path := whole.logPath(segmentName{1, 1})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second := int64(bytes.Index(text[1:], text[:4])) + 1
	third := second + 1 + int64(bytes.Index(text[second+1:], text[:4]))
	for at := second; at < third; at++ {
		c := copyCase(t, whole)
		spoilt := bytes.Clone(text)
		spoilt[at] ^= 0x40
		if err := os.WriteFile(c.logPath(segmentName{1, 1}), spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		hosts, faults := read(t, c)
		if len(hosts) != 12 || len(faults) != 1 || faults[0].Offset != second || faults[0].Length != third-second {
			t.Fatalf("byte %d: %d hosts, faults %v; want 12 and one from %d to %d", at, len(hosts), faults, second, third)
		}
	}
}

// failing is a disk that takes some bytes more, and then fails.
type failing struct {
	logFile
	left *int
	sync bool
}

func (f failing) Write(p []byte) (int, error) {
	n := min(len(p), *f.left)
	*f.left -= n
	m, err := f.logFile.Write(p[:n])
	if err == nil && n < len(p) {
		err = errors.New("no space left on device")
	}
	return m, err
}

func (f failing) Sync() error {
	if f.sync {
		return errors.New("input/output error")
	}
	return f.logFile.Sync()
}

func TestAFullDiskLosesNothingAcknowledged(t *testing.T) {
	for left := 0; left < 3000; left += 97 {
		for _, sync := range []bool{false, true} {
			c, s := newCase(t, "127.0.0.0/27")
			acknowledged := 0
			room := left
			w := open(t, c, WriterOptions{Acknowledged: func(n int) { acknowledged += n },
				wrap: func(f logFile) logFile { return failing{f, &room, sync} }})
			var failed error
			for target := range w.Targets(from(s), nil) {
				failed = errors.Join(w.Observe(target.Host, sshLine(t, target.Host, 1, testNow())), w.HostDone(target), w.Flush())
				if failed != nil {
					break
				}
			}
			if failed == nil || !strings.Contains(failed.Error(), "run the same command again") {
				t.Fatalf("room for %d bytes: %v", left, failed)
			}
			if err := w.Finish(); err == nil {
				t.Fatal("a writer that failed says that it finished")
			}
			hosts, faults := read(t, c)
			if len(hosts) != acknowledged || len(faults) > 0 {
				t.Fatalf("room for %d bytes: %d acknowledged, %d there, %v", left, acknowledged, len(hosts), faults)
			}
			w = open(t, c, WriterOptions{})
			scan(t, w, s, 1000, 3)
			finish(t, w)
			wantEachOnce(t, c, s)
		}
	}
}

// What refuses to be written is told, and can be read all the same. Root may
// write into read-only folders, so the lock and the log are made such that
// nobody can.
func TestAFolderThatCannotBeWrittenIsToldAndCanBeRead(t *testing.T) {
	c, s := newCase(t, "127.0.0.0/28")
	w := open(t, c, WriterOptions{})
	scan(t, w, s, 1000, 4)
	finish(t, w)
	for _, err := range []error{os.Remove(c.path(lockName)), os.Mkdir(c.path(lockName), 0o777)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.OpenWriter(WriterOptions{Now: testNow}); err == nil || !strings.Contains(err.Error(), c.path(lockName)) || !strings.Contains(err.Error(), "can be written") {
		t.Errorf("got %v", err)
	}
	wantEachOnce(t, c, s)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(filepath.Join(file, "case"), c.Spec()); err == nil || !strings.Contains(err.Error(), "can be written") {
		t.Errorf("a case below a file: %v", err)
	}
}

// The process that is killed: it scans "127.0.0.0/22" into a case with many
// hosts open at a time, and says on stdout what it asked and what is acknowledged.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HOSTKIN_TEST_WRITER"); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const victimRange = "127.0.0.0/22"

func victim(dir string) error {
	c, err := Open(dir)
	if err != nil {
		return err
	}
	s, err := targets.Parse(targets.Source{Args: []string{victimRange}}, targets.Source{}, targets.Options{})
	if err != nil {
		return err
	}
	var ended []record.Host // and not acknowledged
	w, err := c.OpenWriter(WriterOptions{Now: time.Now, segmentSize: 10_000, Acknowledged: func(n int) {
		for _, h := range ended[:n] {
			fmt.Println("kept", h)
		}
		ended = ended[n:]
	}})
	if err != nil {
		return err
	}
	var open []targets.Target
	end := func(i int) error {
		t := open[i]
		open = append(open[:i], open[i+1:]...)
		line := fmt.Sprintf(`{"schema":"observation/1","host":{"ip":"%s","name":""},"port":9,"probe":"x","status":"ok","at":"2026-01-02T03:04:05Z","ms":%v}`+"\n", t.Host, rand.Float64())
		ended = append(ended, t.Host)
		return errors.Join(w.Observe(t.Host, []byte(line)), w.HostDone(t))
	}
	leave := bufio.NewReader(os.Stdin) // a byte for each target; without limit when it is closed
	for t := range w.Targets(from(s), nil) {
		if _, err := leave.ReadByte(); err != nil && err != io.EOF {
			return err
		}
		fmt.Println("ask", t.Host)
		open = append(open, t)
		for len(open) > 16 || len(open) > 0 && rand.IntN(3) == 0 {
			if err := end(rand.IntN(len(open))); err != nil {
				return err
			}
		}
		if rand.IntN(8) == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	for len(open) > 0 {
		if err := end(0); err != nil {
			return err
		}
	}
	return w.Finish()
}

func TestKilled50TimesNothingAcknowledgedIsLost(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for seconds")
	}
	c, s := newCase(t, victimRange)
	kept, asked := map[string]bool{}, map[string]int{}
	kills := 0
	for round := 0; ; round++ {
		if round == 400 {
			t.Fatal("the scan never ends")
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "HOSTKIN_TEST_WRITER="+c.Dir())
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It may ask up to 20 targets, so that it cannot end before it is killed,
		// and is killed while it works: after a random number of its lines.
		lines := bufio.NewScanner(out)
		allowed := 1 + rand.IntN(20)
		left := 1 + rand.IntN(allowed)
		killed := false
		if kills < 50 {
			in.Write(make([]byte, allowed))
		} else {
			in.Close()
		}
		for lines.Scan() {
			verb, host, _ := strings.Cut(lines.Text(), " ")
			if kept[host] {
				t.Fatalf("%s: %s, though it was acknowledged", lines.Text(), host)
			}
			if verb == "ask" {
				asked[host]++
			} else if verb == "kept" {
				kept[host] = true
			}
			if left--; left == 0 && kills < 50 {
				cmd.Process.Kill()
				killed = true
			}
		}
		io.Copy(io.Discard, out)
		err = cmd.Wait()
		if killed {
			kills++
			continue
		}
		if err != nil {
			t.Fatalf("%v: %s", err, &stderr)
		}
		break
	}
	if kills != 50 {
		t.Errorf("killed only %d times", kills)
	}
	hosts, faults := read(t, c)
	if len(faults) > 0 {
		t.Error(faults)
	}
	for target := range s.All(0) {
		if n := hosts[target.Host.String()]; n != 1 {
			t.Errorf("%s stands there %d times", target.Host, n)
		}
	}
	again := 0
	for _, n := range asked {
		again += n - 1
	}
	t.Logf("%d kills, %d of %d hosts asked, %d asked again", kills, len(asked), s.Count(), again)
	if leftovers, _ := filepath.Glob(c.path("*", "*"+tempSuffix)); len(leftovers) > 0 {
		t.Errorf("left behind: %v", leftovers)
	}
}
