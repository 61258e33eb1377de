package fingerprints

import (
	"iter"
	"slices"

	"github.com/hostkin/hostkin/fingerprints/cert"
	"github.com/hostkin/hostkin/fingerprints/http"
	"github.com/hostkin/hostkin/fingerprints/jarm"
	"github.com/hostkin/hostkin/fingerprints/ssh"
	"github.com/hostkin/hostkin/fingerprints/tcp"
	"github.com/hostkin/hostkin/fingerprints/tlsserver"
	"github.com/hostkin/hostkin/scanner/record"
)

// Of derives the fingerprints of one observation, in a fixed order. An
// observation without an answer has none.
func Of(o record.Observation) []Fingerprint {
	var out []Fingerprint
	add := func(kind, value string, partial bool) {
		out = append(out, Fingerprint{Schema, o.Host.String(), o.Port, Kind(kind), value, partial})
	}
	if o.JARM != nil {
		if value, partial, ok := jarm.Of(o.JARM); ok {
			add("jarm", value, partial)
		}
	}
	server, partial := tlsserver.Of(o.TLS)
	for _, p := range server {
		add(p.Kind, p.Value, partial && p.Kind == tlsserver.Kind)
	}
	for _, p := range slices.Concat(cert.Of(o.TLS), ssh.Of(o.SSH), http.Of(o.HTTP, o.Host.IP.String(), o.Host.Name), tcp.Of(o.TCP)) {
		add(p.Kind, p.Value, false)
	}
	return out
}

// All derives the fingerprints of many observations.
func All(observations iter.Seq[record.Observation]) iter.Seq[Fingerprint] {
	return func(yield func(Fingerprint) bool) {
		for o := range observations {
			for _, f := range Of(o) {
				if !yield(f) {
					return
				}
			}
		}
	}
}
