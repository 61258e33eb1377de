package baseline

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/hostkin/hostkin/fingerprints"
)

func file(t testing.TB, b *Baseline) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sealed puts the right checksum behind a body.
func sealed(body []byte) []byte {
	return binary.BigEndian.AppendUint32(slices.Clone(body), crc32.ChecksumIEEE(body))
}

func small(t testing.TB) *Baseline {
	return build(t, 2, Count{"jarm", "a", 7}, Count{"jarm", "c", 300}, Count{"ssh.banner", "SSH-2.0-OpenSSH_9.6", 11})
}

// TestTheFormat holds the bytes of docs/formats.md, as another program (Python) wrote them.
func TestTheFormat(t *testing.T) {
	const want = "89686b62" + "01" + // magic, version of the format
		"00000000000003e8" + "0000000069a42a40" + "0000000000000002" + // 1000 hosts, date, least
		"02" + // kinds
		"04" + "6a61726d" + "0001" + "0000000000000384" + "00000002" + // jarm, version 1, 900 answered, 2 values
		"069997d18ad4acc2" + "42" + "c79ff3e1d4e8f9d6" + "16" +
		"0a" + "7373682e62616e6e6572" + "0001" + "00000000000001a4" + "00000001" +
		"04a934c0a01162e7" + "1c" +
		"36c24afd" // CRC-32
	if got := hex.EncodeToString(file(t, small(t))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReadGivesBackWhatWasWritten(t *testing.T) {
	var counts []Count
	for i := range 10000 { // several blocks of a reader
		counts = append(counts, Count{"jarm", fmt.Sprint(i), 2 + i%800})
	}
	want := file(t, build(t, 2, counts...))
	for _, r := range []io.Reader{bytes.NewReader(want), iotest.OneByteReader(bytes.NewReader(want))} {
		b, err := Read(r)
		if err != nil {
			t.Fatal(err)
		}
		if n, listed := b.Holders("jarm", "7"); n != 9 || !listed {
			t.Errorf("%v, %v", n, listed)
		}
		if got := file(t, b); !bytes.Equal(got, want) {
			t.Error("a file that was read is written otherwise")
		}
	}
}

func TestADamagedFileIsRefused(t *testing.T) {
	good := file(t, small(t))
	for n := range good {
		want := ErrTorn
		if n < len(magic) {
			want = ErrNoBaseline
		}
		if _, err := Read(bytes.NewReader(good[:n])); !errors.Is(err, want) {
			t.Errorf("the first %d of %d bytes: %v", n, len(good), err)
		}
		bad := slices.Clone(good)
		bad[n] ^= 0x10
		if _, err := Read(bytes.NewReader(bad)); err == nil {
			t.Errorf("byte %d may be another", n)
		}
	}
	if _, err := Read(bytes.NewReader(append(good, 0))); !errors.Is(err, ErrTorn) {
		t.Errorf("a byte more: %v", err)
	}
	fault := errors.New("the disk is on fire")
	for n := range good {
		if _, err := Read(io.MultiReader(bytes.NewReader(good[:n]), iotest.ErrReader(fault))); !errors.Is(err, fault) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestAWholeFileThatLiesIsRefused(t *testing.T) {
	for name, lie := range map[string]func(b *Baseline){
		"no host":                 func(b *Baseline) { b.hosts = 0 },
		"hosts without end":       func(b *Baseline) { b.hosts = maxHosts + 1 },
		"date before 1970":        func(b *Baseline) { b.date = -1 },
		"date after 9999":         func(b *Baseline) { b.date = maxDate + 1 },
		"least of 0":              func(b *Baseline) { b.least = 0 },
		"least of all and more":   func(b *Baseline) { b.least = b.hosts + 2 },
		"kinds out of order":      func(b *Baseline) { slices.Reverse(b.kinds) },
		"a kind twice":            func(b *Baseline) { b.kinds[1] = b.kinds[0] },
		"a kind without a name":   func(b *Baseline) { b.kinds[0].kind = "" },
		"a name for the terminal": func(b *Baseline) { b.kinds[0].kind = "\x1b[2J" },
		"a long name":             func(b *Baseline) { b.kinds[0].kind = fingerprints.Kind(bytes.Repeat([]byte("a"), maxName+1)) },
		"version 0":               func(b *Baseline) { b.kinds[0].version = 0 },
		"nobody answered":         func(b *Baseline) { b.kinds[0].answered = 0 },
		"more answered than are":  func(b *Baseline) { b.kinds[0].answered = b.hosts + 1 },
		"more hold than answered": func(b *Baseline) { b.kinds[0].codes[1] = encode(b.kinds[0].answered) + 1 },
		"hashes out of order":     func(b *Baseline) { slices.Reverse(b.kinds[0].hashes) },
		"a hash twice":            func(b *Baseline) { b.kinds[0].hashes[1] = b.kinds[0].hashes[0] },
	} {
		b := small(t)
		lie(b)
		if _, err := Read(bytes.NewReader(file(t, b))); err == nil || errors.Is(err, ErrTorn) {
			t.Errorf("%s: %v", name, err)
		}
	}
	later := file(t, small(t))
	later[4] = 2
	if _, err := Read(bytes.NewReader(later)); err == nil || errors.Is(err, ErrTorn) {
		t.Errorf("format version 2: %v", err)
	}
}

// TestAPromiseCostsNothing reads files that say that they hold millions of values.
func TestAPromiseCostsNothing(t *testing.T) {
	good := file(t, small(t))
	at := bytes.Index(good, []byte("jarm")) + len("jarm") + 2 + 8
	for _, n := range []uint32{maxValues, maxValues + 1, 1<<32 - 1} {
		bad := slices.Clone(good)
		binary.BigEndian.PutUint32(bad[at:], n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Read(bytes.NewReader(bad))
		runtime.ReadMemStats(&after)
		if size := after.TotalAlloc - before.TotalAlloc; err == nil || errors.Is(err, ErrTorn) != (n <= maxValues) || size > 1<<20 {
			t.Errorf("%d values promised: %d bytes allocated, %v", n, size, err)
		}
	}
}

func TestAFailedWriteIsTold(t *testing.T) {
	b, fault := small(t), errors.New("no space left on device")
	size := len(file(t, b))
	for _, room := range []int{0, size - 4} {
		if err := b.Write(&disk{room, fault}); !errors.Is(err, fault) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

// disk fails when it is full.
type disk struct {
	room  int
	fault error
}

func (d *disk) Write(p []byte) (int, error) {
	if d.room -= len(p); d.room < 0 {
		return 0, d.fault
	}
	return len(p), nil
}

func FuzzRead(f *testing.F) {
	for _, b := range []*Baseline{small(f), build(f, 1), build(f, 900, Count{"ssh.banner", "x", 1})} {
		text := file(f, b)
		f.Add(text[:len(text)-4])
	}
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, body []byte) {
		text := sealed(body) // or the checksum would keep the fuzzer out
		b, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		if again := file(t, b); !bytes.Equal(again, text) {
			t.Errorf("read %x, written %x", text, again)
		}
		for _, k := range b.Kinds() {
			if n, _ := b.Holders(k.Kind, "a"); n > b.Answered(k.Kind) || b.Answered(k.Kind) > float64(b.Hosts()) {
				t.Errorf("%v of %v of %d", n, b.Answered(k.Kind), b.Hosts())
			}
		}
		top := b.Top(1 + b.Values()/2)
		m, _, err := Merge(b, top)
		if err != nil {
			if b.Hosts() <= maxHosts/2 && b.Values() < maxValues/2 {
				t.Error(err)
			}
			return
		}
		if _, err := Read(bytes.NewReader(file(t, m))); err != nil {
			t.Error(err)
		}
	})
}

// many is a list of the usual size, 315 KB.
func many(b *testing.B) *Baseline {
	counts := func(yield func(Count) bool) {
		for i := range 35000 {
			if !yield(Count{"jarm", fmt.Sprint(i), 2 + i%800}) {
				return
			}
		}
	}
	list, err := Build(1000, day, map[fingerprints.Kind]int{"jarm": 900}, counts, 2)
	if err != nil {
		b.Fatal(err)
	}
	return list
}

func BenchmarkRead(b *testing.B) {
	text := file(b, many(b))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHolders(b *testing.B) {
	list := many(b)
	b.ReportAllocs()
	for b.Loop() {
		list.Holders("jarm", "27d40d40d29d40d1dc42d43d00041d4689ee210389f4f6b4b5b1b93f92252d")
	}
}
