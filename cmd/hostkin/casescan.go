package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/casefile"
	"github.com/hostkin/hostkin/report"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// flushEvery is how much of a scan a crash may cost, beside the hosts under scan.
const flushEvery = time.Second / 4

// caseScan is a scan that goes into a case.
type caseScan struct {
	dir      string // "": none
	rescan   bool
	why, who string

	existing *casefile.Case // nil: to be made
	spec     casefile.Spec  // of this scan
}

func (s *caseScan) add(flags *pflag.FlagSet) {
	flags.StringVar(&s.dir, "case", "", "write into the case in `DIR`, which is made if need be, and go on where it stopped")
	flags.BoolVar(&s.rescan, "rescan", false, "with --case: if it is finished, begin another pass over all targets")
	flags.StringVar(&s.why, "why", "", "with --case: note `TEXT`, why this is scanned, in a new case")
	flags.StringVar(&s.who, "who", "", "with --case: note `TEXT`, who is in charge, in a new case")
}

// open looks whether the case exists, and takes what to scan from there if
// nothing was said: the targets and everything that a flag could change.
func (s *caseScan) open(f *scanFlags, args *[]string, changed func(flag string) bool, output string) (faults []error) {
	if s.dir == "" {
		if s.rescan || s.why != "" || s.who != "" {
			faults = append(faults, errors.New("--rescan, --why and --who need --case"))
		}
		return faults
	}
	if output != "" && !f.dryRun {
		faults = append(faults, errors.New("--case and -o: observations go into the case; hostkin case export writes them out"))
	}
	c, err := casefile.Open(s.dir)
	switch {
	case errors.Is(err, casefile.ErrNoCase):
		if len(*args)+len(f.lists) == 0 {
			faults = append(faults, err)
		}
	case err != nil:
		faults = append(faults, err)
	default:
		s.existing = c
		if len(*args)+len(f.lists) == 0 {
			faults = append(faults, adopt(c.Spec(), f, args, changed)...)
		}
	}
	return faults
}

// adopt fills in what the case says where no flag says otherwise.
func adopt(spec casefile.Spec, f *scanFlags, args *[]string, changed func(string) bool) (faults []error) {
	if slices.Contains(slices.Concat(spec.Ranges, spec.Lists, spec.ExclusionLists), "-") {
		return []error{errors.New("the targets or exclusions of the case came from stdin: give them again")}
	}
	*args, f.lists = spec.Ranges, spec.Lists
	f.exclude = append(slices.Clone(spec.Exclusions), f.exclude...)
	f.excludeFiles = append(slices.Clone(spec.ExclusionLists), f.excludeFiles...)
	take := func(flag string, fill func()) {
		if !changed(flag) {
			fill()
		}
	}
	take("ports", func() { f.portList = spec.Ports })
	take("order-key", func() { f.orderKey = spec.OrderKey })
	take("allow-special", func() { f.allowSpecial = spec.Probes.AllowSpecial })
	take("odd", func() { f.odd = spec.Probes.Odd })
	take("no-jarm", func() { f.noJARM = !spec.Probes.JARM })
	take("contact", func() { f.contact = spec.Contact })
	take("workers", func() { f.workers = spec.Rates.Workers })
	take("rate", func() { f.rate = spec.Rates.Rate })
	take("per-host", func() { f.perHost = spec.Rates.PerHost })
	take("per-net", func() { f.perNet = spec.Rates.PerNet })
	take("timeout", func() { f.timeout, _ = time.ParseDuration(spec.Rates.Timeout) }) // read strictly
	return nil
}

