package baseline

import (
	"errors"

	"github.com/hostkin/hostkin/fingerprints"
)

// Merge adds baselines of different hosts; a host that is in two counts twice.
// A value that one does not list counts as on none of its hosts, and Least
// says how much that may hide: one more than the sum of what each part hides.
// Of a kind in several versions only the newest is kept; the others are
// dropped and returned. The order does not matter.
func Merge(list ...*Baseline) (merged *Baseline, dropped []Kind, err error) {
	if len(list) == 0 {
		return nil, nil, errors.New("merge baselines: there is none")
	}
	newest := map[fingerprints.Kind]section{} // without values
	for _, b := range list {
		for _, s := range b.kinds {
			n := newest[s.kind]
			if s.version > n.version {
				n = section{kind: s.kind, version: s.version}
			}
			if s.version == n.version {
				n.answered += s.answered
			}
			newest[s.kind] = n
		}
	}
	merged = &Baseline{least: 1}
	entries := map[fingerprints.Kind][]entry{}
	for _, b := range list {
		merged.hosts += b.hosts
		merged.least += b.least - 1
		merged.date = max(merged.date, b.date)
		for _, s := range b.kinds {
			if s.version != newest[s.kind].version {
				dropped = append(dropped, s.summary())
				continue
			}
			for i, h := range s.hashes {
				entries[s.kind] = append(entries[s.kind], entry{h, s.count(i)})
			}
		}
	}
	for kind, s := range newest {
		merged.kinds = append(merged.kinds, pack(s, entries[kind]))
	}
	merged, err = merged.sorted("merge")
	return merged, dropped, err
}
