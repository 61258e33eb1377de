//go:build unix

package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hostkin/hostkin/scanner/targets"
)

// SIGHUP does not wait for the next look.
func TestHangupReadsTheExclusionsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "never.txt")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := targets.Parse(targets.Source{}, targets.Source{}, targets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := &app{screen: newScreen(&strings.Builder{})}
	a.log = newLogger(a.screen)
	o, stop := a.watchOptOut(t.Context(), &scanFlags{excludeFiles: []string{path}}, set)
	defer stop()
	if err := os.WriteFile(path, []byte("127.0.0.9"), 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr("127.0.0.9")
	for o.allowed(addr) == nil && time.Since(begun) < lookEvery {
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(begun); took > lookEvery*3/4 {
		t.Errorf("took %v", took)
	}
}
