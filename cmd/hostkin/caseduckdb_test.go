package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/internal/livetest"
)

// duckDB builds the real engine, which lives in a module of its own because it
// needs cgo, and returns what runs a statement in a folder.
func duckDB(t *testing.T, folder string) func(statement string) string {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		livetest.Missing(t, fmt.Errorf("DuckDB needs cgo: %w", err))
	}
	program := filepath.Join(t.TempDir(), "duckdb")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "../../tools/duckdb"
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		livetest.Missing(t, fmt.Errorf("DuckDB does not build: %w\n%s", err, out))
	}
	return func(statement string) string {
		t.Helper()
		cmd := exec.Command(program, statement)
		cmd.Dir = folder
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			t.Fatalf("%s\n%s", statement, exit.Stderr)
		} else if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
}

func TestDuckDBReadsACaseWithTheRecipesOfTheDocs(t *testing.T) {
	if testing.Short() {
		t.Skip("builds DuckDB")
	}
	dir := savedCase(t)
	folder := t.TempDir()
	if err := os.Rename(dir, filepath.Join(folder, "op-42")); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(folder, "op-42")
	var prints, stderr bytes.Buffer
	for _, args := range [][]string{{"case", "rebuild", dir}, {"fingerprint", "--case", dir}} {
		if code := Main(t.Context(), args, nil, &prints, &stderr); code != exitDone {
			t.Fatalf("%v: exit code %d: %s", args, code, &stderr)
		}
	}
	run := duckDB(t, folder)
	text, err := os.ReadFile("../../docs/case.md")
	if err != nil {
		t.Fatal(err)
	}
	var answers []string
	for _, m := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllSubmatch(text, -1) {
		answers = append(answers, run(string(m[1])))
	}
	if len(answers) != 5 {
		t.Fatalf("%d recipes in the docs, want 5", len(answers))
	}
	lines := func(text string) int { return strings.Count(text, "\n") }
	if lines(answers[0]) != lines(prints.String()) {
		t.Errorf("DuckDB sees %d fingerprints, hostkin %d", lines(answers[0]), lines(prints.String()))
	}
	if !strings.HasPrefix(answers[0], "198.51.100.1\t22\t") || !strings.Contains(answers[0], "\t2026-01-02 03:04:05 +0000 UTC\t") {
		t.Errorf("first rows:\n%.300s", answers[0])
	}
	if want := "198.51.100.1\n198.51.100.2\n198.51.100.3\n198.51.100.4\n198.51.100.5\n198.51.100.6\n"; answers[1] != want {
		t.Errorf("holders of the key:\n%s", answers[1])
	}
	if !strings.Contains(answers[2], "http.server\tnginx\t46\n") {
		t.Errorf("values on many hosts:\n%s", answers[2])
	}
	if answers[3] != "" {
		t.Errorf("one pass, and yet keys moved:\n%s", answers[3])
	}
	if want := "22\tssh\tok\t46\n80\thttp\tok\t46\n"; answers[4] != want {
		t.Errorf("the log:\n%s", answers[4])
	}
	types := run(`SELECT column_name || ' ' || column_type FROM (DESCRIBE SELECT * FROM 'op-42/fingerprints/*.parquet')`)
	if want := "host VARCHAR ip BLOB port INTEGER kind VARCHAR value VARCHAR partial INTEGER first_seen TIMESTAMP WITH TIME ZONE last_seen TIMESTAMP WITH TIME ZONE pass INTEGER kind_version INTEGER "; strings.ReplaceAll(types, "\n", " ") != want {
		t.Errorf("columns %s", types)
	}
	if n := run(`SELECT count(*) FROM parquet_metadata('op-42/fingerprints/*.parquet') WHERE bloom_filter_length > 0`); n != "2\n" {
		t.Errorf("%s bloom filters", n)
	}
}
