package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// dump writes a world for the command line: fingerprint/1 lines to name, the
// provider of each of its hosts to name.truth, its systems as iptoasn.com
// writes them to name.networks.tsv.
func dump(w *world, name string) error {
	return errors.Join(
		toFile(name, func(out io.Writer) error {
			e := json.NewEncoder(out)
			e.SetEscapeHTML(false)
			for f := range w.prints("") {
				if err := e.Encode(f); err != nil {
					return err
				}
			}
			return nil
		}),
		toFile(name+".truth", w.writeTruth),
		toFile(name+".networks.tsv", w.net.write))
}

// writeTruth lists all hosts; strangers have no provider.
func (w *world) writeTruth(out io.Writer) error {
	fmt.Fprintln(out, "host,provider,observable")
	for h := range w.hosts() {
		name := ""
		if p := w.truth[h.n].provider(); p >= 0 {
			name = fmt.Sprint("provider-", p)
		}
		if _, err := fmt.Fprintf(out, "%s,%s,%v\n", h.addr, name, w.truth[h.n].observable()); err != nil {
			return err
		}
	}
	return nil
}

func toFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("dump: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := bufio.NewWriter(f)
	if !strings.HasSuffix(name, ".zst") {
		return errors.Join(write(out), out.Flush())
	}
	z, err := zstd.NewWriter(out)
	if err != nil {
		return err
	}
	return errors.Join(write(z), z.Close(), out.Flush())
}
