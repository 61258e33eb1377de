package baseline

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/hostkin/hostkin/fingerprints"
)

// Count is how many hosts of a scan hold a value.
type Count struct {
	Kind  fingerprints.Kind
	Value string
	Hosts int
}

// entry is a value by its hash, before its count is rounded.
type entry struct{ hash, hosts uint64 }

// Build makes a baseline of a scan at some time: of its hosts with a
// fingerprint, of how many of them answered each kind, and of the counts of
// values, in any order, each once. Values on fewer hosts than least are left out,
// as are those of kinds that nobody answered. The same scan makes the same baseline.
func Build(hosts int, at time.Time, answered map[fingerprints.Kind]int, counts iter.Seq[Count], least int) (*Baseline, error) {
	entries := map[fingerprints.Kind][]entry{}
	for c := range counts {
		switch {
		case c.Hosts > answered[c.Kind]:
			return nil, fmt.Errorf("build a baseline: a value of kind %q on %d hosts, of %d that answered", c.Kind, c.Hosts, answered[c.Kind])
		case c.Hosts >= max(least, 1):
			entries[c.Kind] = append(entries[c.Kind], entry{hash(c.Kind, c.Value), uint64(c.Hosts)})
		}
	}
	b := &Baseline{hosts: uint64(max(hosts, 0)), date: at.Unix()}
	b.least = min(uint64(max(least, 1)), b.hosts+1)
	for kind, n := range answered {
		if n > 0 {
			b.kinds = append(b.kinds, pack(section{kind: kind, version: fingerprints.Version(kind), answered: uint64(n)}, entries[kind]))
		}
	}
	return b.sorted("build")
}

// sorted puts the kinds in order and checks what was made.
func (b *Baseline) sorted(made string) (*Baseline, error) {
	slices.SortFunc(b.kinds, func(a, b section) int { return cmp.Compare(a.kind, b.kind) })
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("%s a baseline: %w", made, err)
	}
	return b, nil
}

// pack sorts the entries into the section, adding the counts of equal hashes.
func pack(s section, entries []entry) section {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.hash, b.hash) })
	for i := 0; i < len(entries); {
		sum := entry{hash: entries[i].hash}
		for ; i < len(entries) && entries[i].hash == sum.hash; i++ {
			sum.hosts += entries[i].hosts
		}
		s.hashes = append(s.hashes, sum.hash)
		s.codes = append(s.codes, encode(min(sum.hosts, s.answered)))
	}
	return s
}

// Top keeps at most so many values, those on the most hosts; all of a count or
// none, so that Least still tells what is not listed. 0 keeps all.
func (b *Baseline) Top(values int) *Baseline {
	if values <= 0 || b.Values() <= values {
		return b
	}
	var of [math.MaxUint8 + 1]int // values by code
	for _, s := range b.kinds {
		for _, code := range s.codes {
			of[code]++
		}
	}
	cut := len(of) // the lowest code that is kept
	for kept := 0; cut > 0 && kept+of[cut-1] <= values; cut-- {
		kept += of[cut-1]
	}
	top := &Baseline{hosts: b.hosts, date: b.date, least: b.hosts + 1}
	if cut < len(of) {
		top.least = min(max(b.least, leastOf(cut)), top.least)
	}
	for _, s := range b.kinds {
		kept := section{kind: s.kind, version: s.version, answered: s.answered}
		for i, code := range s.codes {
			if int(code) >= cut {
				kept.hashes, kept.codes = append(kept.hashes, s.hashes[i]), append(kept.codes, code)
			}
		}
		top.kinds = append(top.kinds, kept)
	}
	return top
}
