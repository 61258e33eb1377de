// Package fingerprints derives fingerprints from observations: pure functions
// without network or clock, so that a new algorithm can be run over old
// observations. The definitions are in docs/signatures.md.
package fingerprints

// Schema names the format of a Fingerprint line.
const Schema = "fingerprint/1"

// Kind names what a fingerprint's value is made of.
type Kind string

// Fingerprint is one value of one kind at one port of a host. Several lines
// for one (host, port, kind) form a set.
type Fingerprint struct {
	Schema  string `json:"schema"`
	Host    string `json:"host"` // address
	Port    uint16 `json:"port"`
	Kind    Kind   `json:"kind"`
	Value   string `json:"value"`
	Partial bool   `json:"partial,omitempty"` // an answer was missing: never equal to a whole value
}