// compare describes this scan, and finds where it is not that of the case.
func (s *caseScan) compare(f *scanFlags, args []string, set *targets.Set) (faults []error) {
	if s.dir == "" || set == nil {
		return nil
	}
	ports := f.ports
	if ports == nil {
		ports = scanner.DefaultPorts()
	}
	name, err := filepath.Abs(s.dir)
	if err != nil {
		name = s.dir
	}
	digest := set.Digest()
	s.spec = casefile.Spec{Schema: casefile.Schema, Name: filepath.Base(name), Why: s.why, Who: s.who, Contact: f.contact, Created: time.Now(), Hostkin: version(),
		Ranges: args, Lists: f.lists, Exclusions: f.exclude, ExclusionLists: f.excludeFiles, Ports: portList(ports), OrderKey: f.orderKey,
		Targets: casefile.Space{Count: set.Count(), SHA256: hex.EncodeToString(digest[:])},
		Probes:  casefile.Probes{AllowSpecial: f.allowSpecial, Odd: f.odd, JARM: !f.noJARM},
		Rates:   casefile.Rates{Workers: f.workers, Rate: f.rate, PerHost: f.perHost, PerNet: f.perNet, Timeout: f.timeout.String()}}
	if s.existing == nil {
		return nil
	}
	for _, d := range s.existing.Spec().Differences(s.spec) {
		faults = append(faults, fmt.Errorf("not the scan of %s: %w", s.dir, d))
	}
	if len(faults) > 0 {
		faults = append(faults, fmt.Errorf("hostkin scan --case %s without targets goes on with the scan of the case; another scan needs another folder", s.dir))
	}
	return faults
}

// portList is ports as --ports takes them.
func portList(ports []scanner.Port) string {
	var texts []string
	for _, p := range ports {
		text := fmt.Sprint(p.Number)
		if p.Hint != "" {
			text += "/" + p.Hint
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ",")
}

// scanCase scans what is still to be done in the case.
func (a *app) scanCase(ctx context.Context, set *targets.Set, next scanner.Next, f *scanFlags, s *caseScan) error {
	c := s.existing
	if c == nil {
		var err error
		if c, err = casefile.Create(s.dir, s.spec); err != nil {
			return err
		}
	}
	w, err := c.OpenWriter(casefile.WriterOptions{Now: time.Now, Rescan: s.rescan, Cut: func(path string, bytes int64) {
		a.log.Warning().Msgf("%s: a torn end of %d bytes is cut; its hosts are asked again", path, bytes)
	}})
	if err != nil {
		return err
	}
	switch {
	case w.Finished():
		a.log.Info().Msgf("pass %d of %s is finished, so nothing is sent; --rescan begins another", w.Pass(), s.dir)
		err = w.Finish()
	default:
		if done := w.Done(); done > 0 {
			a.log.Info().Msgf("pass %d of %s goes on: %d of %d targets are done", w.Pass(), s.dir, done, set.Count())
		}
		err = a.scanInto(ctx, w, set, next, f)
		if last := w.Finish(); last != nil && (err == nil || !errors.Is(last, err)) {
			err = errors.Join(err, last)
		}
	}
	if err != nil {
		return err
	}
	faults := caseFaults{app: a}
	if _, err := c.Rebuild(ctx, false, faults.tell); err != nil {
		return fmt.Errorf("the scan is done, but %w; hostkin case rebuild tries again", err)
	}
	return nil
}

// scanInto runs the engine into a case.
func (a *app) scanInto(ctx context.Context, w *casefile.Writer, set *targets.Set, next scanner.Next, f *scanFlags) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	n := a.openNetwork(ctx, f, set, set.Count()-min(w.Done(), set.Count()))
	defer n.close()
	keep := func(err error) {
		if err != nil {
			stop(err) // nothing more can be kept: do not go on sending
		}
	}
	n.hostDone = func(t targets.Target) { keep(w.HostDone(t)) }
	defer flushing(ctx, func() { keep(w.Flush()) })()
	hosts := w.Targets(func(first uint64) iter.Seq[targets.Target] { return set.From(f.orderKey, first) }, n.optOut.refuses)
	var line bytes.Buffer
	err := n.scan(ctx, hosts, next, func(o record.Observation) {
		line.Reset()
		err := report.JSON(&line, o)
		if err == nil {
			err = w.Observe(o.Host, line.Bytes())
		}
		keep(err)
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// flushing calls flush again and again until the function that it returns is called.
func flushing(ctx context.Context, flush func()) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(flushEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				flush()
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}
