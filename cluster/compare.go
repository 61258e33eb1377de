package cluster

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/fingerprints/tcp"
)

// Host is one host of a scan with everything that is known of it.
type Host struct {
	Addr   string
	Prints []fingerprints.Fingerprint
	Asked  Asked

	// Stands is how many hosts that were not asked the later questions (see
	// Table) this one stands for beside itself, when a caller asked those of
	// a random sample. 0 where everybody was asked.
	Stands float64
}

// Gather sorts fingerprints by host. The hosts come in the order of their
// addresses, their prints sorted and without duplicates.
func Gather(prints iter.Seq[fingerprints.Fingerprint]) []Host {
	byAddr := map[string]*Host{}
	for p := range prints {
		h := byAddr[p.Host]
		if h == nil {
			h = &Host{Addr: p.Host}
			byAddr[p.Host] = h
		}
		h.Prints = append(h.Prints, p)
	}
	hosts := make([]Host, 0, len(byAddr))
	for _, h := range byAddr {
		slices.SortFunc(h.Prints, comparePrints)
		h.Prints = slices.Compact(h.Prints)
		hosts = append(hosts, *h)
	}
	slices.SortFunc(hosts, func(a, b Host) int { return CompareAddr(a.Addr, b.Addr) })
	return hosts
}

func comparePrints(a, b fingerprints.Fingerprint) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Value, b.Value))
}

// CompareAddr orders addresses by number; what is no address sorts last, as text.
func CompareAddr(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	switch {
	case errX == nil && errY == nil:
		return x.Compare(y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}

// profile is a host prepared for comparison: whole values of known kinds, by
// kind, each sorted by port and value; stock values in place of those near them.
type profile struct {
	host   hostID // of an index
	Addr   string
	Asked  Asked
	stands float64
	public bool // its certificates are a public CA's, by the scan
	prints map[fingerprints.Kind][]fingerprints.Fingerprint
}

func (t *Table) profile(h *Host) *profile {
	p := &profile{Addr: h.Addr, Asked: h.Asked, stands: h.Stands, prints: map[fingerprints.Kind][]fingerprints.Fingerprint{}}
	for _, f := range h.Prints {
		if t.kinds[f.Kind] != nil && !f.Partial && !t.withdrawn(f.Kind, f.Value) {
			f.Value = t.stockNear(f.Kind, f.Value)
			p.prints[f.Kind] = append(p.prints[f.Kind], f)
		}
	}
	for kind, list := range p.prints {
		slices.SortFunc(list, comparePrints)
		p.prints[kind] = slices.Compact(list)
	}
	return p
}

// weighs is how many hosts p speaks for in a count of answers to kind k.
func (p *profile) weighs(k *kindInfo) float64 {
	if k.Later {
		return 1 + p.stands
	}
	return 1
}

// pair is a host compared with a seed, before any weighing: what both have,
// and the questions that they answer differently. A question that only one of
// them answers is in neither.
type pair struct {
	shared   []feature
	restated []feature // shared as well, because they are read from one and the same certificate
	differs  []difference
	public   bool // the seed's certificates are a public CA's: sharing one may mean a common customer
}

// difference is one question (kind and port) with disjoint answers. A kind
// that is asked in parts is one question, with kind, seed and other of the
// first part that differs.
type difference struct {
	kind  fingerprints.Kind
	port  uint16
	seed  []string
	other string
	parts []fingerprints.Kind // those that differ; nil: the kind has none
	of    int                 // parts that both answered
}

// about reports whether d is a different answer to a kind.
func (d difference) about(kind fingerprints.Kind) bool {
	return d.kind == kind || slices.Contains(d.parts, kind)
}

// share is how much of the question got different answers.
func (d difference) share() float64 {
	if d.parts == nil {
		return 1
	}
	return float64(len(d.parts)) / float64(d.of)
}

func (t *Table) compare(seed, other *profile) pair {
	p := pair{public: seed.public || t.publicCA(seed)}
	for kind, ours := range seed.prints {
		theirs := other.prints[kind]
		if len(theirs) == 0 {
			continue
		}
		for _, f := range ours {
			shared := feature{kind, f.Value}
			if !slices.Contains(p.shared, shared) && slices.ContainsFunc(theirs, func(g fingerprints.Fingerprint) bool { return t.alike(kind, f.Value, g.Value) }) {
				p.shared = append(p.shared, shared)
			}
		}
		p.differs = append(p.differs, t.differences(kind, ours, theirs)...)
	}
	if slices.ContainsFunc(p.shared, func(f feature) bool { return sameCertificate(f.kind) }) {
		// One certificate, or one renewed with the same key, is one fact: what it
		// says is the same because it is the same.
		p.shared = slices.DeleteFunc(p.shared, func(f feature) bool {
			again := restates(f.kind)
			if again {
				p.restated = append(p.restated, f)
			}
			return again
		})
	}
	p.differs = slices.DeleteFunc(p.differs, func(d difference) bool {
		switch info := t.kinds[d.kind]; {
		case info.Identity, info.Mute:
			return true
		case info.Family == "tls": // one server has two, by the type of its key
			return keyType(seed, d.port) != keyType(other, d.port)
		case d.kind == "tcp.syn_ack": // a server answers to what it is asked
			return !slices.ContainsFunc(d.seed, func(v string) bool { return tcp.Asked(v) == tcp.Asked(d.other) })
		case d.kind == "cert.issuer": // of a self-signed certificate it is the subject once more
			return selfSigned(seed, d.port) && selfSigned(other, d.port)
		}
		return false
	})
	p.differs = t.gradeParts(p.differs, seed, other)
	slices.SortFunc(p.shared, compareFeatures)
	slices.SortStableFunc(p.differs, func(a, b difference) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.port, b.port))
	})
	return p
}

