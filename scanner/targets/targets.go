// Package targets turns what a user names (addresses, ranges, host names,
// lists, other scanners' output) into hosts to look at: each once, in a
// permuted order, without what is excluded and without what the IANA
// special-purpose registries keep for other uses.
//
// A Set holds ranges, not addresses: a /8 or an IPv6 /32 costs as much memory
// as one host.
package targets

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"net"
	"net/netip"
	"slices"

	"github.com/hostkin/hostkin/scanner/record"
)

// Target is one host to look at.
type Target struct {
	// Host has an IP, or only a Name that is still to be resolved. Both are
	// set if another tool's output gives the name that an address was asked by.
	Host record.Host
	// Ports, if there are any, are the only ones to look at: the host was
	// given with them (host:port, or open in a scanner's output) each time.
	Ports []uint16
	// Also are ports to look at besides the usual ones: the host was given
	// both with these ports and without any. Only one of Ports and Also is
	// set; both are sorted, belong to the Set and are not to be changed.
	Also []uint16
}

// Options decide what may be a target.
type Options struct {
	// AllowSpecial lets special-purpose ranges in (RFC 6890). Multicast, the
	// unspecified addresses and 255.255.255.255 stay out.
	AllowSpecial bool
	// Resolve, if not nil, gives the addresses of the host names among the
	// exclusions, so that they are excluded however they are reached.
	Resolve func(name string) ([]netip.Addr, error)
	// KeepExcluded leaves what is excluded among the targets, so that their
	// order is the same whatever is excluded. Allowed and AllowedName still
	// refuse it: the caller must ask them of every target.
	KeepExcluded bool
}

// Source is where targets are named.
type Source struct {
	Args  []string  // TARGETs of the command line; @FILE and - are lists
	Files []string  // lists, as of -l; - is standard input
	Stdin io.Reader // what - means
}

// Set is an immutable set of targets with the exclusions applied.
type Set struct {
	spans    []span   // the addresses, normalised
	before   []u128   // before[i]: how many addresses lie before spans[i]
	total    u128     // addresses and names
	details  []detail // of the addresses that have any, sorted
	names    []Target // sorted by name
	excluded []span
	without  map[string]bool // excluded names
	forbid   *forbidden
	notes    []string
}

// detail is what is known of an address besides its value.
type detail struct {
	addr        u128
	ports, also []uint16 // as in Target
	name        string
}

// Parse reads targets and exclusions. The error joins a *Fault for each thing
// wrong in either, up to fifty; the Set is nil then. No targets at all is no
// error.
func Parse(targets, exclude Source, o Options) (*Set, error) {
	fs, ns := &faults{}, &notes{}
	want, not := newGather(newForbidden(o.AllowSpecial), fs, ns), newGather(nil, fs, ns)
	r := reader{}
	r.read(want, targets, "")
	r.read(not, exclude, "--exclude")
	if fs.count() == 0 {
		not.resolve(o.Resolve)
	}
	if err := fs.err(); err != nil {
		return nil, err
	}
	s := build(want, not, o.KeepExcluded)
	s.notes = ns.all()
	if s.total == (u128{}) && want.taken > want.without && not.taken > 0 {
		s.notes = append(s.notes, "nothing is left after the exclusions")
	}
	return s, nil
}

// reader opens sources; standard input can be read by one of them.
type reader struct{ stdinUsed bool }

func (r *reader) read(g *gather, s Source, label string) {
	for _, arg := range s.Args {
		switch {
		case arg == "-":
			r.stdin(g, s, label)
		case len(arg) > 1 && arg[0] == '@':
			g.file(arg[1:])
		default:
			toks := tokens(arg)
			if len(toks) == 0 {
				g.fault(place{file: label}, arg, "an empty target")
			}
			g.targets(toks, place{file: label})
		}
	}
	for _, path := range s.Files {
		if path == "-" {
			r.stdin(g, s, label)
			continue
		}
		g.file(path)
	}
}

func (r *reader) stdin(g *gather, s Source, label string) {
	switch {
	case r.stdinUsed:
		g.fault(place{file: label}, "-", "standard input can be read only once")
	case s.Stdin == nil:
		g.fault(place{file: label}, "-", "there is no standard input")
	default:
		r.stdinUsed = true
		g.list("standard input", s.Stdin)
	}
}

