package cluster

import (
	"fmt"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// keyedScan is a scan with forty pairs of hosts that share a host key each. The
// first of each pair shows one title; agree of the others show it, too.
func keyedScan(t *Table, hosts, agree int) *Index {
	b := NewBuilder(t)
	for n := range hosts {
		add := func(kind fingerprints.Kind, value string) {
			b.Add(fingerprints.Fingerprint{Host: addrOf(n), Port: 443, Kind: kind, Value: value})
		}
		own := fmt.Sprint("own ", n)
		pair, second := n/2, n%2 == 1
		switch {
		case pair >= 40:
			add("ssh.host_key", own)
			add("http.title", own)
			continue
		case second && pair >= agree:
			add("http.title", own)
		default:
			add("http.title", "one title")
		}
		add("ssh.host_key", fmt.Sprint("key ", pair))
		add("cert.serial_issuer", fmt.Sprint("serial ", pair))
	}
	return b.Index()
}

// In a large scan hosts that share a rare key tell how likely kin share what so
// many hosts hold: by hand, with the smoothing of four hosts of the table. They
// cannot say more than the table, nor anything of their own family.
func TestFaithIsLearntFromKeys(t *testing.T) {
	table := must(Defaults())
	m := table.kinds["http.title"].M
	for _, test := range []struct {
		name         string
		hosts, agree int
		want         float64
	}{
		{"ten of forty", 20000, 10, (20 + 4*m) / (50 + 4)}, // each pair is asked from both sides, if both hold what others hold
		{"all", 20000, 40, m},
		{"four agreements are too few", 20000, 2, m},
		{"a small scan", 2000, 10, m},
	} {
		x := keyedScan(table, test.hosts, test.agree)
		title, _ := x.lookup(feature{"http.title", "one title"})
		if got := x.m(title); !about(got, test.want) {
			t.Errorf("%s: m of the title %.4f, want %.4f", test.name, got, test.want)
		}
		serial, _ := x.lookup(feature{"cert.serial_issuer", "serial 1"})
		if got, want := x.m(serial), table.kinds["cert.serial_issuer"].M; got != want {
			t.Errorf("%s: m of the serial %.4f, want %.4f", test.name, got, want)
		}
	}
}
