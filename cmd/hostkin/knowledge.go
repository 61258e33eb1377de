package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/intel/asn"
)

// knowledgeFlags say what is known of values before a scan, beside what
// hostkin brings along. All commands that judge have them.
type knowledgeFlags struct {
	baseline                string
	asn, negative, withdraw []string
}

func (f *knowledgeFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.baseline, "baseline", "", "how common values are elsewhere, out of `FILE` (see hostkin baseline)")
	flags.StringArrayVar(&f.asn, "asn", nil, "which network announces an address, out of `FILE` (iptoasn TSV, CSV, MMDB): what is spread over many weighs less")
	flags.StringArrayVar(&f.negative, "negative", nil, "the values in `FILE` (YAML) link nobody: shared keys, stock pages, what fronts show")
	flags.StringArrayVar(&f.withdraw, "withdraw", nil, "judge as if no host had given the value `KIND=VALUE`")
}

// table joins what hostkin knows with what f names. It returns every fault.
func (a *app) table(ctx context.Context, f *knowledgeFlags) (*cluster.Table, []error) {
	t, err := cluster.Defaults()
	if err != nil {
		return nil, []error{err}
	}
	return t, slices.Concat([]error{a.addBaseline(ctx, t, f.baseline)}, a.addNetworks(t, f.asn), addNegative(t, f.negative), withdraw(t, f.withdraw))
}

func (a *app) addBaseline(ctx context.Context, t *cluster.Table, path string) error {
	if path == "" {
		return nil
	}
	b, err := a.newInput([]string{path}).baseline(ctx, path)
	if err != nil {
		return fmt.Errorf("--baseline: %w", err)
	}
	a.warnIgnored(b.Kinds())
	t.UseBaseline(b)
	return nil
}

func (a *app) addNetworks(t *cluster.Table, paths []string) (faults []error) {
	if len(paths) == 0 {
		return nil
	}
	var b asn.Builder
	for _, path := range paths {
		faults = append(faults, readFile("--asn", path, func(r io.Reader) error { return b.Read(path, r) }))
	}
	bad, first := b.Faults()
	for _, fault := range first {
		a.log.Warning().Msg(fault.Error())
	}
	if bad > len(first) {
		a.log.Warning().Msgf("%d more bad lines of AS tables were skipped", bad-len(first))
	}
	networks := b.Table()
	t.UseNetworks(func(addr netip.Addr) uint32 {
		as, _ := networks.Lookup(addr)
		return as
	})
	return faults
}

func addNegative(t *cluster.Table, paths []string) (faults []error) {
	for _, path := range paths {
		faults = append(faults, readFile("--negative", path, func(r io.Reader) error {
			list, err := cluster.ReadNegative(path, r, time.Now())
			t.AddNegative(list)
			return err
		}))
	}
	return faults
}

func withdraw(t *cluster.Table, texts []string) (faults []error) {
	for _, text := range texts {
		kind, value, ok := strings.Cut(text, "=")
		if !ok || value == "" {
			faults = append(faults, fmt.Errorf("--withdraw %q: must be KIND=VALUE, as in http.server=nginx", text))
			continue
		}
		if err := t.Withdraw(fingerprints.Kind(kind), value); err != nil {
			faults = append(faults, fmt.Errorf("--%w", err))
		}
	}
	return faults
}

// readFile opens and decompresses what a flag names; what read returns tells
// of the path itself.
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
