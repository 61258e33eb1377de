package expand

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// book keeps the fingerprints of every host that gave one. Observations are
// not kept, their pages would fill the memory; nor is anything of silent
// hosts, which are most of a large range.
type book struct {
	mu     sync.Mutex
	byAddr map[string]*entry
	spoken map[uint16]string // protocol by port, of the hosts so far
	spent  int               // connections, to silent hosts too
}

type entry struct {
	host    record.Host
	ports   []uint16 // if it was given with them
	prints  map[fingerprints.Fingerprint]bool
	spent   int
	skipped []string
	stands  float64
}

func newBook() *book {
	return &book{byAddr: map[string]*entry{}, spoken: map[uint16]string{}}
}

func (b *book) add(o record.Observation) {
	prints := fingerprints.Of(o)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent += o.Connections
	if len(prints) == 0 && b.byAddr[o.Host.String()] == nil {
		return
	}
	e := b.entry(o.Host)
	e.spent += o.Connections
	for _, p := range prints {
		e.prints[p] = true
	}
	if p := protocol(o); p != "" && (b.spoken[o.Port] == "" || p == "tls") {
		b.spoken[o.Port] = p
	}
}

// spentOn counts the connections that a host cost before it stood in the book.
func (b *book) spentOn(h record.Host, seen []record.Observation) {
	sum := 0
	for _, o := range seen {
		sum += o.Connections
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byAddr[h.String()]; e != nil {
		e.spent = max(e.spent, sum)
	}
}

// protocol is what an observation shows a port to speak. The TLS of a service
// is what it speaks after an upgrade.
func protocol(o record.Observation) string {
	if service := scanner.Service(o.Answer); service != "" {
		return service
	}
	switch {
	case o.TLS != nil && len(o.TLS.ServerHello) > 0, o.HTTP != nil && o.HTTP.TLS && o.HTTP.Root != nil:
		return "tls"
	case o.SSH != nil && len(o.SSH.Banner) > 0:
		return "ssh"
	case o.HTTP != nil && !o.HTTP.TLS && o.HTTP.Root != nil && len(o.HTTP.Root.Head) > 0:
		return "http"
	}
	return ""
}

func (b *book) entry(h record.Host) *entry {
	e := b.byAddr[h.String()]
	if e == nil {
		e = &entry{host: h, prints: map[fingerprints.Fingerprint]bool{}}
		b.byAddr[h.String()] = e
	}
	return e
}

func (e *entry) asHost() cluster.Host {
	slices.Sort(e.skipped)
	h := cluster.Host{Addr: e.host.String(), Stands: e.stands,
		Asked: cluster.Asked{Connections: e.spent, Skipped: slices.Compact(e.skipped)}}
	for p := range e.prints {
		h.Prints = append(h.Prints, p)
	}
	slices.SortFunc(h.Prints, func(a, b fingerprints.Fingerprint) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Value, b.Value))
	})
	return h
}

// hosts lists the hosts with a fingerprint, by address.
func (b *book) hosts() []cluster.Host {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []cluster.Host
	for _, addr := range slices.SortedFunc(maps.Keys(b.byAddr), cluster.CompareAddr) {
		if e := b.byAddr[addr]; len(e.prints) > 0 {
			out = append(out, e.asHost())
		}
	}
	return out
}

// host is one of them, as far as it is known.
func (b *book) host(h record.Host) cluster.Host {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.entry(h).asHost()
}

// note keeps what a host was not asked, and for how many others it stands.
func (b *book) note(t targets.Target, stands float64, skipped []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entry(t.Host)
	e.ports, e.stands, e.skipped = t.Ports, stands, skipped
}

// ports are those to ask candidates on: the given ones, or else where a host
// in the book answered, each with the protocol that was spoken there.
func (b *book) ports(given []scanner.Port) []scanner.Port {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []scanner.Port
	for _, p := range given {
		if p.Hint == "" {
			p.Hint = b.spoken[p.Number]
		}
		out = append(out, p)
	}
	if given == nil {
		for _, number := range slices.Sorted(maps.Keys(b.spoken)) {
			out = append(out, scanner.Port{Number: number, Hint: b.spoken[number]})
		}
	}
	return out
}

func (b *book) connections() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spent
}

// target is a host of the book as something to look at once more.
func (b *book) target(addr string) targets.Target {
	b.mu.Lock()
	defer b.mu.Unlock()
	return targets.Target{Host: b.byAddr[addr].host, Ports: b.byAddr[addr].ports}
}

// speaks reports whether h gave more than a handshake of TCP: a host that only
// accepts connections has said nothing to compare.
func speaks(h cluster.Host) bool {
	return slices.ContainsFunc(h.Prints, func(f fingerprints.Fingerprint) bool { return !strings.HasPrefix(string(f.Kind), "tcp.") })
}
