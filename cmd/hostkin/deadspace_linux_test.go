package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

// deadSpace is how many refusing hosts TestDeadSpace looks at; the figures of
// docs/benchmarks.md are of 100,000.
const deadSpace = 20_000

// Most of the targets refuse, 500 are silent, one answers slowly: the silent
// ones are waited for beside the others, and memory does not grow with the number of targets.
func TestDeadSpace(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	port := silentPort(t)
	dir := t.TempDir()
	list := filepath.Join(dir, "list.txt")
	var text bytes.Buffer
	for n := range deadSpace {
		fmt.Fprintf(&text, "127.77.%d.%d:9\n", n>>8, n&255)
	}
	const silent = 500
	for n := range silent {
		fmt.Fprintf(&text, "127.78.%d.%d:%d\n", n>>8, n&255, port)
	}
	if err := os.WriteFile(list, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var peak atomic.Uint64
	done := make(chan struct{})
	go func() {
		for m := (runtime.MemStats{}); ; time.Sleep(50 * time.Millisecond) {
			select {
			case <-done:
				return
			default:
			}
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapInuse+m.StackInuse))
		}
	}()
	var stdout, stderr bytes.Buffer
	begun := time.Now()
	// 500 silent hosts on 64 workers of 30 s each would take four minutes.
	code := Main(t.Context(), []string{"scan", "-l", list, "--rate", "0", "--workers", "64", "--timeout", "30s"}, nil, &stdout, &stderr)
	took := time.Since(begun)
	close(done)
	status := map[record.Status]int{}
	for line := range bytes.Lines(stdout.Bytes()) {
		var o record.Observation
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatal(err)
		}
		status[o.Status]++
	}
	if code != 0 || status[record.Refused] != deadSpace || status[record.Timeout] != silent || len(status) != 2 {
		t.Errorf("exit code %d, %v: %s", code, status, &stderr)
	}
	t.Logf("%v, %d MiB at most in use, of which %d MiB output", took, peak.Load()>>20, stdout.Cap()>>20)
	if took > time.Minute {
		t.Errorf("took %v", took)
	}
	if most := uint64(96<<20 + stdout.Cap()); slowness == 1 && peak.Load() > most {
		t.Errorf("%d MiB in use", peak.Load()>>20)
	}
}

// silentPort is a port that is silent on all of 127.0.0.0/8: its listener's
// backlog is full, so Linux drops what comes (net.ipv4.tcp_abort_on_overflow is off).
func silentPort(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	_ = unix.BindToDevice(fd, "lo") // nobody else shall find it; older kernels want root for that
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*unix.SockaddrInet4).Port
	for range 8 { // the first is taken in, the next wait for their ACKs for ever
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 200*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { c.Close() })
	}
	livetest.Missing(t, errors.New("this system takes connections beyond the backlog"))
	return 0
}
