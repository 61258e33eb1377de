package casefile

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hostkin/hostkin/scanner/targets"
)

// BenchmarkFlush is the cost of a batch of 16 hosts on this disk: the fsync.
func BenchmarkFlush(b *testing.B) {
	for _, sync := range []bool{true, false} {
		b.Run(fmt.Sprintf("sync=%v", sync), func(b *testing.B) {
			c, s := newCase(b, "127.0.0.0/8")
			w := open(b, c, WriterOptions{wrap: func(f logFile) logFile {
				if sync {
					return f
				}
				return unsynced{f}
			}})
			n := 0
			b.ResetTimer()
			for t := range w.Targets(from(s), nil) {
				w.Observe(t.Host, sshLine(b, t.Host, 1, testNow()))
				w.HostDone(t)
				if n++; n%16 != 0 {
					continue
				}
				if err := w.Flush(); err != nil {
					b.Fatal(err)
				}
				if n == 16*b.N {
					break
				}
			}
		})
	}
}

type unsynced struct{ logFile }

func (unsynced) Sync() error { return nil }

// BenchmarkResume opens a case of a million hosts, all but one of which are done, and
// finds that one. HOSTKIN_BENCH_CASE names a folder to keep the case in.
func BenchmarkResume(b *testing.B) {
	s := set(b, "127.0.0.0/12")
	dir := os.Getenv("HOSTKIN_BENCH_CASE")
	if dir == "" {
		dir = filepath.Join(b.TempDir(), "case")
	}
	c, err := Create(dir, testSpec(s))
	if err != nil {
		b.Fatal(err)
	}
	w := open(b, c, WriterOptions{})
	first := true
	for t := range w.Targets(from(s), nil) {
		if first {
			first = false // the first of all is never done: the worst case
			continue
		}
		w.Observe(t.Host, sshLine(b, t.Host, byte(t.Host.IP.As4()[2]), testNow()))
		if err := w.HostDone(t); err != nil {
			b.Fatal(err)
		}
	}
	finish(b, w)
	for b.Loop() {
		w := open(b, c, WriterOptions{})
		var left []targets.Target
		for t := range w.Targets(from(s), nil) {
			left = append(left, t)
		}
		if len(left) != 1 {
			b.Fatalf("%d are left", len(left))
		}
		w.Close()
	}
}
