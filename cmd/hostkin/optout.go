package main

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostkin/hostkin/scanner/targets"
)

// lookEvery is how often the exclusion lists are looked at during a job.
const lookEvery = 2 * time.Second

// optOut is what must not be contacted, as of now: the exclusions that the job
// began with and whatever was added to their files since. Nothing is ever taken
// away while the job runs: a list that an editor has just emptied in order to
// write it anew must not let anything in.
type optOut struct {
	app   *app
	set   atomic.Pointer[targets.Set]
	files []*listFile
}

// listFile is one list that is watched.
type listFile struct {
	path       string
	seen, read state // at the last look; when it was last read
	begun      state // when the job began
}

// state is by what one sees that a file was written.
type state struct {
	at    time.Time
	size  int64
	fault string
}

// watchOptOut begins to watch the exclusion lists of f; stop ends that.
func (a *app) watchOptOut(ctx context.Context, f *scanFlags, set *targets.Set) (o *optOut, stop func()) {
	o = newOptOut(a, f, set)
	if len(o.files) == 0 {
		return o, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	// A hangup of our terminal must still end the job.
	asked, ignore := hangups(!a.screen.terminal)
	var running sync.WaitGroup
	running.Go(func() { o.run(ctx, asked) })
	return o, func() {
		cancel()
		running.Wait()
		ignore()
	}
}

func newOptOut(a *app, f *scanFlags, set *targets.Set) *optOut {
	o := &optOut{app: a}
	o.set.Store(set)
	for _, path := range f.excludeFiles {
		o.watch(path)
	}
	for _, arg := range f.exclude {
		if path, ok := strings.CutPrefix(arg, "@"); ok {
			o.watch(path)
		}
	}
	return o
}

// watch adds a list. Pipes and standard input can be read once only.
func (o *optOut) watch(path string) {
	if info, err := os.Stat(path); path != "-" && (err != nil || info.Mode().IsRegular()) {
		o.files = append(o.files, &listFile{path: path, begun: stateOf(path)})
	}
}

// run looks at the lists now and then, and when it is asked to.
func (o *optOut) run(ctx context.Context, asked <-chan os.Signal) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		now := false
		select {
		case <-ticker.C:
		case <-asked:
			now = true
		case <-ctx.Done():
			return
		}
		for _, f := range o.files {
			o.look(ctx, f, now)
		}
	}
}

// look reads a list that was written since it was last read. Unless it is to be
// now, that waits until the list was left alone for one look: half a line of a
// list, 198.51.0.0/1 of 198.51.0.0/16, may be well-formed.
func (o *optOut) look(ctx context.Context, f *listFile, now bool) {
	before := f.seen
	f.seen = stateOf(f.path)
	if !now && (f.seen != before || f.seen == f.read) {
		return
	}
	f.read = f.seen
	more, err := o.parse(ctx, f)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		for _, fault := range flatten(err) {
			o.app.log.Warning().Msgf("--exclude-file %s has changed and is no good: %v; what it said before stays in force", f.path, fault)
		}
	default:
		o.set.Store(o.set.Load().Excluding(more))
		if f.read != f.begun || now {
			f.begun = state{} // what is told once is news from then on
			o.app.log.Info().Msgf("--exclude-file %s was read again and is in force", f.path)
		}
	}
}

func stateOf(path string) state {
	info, err := os.Stat(path)
	if err != nil {
		return state{fault: err.Error()}
	}
	return state{at: info.ModTime(), size: info.Size()}
}

func (o *optOut) parse(ctx context.Context, f *listFile) (*targets.Set, error) {
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: f.path, Err: fmt.Errorf("it is no file any more")}
	}
	return targets.Parse(targets.Source{}, targets.Source{Files: []string{f.path}}, targets.Options{
		AllowSpecial: true, // the set that the job began with minds them
		Resolve:      func(name string) ([]netip.Addr, error) { return resolve(ctx, name) },
	})
}

// allowed is asked right before each connection.
func (o *optOut) allowed(addr netip.Addr) error { return o.set.Load().Allowed(addr) }

// refuses tells that a target must not be touched.
func (o *optOut) refuses(t targets.Target) bool {
	set := o.set.Load()
	if t.Host.IP.IsValid() {
		return set.Allowed(t.Host.IP) != nil
	}
	return set.AllowedName(t.Host.Name) != nil
}

// without passes over the targets that must not be touched when it is their
// turn, and tells of each.
func (o *optOut) without(hosts iter.Seq[targets.Target], passed func()) iter.Seq[targets.Target] {
	return func(yield func(targets.Target) bool) {
		for t := range hosts {
			if o.refuses(t) {
				passed()
			} else if !yield(t) {
				return
			}
		}
	}
}
