// Package baseline keeps how many hosts elsewhere hold a value: the prevalence
// of fingerprints among strangers, out of scans of other places. A list holds
// hashes and counts, no values and no addresses. Lists are built from any
// observations, merged, and kept as .hkb files (docs/formats.md).
package baseline

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hostkin/hostkin/fingerprints"
)

// The bounds of a baseline.
const (
	maxHosts   = 1 << 40
	maxValues  = 1 << 24 // 144 MiB
	maxKinds   = 255
	maxName    = 64 // bytes of the name of a kind
	maxVersion = 1<<16 - 1
	maxDate    = 253402300799 // 9999-12-31T23:59:59Z, the last that RFC 3339 can write
)

// Baseline is how many of some hosts hold a value. It does not change once it
// is made, and may be read by many at once.
type Baseline struct {
	hosts uint64
	date  int64 // seconds since 1970
	least uint64
	kinds []section // by name
}

// section is what is known of one kind.
type section struct {
	kind     fingerprints.Kind
	version  int
	answered uint64
	hashes   []uint64 // ascending
	codes    []byte   // counts of hashes
}

// Hosts counts the hosts with at least one fingerprint that it was made from.
func (b *Baseline) Hosts() uint64 { return b.hosts }

// Date is when it was built; of a merged one, when the latest part was. UTC.
func (b *Baseline) Date() time.Time { return time.Unix(b.date, 0).UTC() }

// Least is the bound for what is not listed: fewer hosts than this hold it.
func (b *Baseline) Least() uint64 { return b.least }

// Holders is how many hosts hold a value: exact up to 11, then at most 8 % off
// (a tenth of a bit; each merge rounds once more). A value that is not listed is on fewer than
// Least hosts of those that Answered; where nobody answered, nothing is known.
func (b *Baseline) Holders(kind fingerprints.Kind, value string) (n float64, listed bool) {
	s := b.current(kind)
	if s == nil {
		return 0, false
	}
	i, listed := slices.BinarySearch(s.hashes, hash(kind, value))
	if !listed {
		return 0, false
	}
	return float64(s.count(i)), true
}

// Answered is how many hosts gave any value of the kind: what Holders are a
// share of. 0 if the kind is not in it, or was in another version than today's.
func (b *Baseline) Answered(kind fingerprints.Kind) float64 {
	if s := b.current(kind); s != nil {
		return float64(s.answered)
	}
	return 0
}

// current is the section of a kind whose values are today's.
func (b *Baseline) current(kind fingerprints.Kind) *section {
	i, found := slices.BinarySearchFunc(b.kinds, kind, func(s section, k fingerprints.Kind) int { return cmp.Compare(s.kind, k) })
	if !found || !b.kinds[i].current() {
		return nil
	}
	return &b.kinds[i]
}

func (s *section) current() bool { return s.version == fingerprints.Version(s.kind) }

// count is that of the i-th hash. What was rounded up is not more than all.
func (s *section) count(i int) uint64 { return min(decode(s.codes[i]), s.answered) }

// Kind is what a baseline knows of one kind.
type Kind struct {
	Kind     fingerprints.Kind `json:"kind"`
	Version  int               `json:"version"` // of its definition
	Answered uint64            `json:"answered"`
	Values   int               `json:"values"`  // listed
	Current  bool              `json:"current"` // Version is today's; else lookups find nothing
}

// Kinds lists what is in it, by name.
func (b *Baseline) Kinds() []Kind {
	list := make([]Kind, len(b.kinds))
	for i, s := range b.kinds {
		list[i] = s.summary()
	}
	return list
}

func (s *section) summary() Kind {
	return Kind{s.kind, s.version, s.answered, len(s.hashes), s.current()}
}

// Values counts the values listed, of all kinds.
func (b *Baseline) Values() int {
	n := 0
	for _, s := range b.kinds {
		n += len(s.hashes)
	}
	return n
}

// hash is the first 64 bits of SHA-256(kind, 0, value). Lists travel, so it
// has no key. To make a value that is taken for a given other one costs about
// 2^64 tries, for any of K listed ones 2^64/K.
func hash(kind fingerprints.Kind, value string) uint64 {
	text := make([]byte, 0, 512) // on the stack, for nearly all values
	text = append(text, kind...)
	text = append(text, 0)
	text = append(text, value...)
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}

// check finds what no baseline may be, whoever made it.
func (b *Baseline) check() error {
	switch {
	case b.hosts == 0:
		return errors.New("no host with a fingerprint")
	case b.hosts > maxHosts:
		return fmt.Errorf("%d hosts; at most %d can be counted", b.hosts, uint64(maxHosts))
	case b.date < 0 || b.date > maxDate:
		return fmt.Errorf("the date, %d s after 1970, is not within 1970 and 9999", b.date)
	case b.least < 1 || b.least > b.hosts+1:
		return fmt.Errorf("the least count is %d; must be between 1 and one more than the %d hosts", b.least, b.hosts)
	case len(b.kinds) > maxKinds:
		return fmt.Errorf("%d kinds; at most %d fit", len(b.kinds), maxKinds)
	case b.Values() > maxValues:
		return fmt.Errorf("%d values; at most %d fit: list only the top ones", b.Values(), maxValues)
	}
	for i, s := range b.kinds {
		if i > 0 && s.kind <= b.kinds[i-1].kind {
			return fmt.Errorf("kind %q is not in order", s.kind)
		}
		if err := s.check(b.hosts); err != nil {
			return fmt.Errorf("kind %q: %w", s.kind, err)
		}
	}
	return nil
}

func (s *section) check(hosts uint64) error {
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '_' }
	switch {
	case s.kind == "" || len(s.kind) > maxName || strings.ContainsFunc(string(s.kind), odd):
		return errors.New("the name is not of small letters, digits, dots and underscores")
	case s.version < 1 || s.version > maxVersion:
		return fmt.Errorf("version %d; must be between 1 and %d", s.version, maxVersion)
	case s.answered < 1 || s.answered > hosts:
		return fmt.Errorf("%d of %d hosts answered it", s.answered, hosts)
	}
	most := encode(s.answered)
	for i, h := range s.hashes {
		if i > 0 && h <= s.hashes[i-1] {
			return fmt.Errorf("value %d is not in order, or stands twice", i+1)
		}
		if s.codes[i] > most {
			return fmt.Errorf("value %d is on about %d hosts, but only %d answered", i+1, decode(s.codes[i]), s.answered)
		}
	}
	return nil
}
