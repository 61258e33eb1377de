package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hostkin/hostkin/scanner/targets"
)

// lockedText may be written and read by several goroutines.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A list is read again once it was left alone for a look; what it once said
// holds to the end of the job, whatever becomes of the file.
func TestOptOutDuringTheJob(t *testing.T) {
	path := filepath.Join(t.TempDir(), "never.txt")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("198.51.100.1\n")
	synctest.Test(t, func(t *testing.T) {
		var stderr lockedText
		a := &app{screen: newScreen(&stderr)}
		a.log = newLogger(a.screen)
		set, err := targets.Parse(targets.Source{}, targets.Source{Files: []string{path}}, targets.Options{AllowSpecial: true})
		if err != nil {
			t.Fatal(err)
		}
		o := newOptOut(a, &scanFlags{exclude: []string{"192.0.2.1", "@" + path}}, set)
		go o.run(t.Context(), nil)
		now := func(step, refused, allowed string, told int) {
			t.Helper()
			for addr := range strings.FieldsSeq(refused) {
				if o.allowed(netip.MustParseAddr(addr)) == nil {
					t.Errorf("%s: %s is allowed", step, addr)
				}
			}
			for addr := range strings.FieldsSeq(allowed) {
				if err := o.allowed(netip.MustParseAddr(addr)); err != nil {
					t.Errorf("%s: %v", step, err)
				}
			}
			if n := strings.Count(stderr.String(), "\n"); n != told {
				t.Errorf("%s: %d lines were told, want %d:\n%s", step, n, told, stderr.String())
			}
		}
		time.Sleep(5 * lookEvery / 2)
		now("untouched", "198.51.100.1", "198.51.100.2 198.51.100.3", 0)
		write("198.51.100.1\n198.51.100.2\n")
		time.Sleep(lookEvery)
		now("just written", "198.51.100.1", "198.51.100.2 198.51.100.3", 0)
		time.Sleep(lookEvery)
		now("left alone", "198.51.100.1 198.51.100.2 ::ffff:198.51.100.2 64:ff9b::198.51.100.2", "198.51.100.3", 1)
		write("")
		time.Sleep(2 * lookEvery)
		now("emptied", "198.51.100.1 198.51.100.2", "198.51.100.3", 2)
		write("198.51.100.3\n300.1.1.1\n")
		time.Sleep(4 * lookEvery)
		now("broken", "198.51.100.1 198.51.100.2", "198.51.100.3", 3)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * lookEvery)
		now("gone", "198.51.100.1 198.51.100.2", "198.51.100.3", 4)
		if n := strings.Count(stderr.String(), "stays in force"); n != 2 {
			t.Errorf("%d warnings:\n%s", n, stderr.String())
		}
		write("198.51.100.0/24")
		time.Sleep(2 * lookEvery)
		now("back", "198.51.100.1 198.51.100.2 198.51.100.3", "198.51.101.1", 5)
	})
}
