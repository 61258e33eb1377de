package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/hostkin/hostkin/fingerprints"
)

// list is the stock list as it grows.
type list struct {
	values map[value]map[string]bool // products that show it
}

type value struct {
	kind fingerprints.Kind
	text string
}

func newList() *list { return &list{values: map[value]map[string]bool{}} }

// notStock are the kinds that tell one key or certificate from all others, and
// those of the TCP stack: loopback's segment sizes and windows are nobody's.
func notStock(k fingerprints.Kind) bool {
	switch k {
	case "cert.sha256", "cert.spki", "cert.serial_issuer", "ssh.host_key":
		return true
	}
	return strings.HasPrefix(string(k), "tcp.")
}

// add notes that product shows f.
func (l *list) add(f fingerprints.Fingerprint, product string) {
	if f.Partial || notStock(f.Kind) {
		return
	}
	v := value{f.Kind, f.Value}
	if l.values[v] == nil {
		l.values[v] = map[string]bool{}
	}
	l.values[v][product] = true
}

// yaml writes the list in the order of kinds and values, under the day on which
// it was made (cluster.Embedded reads it).
func (l *list) yaml(made time.Time) ([]byte, error) {
	type entry struct {
		Kind     fingerprints.Kind `yaml:"kind"`
		Value    string            `yaml:"value"`
		Products []string          `yaml:"products,flow"`
	}
	var entries []entry
	for v, products := range l.values {
		entries = append(entries, entry{v.kind, v.text, slices.Sorted(maps.Keys(products))})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value)) })
	out := bytes.NewBufferString("# made by: go run ./internal/stock -o cluster/data/stock.yaml\n")
	fmt.Fprintf(out, "# made on: %s\n", made.UTC().Format(time.DateOnly))
	e := yaml.NewEncoder(out)
	e.SetIndent(2)
	err := e.Encode(entries)
	return out.Bytes(), err
}
