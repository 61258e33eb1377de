package cluster

import (
	"fmt"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// The seed of these tests has something to share in every family.
func TestSieve(t *testing.T) {
	seed := map[fingerprints.Kind]string{
		"ssh.host_key": "SHA256:cloned", "ssh.kexinit": "odd", "cert.issuer": "CN=Odd CA", "cert.subject": "CN=srv-#.odd",
		"http.title": "Odd panel", "http.header_order": "odd", "jarm": "odd", "http.favicon_mmh3": "1", "http.error_page": "odd",
	}
	tests := []struct {
		name   string
		shares []fingerprints.Kind // of the first look; every other question of it is answered differently
		hosts  uint64
		want   Outlook
	}{
		{"nothing shared", nil, 256, Shut},
		{"a cloned key and a CA", []fingerprints.Kind{"ssh.host_key", "cert.issuer", "cert.subject"}, 256, Sure},
		{"the same in a range so large that the prior may eat it", []fingerprints.Kind{"ssh.host_key", "cert.issuer", "cert.subject"}, 1 << 40, Open},
		{"a re-keyed host", []fingerprints.Kind{"cert.issuer", "cert.subject", "ssh.kexinit"}, 256, Open},
		{"an odd header order alone", []fingerprints.Kind{"http.header_order"}, 256, Open},
	}
	t.Run("another service on a port that the seed does not have", func(t *testing.T) {
		c := &crowd{}
		for kind, value := range seed {
			c.set(0, 443, kind, value)
		}
		c.set(1, 80, "http.title", "A site")
		c.set(1, 80, "tcp.info", "x")
		hosts := c.hosts()
		if got := must(NewSieve(hosts[:1], Options{})).Outlook(hosts[1], 256); got != Shut {
			t.Errorf("outlook %d, want %d: nothing in common and nothing in conflict is nothing to go on", got, Shut)
		}
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &crowd{}
			for kind, value := range seed {
				c.set(0, 443, kind, value)
				shared := false
				for _, k := range tt.shares {
					shared = shared || k == kind
				}
				switch {
				case shared:
					c.set(1, 443, kind, value)
				case kind != "jarm" && kind != "http.favicon_mmh3" && kind != "http.error_page": // not in a first look
					c.set(1, 443, kind, "another")
				}
			}
			hosts := c.hosts()
			sieve := must(NewSieve(hosts[:1], Options{}))
			if got := sieve.Outlook(hosts[1], tt.hosts); got != tt.want {
				t.Errorf("outlook %d, want %d", got, tt.want)
			}
		})
	}
}

// The table must answer for every kind that is weighed, and nothing in it may
// make sharing a value speak against kinship.
func TestDefaultTable(t *testing.T) {
	table := must(Defaults())
	for kind, info := range table.kinds {
		if w := worth(info.M, table.rarity(feature{kind, "never seen"}).start, 1); w <= 0 {
			t.Errorf("%s: an unknown value weighs %.1f bits", kind, w)
		}
		if info.Identity && info.Family != "identity" {
			t.Errorf("%s is an identity kind in family %s", kind, info.Family)
		}
	}
	for f := range table.stock {
		if w := worth(table.kinds[f.kind].M, table.rarity(f).start, 1); w >= FamilyBits && !table.kinds[f.kind].Identity {
			t.Errorf("stock value %v weighs %.1f bits: as much as a family of its own", f, w)
		}
	}
}

func TestSampledHostsStandForOthers(t *testing.T) {
	// 10 of 200 strangers were asked for JARM, a sample; 5 of them hold the seed's.
	c := &crowd{}
	for n := range 220 {
		c.set(n, 22, "ssh.host_key", fmt.Sprint("SHA256:", max(n, 19)))
		c.set(n, 443, "cert.issuer", fmt.Sprint("CN=", max(n, 19)))
		if n < 30 {
			c.set(n, 443, "jarm", []string{"odd", "common"}[min(1, n/25)])
		}
	}
	hosts := c.hosts()
	for i := range hosts {
		if n := i; n >= 20 && n < 30 {
			hosts[i].Stands = 19
		}
	}
	for _, k := range must(Kinship([]string{addrOf(0)}, hosts, Options{})) {
		for _, e := range k.Evidence {
			if e.Kind == "jarm" && k.Verdict == VerdictKin && e.Bits > 1.5 {
				t.Fatalf("a JARM that half of a sample of strangers holds is worth %.2f bits", e.Bits)
			}
		}
	}
}
