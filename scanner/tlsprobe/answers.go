package tlsprobe

import (
	"bytes"
	"slices"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// together makes a record of answers, of which there is at least one.
func together(sni string, answers []*record.TLSAnswer) *record.TLS {
	best := 0
	for i, a := range answers {
		if a.Version > answers[best].Version {
			best = i
		}
	}
	t := &record.TLS{SNI: sni, TLSAnswer: *answers[best]}
	for i, a := range answers {
		if i == best {
			continue
		}
		other := *a
		if slices.EqualFunc(other.Certificates, t.Certificates, bytes.Equal) {
			other.Certificates = nil // it is there already
		}
		t.Others = append(t.Others, other)
	}
	return t
}

// answerTo takes the answer to a hello out of a record, or nil, with the chain
// that was left out there.
func answerTo(t *record.TLS, letter string) *record.TLSAnswer {
	for a := range t.Answers() {
		if a.Hello != letter {
			continue
		}
		whole := *a
		if whole.Certificates == nil && (slices.Contains(whole.Messages, wire.TypeCertificate) || slices.Contains(whole.Messages, wire.TypeCompressed)) {
			whole.Certificates = t.Certificates
		}
		return &whole
	}
	return nil
}
