package town

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Providers lists the hosts of each provider that has kin to find, by address.
// A CDN is none: its edges share a certificate, not an operator's machines.
func (t *Town) Providers() map[string][]netip.Addr {
	out := map[string][]netip.Addr{}
	for _, a := range slices.SortedFunc(maps.Keys(t.Truth), netip.Addr.Compare) {
		switch role := t.Truth[a]; role.Kind {
		case Golden, Drifted, Rekeyed, Partial:
			out[role.Provider] = append(out[role.Provider], a)
		}
	}
	return out
}

// Figures are means over seeds.
type Figures struct {
	Seeds     int
	Precision float64        // of the hosts called kin, those that are; 1 if there are none
	Worst     float64        // the least precision of a seed
	Recall    float64        // of the kin of the seed, those that were found
	At10      float64        // precision of the first ten of the ranking
	AP        float64        // average precision of the ranking
	False     map[string]int // hosts wrongly called kin, by their kind
}

// Add counts the result of one seed: called are the hosts that were called
// kin, ranked all hosts in the order of the ranking (nil: there is none).
func (f *Figures) Add(t *Town, seed netip.Addr, called, ranked []netip.Addr) (precision, recall float64) {
	provider := t.Truth[seed].Provider
	truth := map[netip.Addr]bool{}
	for _, a := range t.Providers()[provider] {
		truth[a] = a != seed
	}
	kin := float64(len(truth) - 1)
	right := 0.0
	for _, a := range called {
		if truth[a] {
			right++
			continue
		}
		if f.False == nil {
			f.False = map[string]int{}
		}
		f.False[t.Truth[a].Kind]++
	}
	precision, recall = 1, right/kin
	if len(called) > 0 {
		precision = right / float64(len(called))
	}
	at10, ap, hits := 0.0, 0.0, 0.0
	for i, a := range ranked {
		if truth[a] {
			hits++
			ap += hits / float64(i+1) / kin
		}
		if i+1 == min(10, len(ranked)) {
			at10 = hits / min(kin, float64(i+1))
		}
	}
	if f.Seeds == 0 {
		f.Worst = 1
	}
	n := float64(f.Seeds)
	mean := func(old *float64, v float64) { *old = (*old*n + v) / (n + 1) }
	mean(&f.Precision, precision)
	mean(&f.Recall, recall)
	mean(&f.At10, at10)
	mean(&f.AP, ap)
	f.Worst = min(f.Worst, precision)
	f.Seeds++
	return precision, recall
}

// F1 is the harmonic mean of the means of precision and recall.
func (f Figures) F1() float64 {
	if f.Precision+f.Recall == 0 {
		return 0
	}
	return 2 * f.Precision * f.Recall / (f.Precision + f.Recall)
}

func (f Figures) String() string {
	return fmt.Sprintf("%d seeds, precision %.3f (worst %.2f), recall %.3f", f.Seeds, f.Precision, f.Worst, f.Recall)
}
