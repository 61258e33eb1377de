package targets

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// Digest is a hash of the targets, their ports and names: sets with equal
// digests yield the same targets in the same order. What is merely excluded
// has no part in it.
func (s *Set) Digest() [sha256.Size]byte {
	h := sha256.New()
	count(h, len(s.spans))
	for _, p := range s.spans {
		number(h, p.from)
		number(h, p.to)
	}
	count(h, len(s.details))
	for _, d := range s.details {
		number(h, d.addr)
		text(h, d.name)
		ports(h, d.ports)
		ports(h, d.also)
	}
	count(h, len(s.names))
	for _, t := range s.names {
		text(h, t.Host.Name)
		ports(h, t.Ports)
		ports(h, t.Also)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Everything of varying length goes with its length, so that two sets cannot
// give the same bytes. A hash never fails to take them.
func count(h hash.Hash, n int) { h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }

func number(h hash.Hash, u u128) {
	h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, u.hi), u.lo))
}

func text(h hash.Hash, s string) {
	count(h, len(s))
	h.Write([]byte(s))
}

func ports(h hash.Hash, list []uint16) {
	count(h, len(list))
	for _, p := range list {
		h.Write(binary.BigEndian.AppendUint16(nil, p))
	}
}
