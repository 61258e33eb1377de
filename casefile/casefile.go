// Package casefile keeps one investigation in a folder: what is to be scanned
// and why (case.yaml), what was seen (observations/, append-only, the truth),
// how far the scan got (in the same files, so that the two cannot disagree),
// and a table of fingerprints that is derived from it (fingerprints/). The
// formats and what they guarantee are in docs/case.md.
//
// One Writer at a time has the folder; readers need no lock and may read while
// it writes. Everything read is taken for hostile: sizes and counts are capped.
package casefile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The names in a case folder.
const (
	specName     = "case.yaml"
	lockName     = "lock"
	manifestName = "segments.jsonl"
	logFolder    = "observations"
	tableFolder  = "fingerprints"
	logSuffix    = ".jsonl.zst"
	tableSuffix  = ".parquet"
	tempSuffix   = ".tmp" // never read, removed by the next writer
)

// ErrNoCase is wrapped by Open when a folder holds no case.
var ErrNoCase = errors.New("holds no case")

// Case is a case folder that exists. Its methods read; see OpenWriter, Rebuild
// and Compact for those that write.
type Case struct {
	dir  string
	spec Spec
}

// Open reads the case.yaml of dir. The error joins every fault of it.
func Open(dir string) (*Case, error) {
	path := filepath.Join(dir, specName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w (no %s); hostkin scan TARGET... --case %s makes one", dir, ErrNoCase, specName, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open case: %w", err)
	}
	defer f.Close()
	spec, err := ReadSpec(path, f)
	if err != nil {
		return nil, err
	}
	return &Case{dir: dir, spec: spec}, nil
}

// Create writes case.yaml into dir, which is made if need be. A case that is
// there already is never touched: the error then wraps fs.ErrExist.
func Create(dir string, spec Spec) (*Case, error) {
	text, err := spec.text()
	if err != nil {
		return nil, fmt.Errorf("create case %s: %w", dir, err)
	}
	c := &Case{dir: dir, spec: spec}
	for _, folder := range []string{dir, c.path(logFolder), c.path(tableFolder)} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return nil, fmt.Errorf("create case: %w; choose a folder that can be written", err)
		}
	}
	l, err := c.takeLock() // or another process could write its own between the look and the rename
	if err != nil {
		return nil, err
	}
	defer l.release()
	path := c.path(specName)
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	err = writeFile(path, func(w io.Writer) error { _, err := w.Write(text); return err })
	if err == nil {
		err = syncFolder(filepath.Dir(filepath.Clean(dir)))
	}
	if err != nil {
		return nil, fmt.Errorf("create case: %w", err)
	}
	return c, nil
}

// Dir is the folder, as it was given.
func (c *Case) Dir() string { return c.dir }

// Spec is what case.yaml says.
func (c *Case) Spec() Spec { return c.spec }

func (c *Case) path(parts ...string) string {
	return filepath.Join(append([]string{c.dir}, parts...)...)
}
