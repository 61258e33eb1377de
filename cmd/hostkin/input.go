package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"slices"

	"github.com/hostkin/hostkin/casefile"
	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
)

// The bounds of what is read from a file, which may be hostile.
const (
	toldFaults = 20 // faults of a run that are told one by one
)

// line is one line of input: exactly one of the two, which is good until the
// next is read.
type line struct {
	observation *record.Observation
	fingerprint *fingerprints.Fingerprint
}

// input reads saved observations and fingerprints out of files.
type input struct {
	app   *app
	paths []string // "-" is stdin

	dir    string         // of a case, which is read instead of paths
	opened *casefile.Case // that case, after check

	read int // good lines
	bad  int // lines and files that could not be used
}

// newInput takes the FILE arguments of a command; none means stdin.
func (a *app) newInput(paths []string) *input {
	if len(paths) == 0 {
		paths = []string{"-"}
	}
	return &input{app: a, paths: paths}
}

// check finds files that cannot be opened before any work is done.
func (in *input) check() []error {
	if in.dir != "" {
		return in.openCase()
	}
	var faults []error
	stdin := 0
	for _, path := range in.paths {
		if path == "-" {
			stdin++
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			faults = append(faults, fmt.Errorf("%s: is a folder", path))
		}
		f.Close()
	}
	if stdin > 1 {
		faults = append(faults, errors.New("- (stdin) is named more than once"))
	}
	return faults
}

// lines yields the good lines of all files in order, until ctx is done.
func (in *input) lines(ctx context.Context) iter.Seq[line] {
	return func(yield func(line) bool) {
		if in.opened != nil {
			in.caseLines(ctx, yield)
			return
		}
		for _, path := range in.paths {
			if !in.file(ctx, path, yield) {
				return
			}
		}
	}
}

// index reads everything into an index of hosts and values as t knows them.
func (in *input) index(ctx context.Context, t *cluster.Table) *cluster.Index {
	b := cluster.NewBuilder(t)
	for l := range in.lines(ctx) {
		if l.fingerprint != nil {
			b.Add(*l.fingerprint)
			continue
		}
		for _, f := range fingerprints.Of(*l.observation) {
			b.Add(f)
		}
	}
	return b.Index()
}

// result is the error of a run over lines: stopped, or nothing but faults.
func (in *input) result(ctx context.Context) error {
	if in.bad > toldFaults {
		in.app.log.Warning().Msgf("%d more bad lines were skipped", in.bad-toldFaults)
	}
	if in.bad > 0 {
		in.app.log.Warning().Msgf("%d lines used, %d bad", in.read, in.bad)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if in.read == 0 && in.bad > 0 {
		return errors.New("no line of the input could be used")
	}
	return nil
}

func (in *input) fault(path string, number int, err error) {
	in.bad++
	if in.bad <= toldFaults {
		in.app.log.Warning().Msgf("%s:%d: %v", path, number, err)
	}
}

// file yields the lines of one file; false: no more are wanted.
func (in *input) file(ctx context.Context, path string, yield func(line) bool) bool {
	name, raw, err := in.open(ctx, path)
	if err != nil {
		in.fault(name, 0, err)
		return true
	}
	defer raw.Close()
	text, done, err := decompress(raw)
	if err != nil {
		if ctx.Err() == nil {
			in.fault(name, 0, err)
		}
		return true
	}
	defer done()
	return in.scan(ctx, name, text, yield)
}

// open opens a file, or stdin, and says what to call it.
func (in *input) open(ctx context.Context, path string) (name string, raw io.ReadCloser, err error) {
	if path == "-" {
		return "stdin", stdinReader(ctx, in.app.stdin), nil
	}
	raw, err = os.Open(path)
	return path, raw, err
}

func (in *input) scan(ctx context.Context, name string, text io.Reader, yield func(line) bool) bool {
	r := bufio.NewReaderSize(text, 64<<10)
	var buf []byte
	var quick quickReader
	var print fingerprints.Fingerprint
	for number := 1; ctx.Err() == nil; number++ {
		var err error
		var long bool
		buf, long, err = record.ReadLine(r, buf[:0])
		if number == 1 {
			buf = bytes.TrimPrefix(buf, []byte("\ufeff")) // as some editors and shells write it
		}
		switch {
		case long:
			in.fault(name, number, fmt.Errorf("longer than %d MiB", record.MaxLine>>20))
		case len(bytes.TrimSpace(buf)) > 0 && (err == nil || err == io.EOF):
			l, fault := line{fingerprint: &print}, error(nil)
			if !quick.read(buf, &print) {
				l, fault = parseLine(buf)
			}
			if fault != nil {
				in.fault(name, number, fault)
			} else {
				in.read++
				if !yield(l) {
					return false
				}
			}
		}
		if err == io.EOF {
			return true
		}
		if err != nil {
			if ctx.Err() == nil {
				in.fault(name, number, fmt.Errorf("the rest of the file is lost: %w", err))
			}
			return true
		}
	}
	return false
}

// parseLine reads one line of observation/1 or fingerprint/1. Unknown fields
// are ignored, so that lines of a later hostkin can be read.
func parseLine(text []byte) (line, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if bytes.HasPrefix(text, []byte(`{"schema":"`+record.Schema+`",`)) {
		head.Schema = record.Schema // saves a pass over what may be a long line
	} else if err := json.Unmarshal(text, &head); err != nil {
		return line{}, jsonFault(err)
	}
	switch head.Schema {
	case record.Schema:
		o := new(record.Observation)
		if err := json.Unmarshal(text, o); err != nil {
			return line{}, jsonFault(err)
		}
		return line{observation: o}, checkObservation(o)
	case fingerprints.Schema:
		f := new(fingerprints.Fingerprint)
		if err := json.Unmarshal(text, f); err != nil {
			return line{}, jsonFault(err)
		}
		return line{fingerprint: f}, checkFingerprint(f)
	case "":
		return line{}, errors.New(`no "schema"; wanted ` + record.Schema + " or " + fingerprints.Schema)
	}
	return line{}, fmt.Errorf("schema %.40q; wanted %s or %s", head.Schema, record.Schema, fingerprints.Schema)
}

func jsonFault(err error) error {
	if kind := (*json.UnmarshalTypeError)(nil); errors.As(err, &kind) {
		if kind.Field == "" {
			return fmt.Errorf("column %d: a JSON object is wanted, not %s", kind.Offset, kind.Value)
		}
		return fmt.Errorf("column %d: %q cannot be %s", kind.Offset, kind.Field, kind.Value)
	}
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return fmt.Errorf("column %d: not JSON: %w", syntax.Offset, err)
	}
	return err
}

func checkObservation(o *record.Observation) error {
	switch {
	case o.Schema != record.Schema:
		return fmt.Errorf("schema %.40q as well as %s", o.Schema, record.Schema)
	case !o.Host.IP.IsValid():
		return errors.New("host has no ip")
	case o.Port == 0:
		return errors.New("no port")
	case o.Probe == "":
		return errors.New("no probe")
	case !slices.Contains(record.Statuses(), o.Status):
		return fmt.Errorf("status %.40q is none of %v", o.Status, record.Statuses())
	}
	return nil
}

func checkFingerprint(f *fingerprints.Fingerprint) error {
	addr, err := netip.ParseAddr(f.Host)
	switch {
	case err != nil:
		return fmt.Errorf("host %.60q is not an address", f.Host)
	case f.Kind == "":
		return errors.New("no kind")
	case f.Value == "":
		return errors.New("no value")
	}
	f.Host = addr.String() // one spelling, or the same host would be two
	return nil
}
