package scanner

import (
	"net/netip"
	"testing"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

// BenchmarkHost is what the engine itself costs for a host with three waves
// and twelve connections, without a network.
func BenchmarkHost(b *testing.B) {
	ip := netip.MustParseAddr("192.0.2.1")
	tr := answers(true, map[string]string{"192.0.2.1:22": "a", "192.0.2.1:443": "b"})
	next := func(_ targets.Target, seen []record.Observation) []Ask {
		switch len(seen) {
		case 0:
			return []Ask{{22, fake{name: "ssh", connections: 1}}, {443, fake{name: "tls", connections: 1}}}
		case 4:
			return []Ask{{443, fake{name: "jarm", connections: 9, together: true}}, {443, fake{name: "http", connections: 1}}}
		}
		return nil
	}
	b.ReportAllocs()
	left := b.N
	err := Run(b.Context(), Config{Transport: tr, Next: next, Emit: func(record.Observation) {}}, func(yield func(targets.Target) bool) {
		for ; left > 0 && yield(targets.Target{Host: record.Host{IP: ip}}); left-- {
		}
	})
	if err != nil {
		b.Error(err)
	}
}
