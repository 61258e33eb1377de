package fingerprints

import (
	"iter"

	"github.com/hostkin/hostkin/fingerprints/cert"
	"github.com/hostkin/hostkin/fingerprints/http"
	"github.com/hostkin/hostkin/fingerprints/jarm"
	"github.com/hostkin/hostkin/fingerprints/ssh"
	"github.com/hostkin/hostkin/fingerprints/tcp"
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
	all(cert.Of(o.TLS), add)
	all(ssh.Of(o.SSH), add)
	all(http.Of(o.HTTP, o.Host.IP.String(), o.Host.Name), add)
	all(tcp.Of(o.TCP), add)
	return out
}

// pair is what the algorithms give: each has a type of its own of this shape,
// so that none depends on another.
type pair interface {
	~struct{ Kind, Value string }
}

func all[P pair](pairs []P, add func(kind, value string, partial bool)) {
	for _, p := range pairs {
		v := struct{ Kind, Value string }(p)
		add(v.Kind, v.Value, false)
	}
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
