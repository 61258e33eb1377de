package casefile

import (
	"fmt"
	"iter"
	"slices"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// tracker knows which targets of a pass are done. It holds the open ones only:
// those below next that have begun and not ended, at most one a worker and
// those of the interrupted run that are not begun again.
type tracker struct {
	next uint64
	open map[uint64]bool
	at   map[record.Host]uint64 // index of the targets that have begun in this run
}

func newTracker(p Progress) *tracker {
	t := &tracker{next: p.Next, open: map[uint64]bool{}, at: map[record.Host]uint64{}}
	for _, back := range p.Open {
		t.open[p.Next-back] = true
	}
	return t
}

// begin takes the target with an index, in ascending order; false: it is done.
func (t *tracker) begin(i uint64, host record.Host) bool {
	if i < t.next && !t.open[i] {
		return false
	}
	if i >= t.next {
		t.next = i + 1
		t.open[i] = true
	}
	t.at[host] = i
	return true
}

// end marks a target as done.
func (t *tracker) end(host record.Host) error {
	i, begun := t.at[host]
	if !begun {
		return fmt.Errorf("target %s %s ended without having begun", host, host.Name)
	}
	delete(t.at, host)
	delete(t.open, i)
	return nil
}

// owner is the target that an observation of host belongs to: that very one,
// or the name whose address it is.
func (t *tracker) owner(host record.Host) (record.Host, error) {
	if _, begun := t.at[host]; begun {
		return host, nil
	}
	name := record.Host{Name: host.Name}
	if _, begun := t.at[name]; begun && host.Name != "" {
		return name, nil
	}
	return host, fmt.Errorf("an observation of %s %s, which is not under scan", host, host.Name)
}

// progress fills in where the pass stands.
func (t *tracker) progress(p *Progress) {
	p.Next = t.next
	p.Open = p.Open[:0]
	for i := range t.open {
		p.Open = append(p.Open, t.next-i)
	}
	slices.Sort(p.Open)
}

// Targets yields what is still to be done of a pass. all gives all targets from
// an index on, in the same order every time (targets.Set.From); skip tells those
// that must not be asked any more, which count as done. The Writer must be told
// of the end of every target that is yielded.
func (w *Writer) Targets(all func(first uint64) iter.Seq[targets.Target], skip func(targets.Target) bool) iter.Seq[targets.Target] {
	return func(yield func(targets.Target) bool) {
		w.mu.Lock()
		i := w.progress.First()
		w.mu.Unlock()
		for t := range all(i) {
			w.mu.Lock()
			fresh := w.track.begin(i, t.Host)
			dropped := fresh && skip != nil && skip(t)
			if dropped {
				w.track.end(t.Host) // has just begun
				w.skipped++
			}
			w.mu.Unlock()
			i++
			if fresh && !dropped && !yield(t) {
				return
			}
		}
		w.mu.Lock()
		w.exhausted = true
		w.mu.Unlock()
	}
}
