package casefile

import (
	"bytes"
	"os"
	"testing"
)

func TestSegmentNames(t *testing.T) {
	for text, want := range map[string]segmentName{"000001": {1, 1}, "000003-000007": {3, 7}, "1234567": {1234567, 1234567},
		"1": {}, "0000001": {}, "000000": {}, "000007-000003": {}, "000003-000003": {}, "-00001": {}, "+00001": {}, "000001.tmp": {}, "": {}} {
		if got, ok := parseSegmentName(text); ok != (want.from > 0) || ok && got != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
}

// FuzzSegment wants that no bytes make the reader fail, that what it reads and
// what it passes over are together the whole file, and that the lines of a
// batch are never more than may be.
func FuzzSegment(f *testing.F) {
	c, s := newCase(f, "127.0.0.0/28")
	w := open(f, c, WriterOptions{})
	scan(f, w, s, 8, 4)
	finish(f, w)
	text, err := os.ReadFile(c.logPath(segmentName{1, 1}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, true)
	f.Add(text[:len(text)-7], true)
	f.Add(text[5:], false)
	f.Add(append(bytes.Repeat([]byte{batchMagic & 0xff}, 100), text...), false)
	f.Add([]byte{}, false)
	spoilt := bytes.Clone(text)
	spoilt[batchFixed+3] ^= 1
	f.Add(spoilt, false)
	z, err := newDecoder()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte, last bool) {
		at := int64(0)
		err := walk("x", bytes.NewReader(text), int64(len(text)), last, func(f Fault) {
			if f.Offset != at || f.Length < 1 || f.Torn && !last {
				t.Fatalf("fault %+v at %d", f, at)
			}
			at += f.Length
		}, func(b batch) bool {
			if b.offset != at {
				t.Fatalf("batch at %d, want %d", b.offset, at)
			}
			at += b.size
			newTracker(b.progress)
			if b.progress.First() > b.progress.Next || b.progress.Done() > b.progress.Next {
				t.Fatalf("progress %+v", b.progress)
			}
			if lines, err := b.lines(z, nil); err == nil && len(lines) > maxText {
				t.Fatalf("%d bytes of lines", len(lines))
			}
			return true
		})
		if err != nil || at != int64(len(text)) {
			t.Fatalf("%d of %d bytes, %v", at, len(text), err)
		}
	})
}
