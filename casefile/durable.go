package casefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// writeFile writes a file beside its place, syncs it and renames it, so that
// after a crash either the old file is there or the new one, whole.
func writeFile(path string, write func(io.Writer) error) error {
	temp := path + tempSuffix
	if err := writeSynced(temp, write); err != nil {
		return errors.Join(err, dropTemp(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, dropTemp(temp))
	}
	return syncFolder(filepath.Dir(path))
}

func writeSynced(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), f.Close())
	}
	return errors.Join(f.Sync(), f.Close())
}

func dropTemp(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