// sameCertificate reports whether a shared value of a kind means one certificate.
func sameCertificate(kind fingerprints.Kind) bool {
	return kind == "cert.sha256" || kind == "cert.spki"
}

// restates reports whether a kind only says again what one certificate says.
func restates(kind fingerprints.Kind) bool {
	return strings.HasPrefix(string(kind), "cert.") && !sameCertificate(kind)
}

func compareFeatures(a, b feature) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.value, b.value))
}

// question is what was asked at a port, in one kind.
type question struct {
	port  uint16
	label string // of a labelled kind
}

func (t *Table) questionOf(f fingerprints.Fingerprint) question {
	q := question{port: f.Port}
	if label, _, ok := strings.Cut(f.Value, ":"); ok && t.kinds[f.Kind].Labelled {
		q.label = label
	}
	return q
}

// differences finds the questions to which both lists (of one kind, sorted)
// have answers and none in common.
func (t *Table) differences(kind fingerprints.Kind, ours, theirs []fingerprints.Fingerprint) []difference {
	var asked []question // in the order of ours
	mine, other := map[question][]string{}, map[question][]string{}
	for _, f := range ours {
		q := t.questionOf(f)
		if mine[q] == nil {
			asked = append(asked, q)
		}
		mine[q] = append(mine[q], f.Value)
	}
	for _, f := range theirs {
		q := t.questionOf(f)
		other[q] = append(other[q], f.Value)
	}
	var out []difference
	for _, q := range asked {
		common := slices.ContainsFunc(other[q], func(v string) bool {
			return slices.ContainsFunc(mine[q], func(m string) bool { return t.alike(kind, m, v) })
		})
		if len(other[q]) > 0 && !common {
			out = append(out, difference{kind: kind, port: q.port, seed: mine[q], other: other[q][0]})
		}
	}
	return out
}

// gradeParts makes one difference a port of those in parts of one kind, so that
// a server that takes one of five hellos differently is not as far away as one
// that takes none of them alike. Parts that one of the two did not answer do not count.
func (t *Table) gradeParts(list []difference, seed, other *profile) []difference {
	var out []difference
	slices.SortStableFunc(list, func(a, b difference) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.port, b.port)) })
	for _, d := range list {
		whole := t.kinds[d.kind].Part
		same := func(o difference) bool { return o.port == d.port && t.kinds[o.kind].Part == whole }
		if i := slices.IndexFunc(out, same); whole != "" && i >= 0 {
			out[i].parts = append(out[i].parts, d.kind)
			continue
		}
		if whole != "" {
			d.parts, d.of = []fingerprints.Kind{d.kind}, t.partsOfBoth(whole, d.port, seed, other)
		}
		out = append(out, d)
	}
	return out
}

func (t *Table) partsOfBoth(whole fingerprints.Kind, port uint16, a, b *profile) (n int) {
	at := func(p *profile, kind fingerprints.Kind) bool {
		return slices.ContainsFunc(p.prints[kind], func(f fingerprints.Fingerprint) bool { return f.Port == port })
	}
	for kind, info := range t.kinds {
		if info.Part == whole && at(a, kind) && at(b, kind) {
			n++
		}
	}
	return n
}

// publicCA reports whether all certificates of p come from issuers on the
// stock list, and none is self-signed: the list also has the names that
// products give to certificates of their own.
func (t *Table) publicCA(p *profile) bool {
	issuers := p.prints["cert.issuer"]
	return len(issuers) > 0 && !slices.ContainsFunc(issuers, func(f fingerprints.Fingerprint) bool {
		return !t.isStock(feature{f.Kind, f.Value}) || selfSigned(p, f.Port)
	})
}

// keyType is the "key=" of the certificate shape at a port without curve or
// size, "" if there is none.
func keyType(p *profile, port uint16) string {
	for _, f := range p.prints["cert.shape"] {
		if f.Port == port {
			return strings.TrimRight(shapeField(f.Value, "key="), "0123456789.")
		}
	}
	return ""
}

func selfSigned(p *profile, port uint16) bool {
	return slices.ContainsFunc(p.prints["cert.shape"], func(f fingerprints.Fingerprint) bool { return f.Port == port && selfSignedShape(f.Value) })
}

func selfSignedShape(shape string) bool { return shapeField(shape, "self=") == "yes" }

// shapeField is a field of a certificate shape ("v3 key=rsa2048 self=no ..."), "" if it is not there.
func shapeField(shape, name string) string {
	_, rest, _ := strings.Cut(shape, " "+name)
	v, _, _ := strings.Cut(rest, " ")
	return v
}
