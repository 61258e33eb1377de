package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"

	"github.com/hostkin/hostkin/scanner/targets"
)

// scope reads target lists under the exclusions of one command. The faults of
// all of them are gathered; notes are told once.
type scope struct {
	app          *app
	flags        *scanFlags
	offline      bool // nothing may be sent, not even to ask for a name
	keepExcluded bool // see targets.Options
	saved        bool // nothing will ever be sent: special-purpose addresses do no harm
	exclude      targets.Source
	faults       []error
	told         map[string]bool
}

// newScope begins with the faults that concern stdin: - may stand once among
// all args, and an exclusion list on it is kept, since it is needed twice.
func (a *app) newScope(f *scanFlags, offline bool, args ...string) *scope {
	s := &scope{app: a, flags: f, offline: offline, told: map[string]bool{}}
	s.exclude = targets.Source{Args: f.exclude, Files: f.excludeFiles}
	excluding := slices.Concat(f.exclude, f.excludeFiles)
	dashes := 0
	for _, arg := range slices.Concat(args, f.lists, excluding) {
		if arg == "-" {
			dashes++
		}
	}
	if dashes > 1 {
		s.faults = append(s.faults, errors.New("- (stdin) is named more than once"))
	}
	if slices.Contains(excluding, "-") {
		kept, err := io.ReadAll(a.stdin)
		if err != nil {
			s.faults = append(s.faults, fmt.Errorf("stdin: %w", err))
		}
		s.app.stdin = bytes.NewReader(kept)
	}
	return s
}

// parse reads targets; faults are kept and the result is nil then.
func (s *scope) parse(ctx context.Context, args, lists []string) *targets.Set {
	exclude := s.exclude
	exclude.Stdin = s.app.stdin
	if again, ok := s.app.stdin.(*bytes.Reader); ok {
		again.Seek(0, io.SeekStart)
	}
	o := targets.Options{AllowSpecial: s.flags.allowSpecial || s.saved, KeepExcluded: s.keepExcluded}
	if !s.offline {
		o.Resolve = func(name string) ([]netip.Addr, error) { return resolve(ctx, name) }
	}
	set, err := targets.Parse(targets.Source{Args: args, Files: lists, Stdin: s.app.stdin}, exclude, o)
	if err != nil {
		for _, fault := range flatten(err) {
			if !s.told[fault.Error()] {
				s.told[fault.Error()] = true
				s.faults = append(s.faults, fault)
			}
		}
		return nil
	}
	for _, note := range set.Notes() {
		s.note(note)
	}
	return set
}

// resolve asks the system's resolver; the addresses come sorted.
func resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	for i, a := range addrs {
		addrs[i] = a.Unmap()
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs), err
}

// maxSeeds bounds what is taken as a list of seeds rather than a slip: every
// candidate is compared with each.
const maxSeeds = 1024

// seeds reads SEED arguments.
func (s *scope) seeds(ctx context.Context, args []string) *targets.Set {
	set := s.parse(ctx, args, nil)
	switch {
	case set == nil:
	case set.Count() > maxSeeds:
		s.faults = append(s.faults, fmt.Errorf("%d seeds are more than %d: name hosts that are known to belong to the provider, and a range with --within", set.Count(), maxSeeds))
	case set.Count() == 0 && len(args) > 0:
		s.faults = append(s.faults, errors.New("no seed is left after the exclusions"))
	}
	return set
}

// addresses are the seeds to look at. Names are resolved, each address being a
// seed, unless nothing may be sent.
func (s *scope) addresses(ctx context.Context, set *targets.Set) ([]targets.Target, error) {
	var seeds []targets.Target
	for t := range set.All(0) {
		if t.Host.IP.IsValid() || s.offline {
			seeds = append(seeds, t)
			continue
		}
		found, err := resolve(ctx, t.Host.Name)
		if err != nil {
			return nil, fmt.Errorf("seed %s: %w", t.Host.Name, err)
		}
		for _, addr := range found {
			if why := set.Allowed(addr); why != nil {
				s.app.log.Warning().Msgf("seed %s: %v", t.Host.Name, why)
				continue
			}
			t.Host.IP = addr
			seeds = append(seeds, t)
		}
	}
	if len(seeds) == 0 {
		return nil, errors.New("no address of the seeds may be contacted")
	}
	slices.SortFunc(seeds, func(a, b targets.Target) int { return a.Host.IP.Compare(b.Host.IP) })
	return seeds, nil
}

// around is what expand looks at without --within: the /24 (IPv6: /120) of
// every seed. Around ::1 there is nothing that may be looked at.
func (s *scope) around(seeds []targets.Target) []string {
	var ranges []string
	for _, t := range seeds {
		if !t.Host.IP.IsValid() {
			continue // a name that was not to be resolved
		}
		bits := 24
		switch {
		case t.Host.IP == netip.IPv6Loopback():
			bits = 128
			s.note("::1: its /120 is no loopback, so without --within only ::1 itself is looked at")
		case !t.Host.IP.Is4():
			bits = 120
		}
		if p, err := t.Host.IP.Prefix(bits); err == nil {
			ranges = append(ranges, p.String())
		}
	}
	slices.Sort(ranges)
	return slices.Compact(ranges)
}

// note tells something once.
func (s *scope) note(text string) {
	if !s.told[text] {
		s.told[text] = true
		s.app.log.Info().Msg(text)
	}
}