// resolve turns excluded names into excluded addresses. A name that DNS does
// not know has none; any other failure is a fault, since going on could
// contact what must not be.
func (g *gather) resolve(lookup func(string) ([]netip.Addr, error)) {
	for _, n := range g.names.all() {
		if lookup == nil {
			g.notes.add(other, n.name+": excluded by name; its addresses are not known and not excluded")
			continue
		}
		addrs, err := lookup(n.name)
		if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
			g.notes.add(other, n.name+": excluded by name; it has no address")
		} else if err != nil {
			g.fault(place{file: "--exclude"}, n.name, "the addresses to exclude could not be found: "+printable(err.Error()))
		}
		for _, a := range addrs {
			g.spans.add(single(fromAddr(a)))
		}
	}
}

// Count is how many targets All yields, at most math.MaxUint64.
func (s *Set) Count() uint64 {
	if s.total.hi != 0 {
		return math.MaxUint64
	}
	return s.total.lo
}

// Notes tells what was taken other than literally: masked host bits, special
// ranges left out of larger ones, hosts without open ports. Printable text.
func (s *Set) Notes() []string {
	out := make([]string, len(s.notes))
	for i, n := range s.notes {
		out[i] = printable(n)
	}
	return out
}

// All yields every target once, in the order of orderKey: neighbours in
// address space come far apart, so that no network is asked much at a time.
// Equal sets and keys give equal orders. Nothing is built up in memory.
func (s *Set) All(orderKey uint64) iter.Seq[Target] { return s.From(orderKey, 0) }

// From is All without its first targets, which are not gone through.
func (s *Set) From(orderKey, first uint64) iter.Seq[Target] {
	return func(yield func(Target) bool) {
		order := newPermutation(s.total, orderKey)
		for i := (u128{lo: first}); i.less(s.total); i = i.next() {
			if !yield(s.at(order.at(i))) {
				return
			}
		}
	}
}

// at is the target with index i < s.total: addresses in order, then names.
func (s *Set) at(i u128) Target {
	names := u128{lo: uint64(len(s.names))}
	if addresses := s.total.sub(names); !i.less(addresses) {
		return s.names[i.sub(addresses).lo]
	}
	n, exact := slices.BinarySearchFunc(s.before, i, u128.cmp)
	if !exact {
		n--
	}
	u := s.spans[n].from.add(i.sub(s.before[n]))
	t := Target{Host: record.Host{IP: u.addr()}}
	k, ok := slices.BinarySearchFunc(s.details, u, func(d detail, u u128) int { return d.addr.cmp(u) })
	if ok {
		d := s.details[k]
		t.Host.Name, t.Ports, t.Also = d.name, d.ports, d.also
	}
	return t
}

// Allowed says whether a may be contacted: nil, or why not. It is asked right
// before connecting, with what a name resolved to, so a need not be in the
// set. An address that leads to an IPv4 one (NAT64, 6to4, Teredo) is allowed
// if both are.
func (s *Set) Allowed(a netip.Addr) error {
	if !a.IsValid() {
		return errors.New("not an address")
	}
	a = a.Unmap().WithZone("")
	if find(s.excluded, fromAddr(a)) >= 0 {
		return fmt.Errorf("%s is excluded", a)
	}
	if e, banned := s.forbid.address(a); banned {
		return fmt.Errorf("%s is %s", a, refusal(e))
	}
	if v4, ok := embedded(a); ok {
		if err := s.Allowed(v4); err != nil {
			return fmt.Errorf("%s leads to %w", a, err)
		}
	}
	return nil
}

// Excluded says whether a is among the exclusions, special-purpose or not.
func (s *Set) Excluded(a netip.Addr) bool {
	return find(s.excluded, fromAddr(a.Unmap().WithZone(""))) >= 0
}

// AllowedName says whether a host name may be looked at: nil, or why not.
func (s *Set) AllowedName(name string) error {
	if ascii, problem := hostName(name); problem == "" && s.without[ascii] {
		return fmt.Errorf("%s is excluded", ascii)
	}
	return nil
}

// Excluding is s with the exclusions of more besides its own, for Allowed,
// AllowedName and Excluded. What All and Count say stays as it was.
func (s *Set) Excluding(more *Set) *Set {
	out := *s
	out.excluded = slices.Clip(normalise(slices.Concat(s.excluded, more.excluded)))
	out.without = maps.Clone(s.without)
	maps.Copy(out.without, more.without)
	return &out
}

// Contains reports whether a is one of the addresses of the set. Names are not
// resolved.
func (s *Set) Contains(a netip.Addr) bool {
	return find(s.spans, fromAddr(a.Unmap())) >= 0
}
