package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hostkin/hostkin/cluster/baseline"
	"github.com/hostkin/hostkin/fingerprints"
)

// Embedded is the baseline that hostkin brings along, made of the stock list:
// each of the products that were scanned counts as one host. It knows what is
// stock, not how common it is on the Internet. The error is a fault in the
// embedded data, which a test of this package excludes.
func Embedded() (*baseline.Baseline, error) {
	const name = "data/stock.yaml"
	var entries []stockEntry
	if err := load(name, &entries); err != nil {
		return nil, err
	}
	made, err := stockDate(name)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	of := map[fingerprints.Kind]map[string]bool{} // products that answered
	var counts []baseline.Count
	for _, e := range entries {
		if of[e.Kind] == nil {
			of[e.Kind] = map[string]bool{}
		}
		for _, p := range e.Products {
			all[p], of[e.Kind][p] = true, true
		}
		counts = append(counts, baseline.Count{Kind: e.Kind, Value: e.Value, Hosts: len(e.Products)})
	}
	answered := map[fingerprints.Kind]int{}
	for kind, products := range of {
		answered[kind] = len(products)
	}
	b, err := baseline.Build(len(all), made, answered, slices.Values(counts), 1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// stockDate reads the day on which the stock list was made, which the command
// that makes it writes above the entries.
func stockDate(name string) (time.Time, error) {
	text, err := data.ReadFile(name)
	if err != nil {
		return time.Time{}, err
	}
	for line := range strings.Lines(string(text)) {
		if day, ok := strings.CutPrefix(line, "# made on: "); ok {
			return time.Parse(time.DateOnly, strings.TrimSpace(day))
		}
		if !strings.HasPrefix(line, "#") {
			break
		}
	}
	return time.Time{}, fmt.Errorf("%s: no line above the entries says when it was made", name)
}
