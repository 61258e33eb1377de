package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKindsOfAnotherVersionAreNamed looks into a baseline whose host keys are
// counted by a definition of later, and merges it with one of today.
func TestKindsOfAnotherVersionAreNamed(t *testing.T) {
	dir := t.TempDir()
	today, later := filepath.Join(dir, "today.hkb"), filepath.Join(dir, "later.hkb")
	run := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := Main(t.Context(), append([]string{"baseline"}, args...), bytes.NewReader(savedTown(t)), &stdout, &stderr); code != exitDone {
			t.Fatalf("%v: exit code %d: %s", args, code, &stderr)
		}
		return stderr.String()
	}
	run("build", "-o", today)
	file, err := os.ReadFile(today)
	if err != nil {
		t.Fatal(err)
	}
	const kind = "ssh.host_key"
	body := file[:len(file)-crc32.Size]
	binary.BigEndian.PutUint16(body[bytes.Index(body, []byte(kind))+len(kind):], 2)
	if err := os.WriteFile(later, binary.BigEndian.AppendUint32(body, crc32.ChecksumIEEE(body)), 0o600); err != nil {
		t.Fatal(err)
	}
	if told := run("info", today); told != "" {
		t.Errorf("today's: %s", told)
	}
	if told := run("info", later); !strings.Contains(told, kind+": the baseline counts version 2 of it") || strings.Count(told, "\n") != 1 {
		t.Errorf("later's: %s", told)
	}
	if told := run("merge", today, later, "-o", filepath.Join(dir, "both.hkb")); !strings.Contains(told, kind+": what 46 hosts answered to version 1 of it is dropped") {
		t.Errorf("both: %s", told)
	}
}
