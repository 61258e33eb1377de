package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/fingerprints"
)

// knowledgeFlags say what is known of values before a scan, beside what
// hostkin brings along. All commands that judge have them.
type knowledgeFlags struct {
	negative, withdraw []string
}

func (f *knowledgeFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.negative, "negative", nil, "take the values in `FILE` (YAML) to be common: shared keys, stock pages, what fronts show")
	flags.StringArrayVar(&f.withdraw, "withdraw", nil, "judge as if no host had given the value `KIND=VALUE`")
}

// options are how hosts are judged with that knowledge.
func (f *knowledgeFlags) options() (cluster.Options, []error) {
	t, faults := f.table()
	return cluster.Options{Table: t}, faults
}

// table is the knowledge that the flags ask for; all faults of them together.
func (f *knowledgeFlags) table() (*cluster.Table, []error) {
	t, err := cluster.Defaults()
	if err != nil {
		return nil, []error{err}
	}
	return t, slices.Concat(f.addNegative(t), f.withdrawn(t))
}

func (f *knowledgeFlags) addNegative(t *cluster.Table) (faults []error) {
	for _, path := range f.negative {
		faults = append(faults, readFile("--negative", path, func(r io.Reader) error {
			list, err := cluster.ReadNegative(path, r, time.Now())
			t.AddNegative(list)
			return err
		}))
	}
	return faults
}

func (f *knowledgeFlags) withdrawn(t *cluster.Table) (faults []error) {
	for _, text := range f.withdraw {
		kind, value, ok := strings.Cut(text, "=")
		if !ok || value == "" {
			faults = append(faults, fmt.Errorf("--withdraw %q: must be KIND=VALUE, as in jarm=2ad2ad", text))
			continue
		}
		if err := t.Withdraw(fingerprints.Kind(kind), value); err != nil {
			faults = append(faults, fmt.Errorf("--%w", err))
		}
	}
	return faults
}

// readFile opens and decompresses what a flag names; read tells of faults with the path.
func readFile(flag, path string, read func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	defer file.Close()
	text, done, err := decompress(file)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", flag, path, err)
	}
	defer done()
	return read(text)
}
