package cluster

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// crowd builds hosts by number: set gives a host a value of a kind.
type crowd struct{ prints []fingerprints.Fingerprint }

func addrOf(n int) string { return fmt.Sprintf("127.1.%d.%d", n/250, n%250+1) }

func (c *crowd) set(n int, port uint16, kind fingerprints.Kind, value string) {
	c.prints = append(c.prints, fingerprints.Fingerprint{Schema: fingerprints.Schema, Host: addrOf(n), Port: port, Kind: kind, Value: value})
}

func (c *crowd) hosts() []Host { return Gather(slices.Values(c.prints)) }

func find(t *testing.T, kin []Kin, n int) Kin {
	t.Helper()
	i := slices.IndexFunc(kin, func(k Kin) bool { return k.Host == addrOf(n) })
	if i < 0 {
		t.Fatalf("host %s is not among the %d results", addrOf(n), len(kin))
	}
	return kin[i]
}

// smallScan is the example of docs/statistics.md: 282 hosts of which 0-23 are
// a provider; 14 of them share a host key, all of them a CA and
// a naming scheme, all of them and 16 strangers a JARM.
func smallScan() *crowd {
	c := &crowd{}
	for n := range 282 {
		key, jarm := fmt.Sprintf("SHA256:own%d", n), fmt.Sprintf("jarm%d", n%60)
		issuer := fmt.Sprintf("CN=own%d", n)
		if n < 14 {
			key = "SHA256:cloned"
		}
		if n < 40 {
			jarm = "jarm-odd"
		}
		subject := issuer
		if n < 24 {
			issuer, subject = "CN=Provider CA", "CN=srv-#.provider.example"
		}
		c.set(n, 22, "ssh.host_key", key)
		c.set(n, 443, "jarm", jarm)
		c.set(n, 443, "cert.issuer", issuer)
		c.set(n, 443, "cert.subject", subject)
	}
	return c
}

func TestSmallScan(t *testing.T) {
	kin := must(Kinship([]string{addrOf(0)}, smallScan().hosts(), Options{}))
	for n := 1; n < 282; n++ {
		want := VerdictStranger
		if n < 24 {
			want = VerdictKin
		}
		if got := find(t, kin, n); got.Verdict != want {
			t.Errorf("host %d: %s with %.2f bits, want %s\nfor: %v\nagainst: %v", n, got.Verdict, got.Bits, want, got.Evidence, got.Against)
		}
	}
	first := find(t, kin, 1)
	if math.Abs(first.Prior-3.6) > .1 {
		t.Errorf("prior %.2f, want 3.6: log2(281/23)", first.Prior)
	}
	bits := map[fingerprints.Kind]float64{}
	for _, e := range first.Evidence {
		bits[e.Kind] = e.Bits
	}
	if math.Abs(bits["ssh.host_key"]-19.8) > .3 {
		t.Errorf("a cloned host key is worth %.2f bits, want 19.8", bits["ssh.host_key"])
	}
	if math.Abs(bits["jarm"]-4.0) > .3 {
		t.Errorf("a JARM that 16 of 258 strangers hold is worth %.2f bits, want 4.0", bits["jarm"])
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestBitsAddUp(t *testing.T) {
	for _, k := range must(Kinship([]string{addrOf(0)}, smallScan().hosts(), Options{})) {
		sum := -k.Prior
		for _, e := range k.Evidence {
			sum += e.Bits
		}
		for _, c := range k.Against {
			sum += c.Bits
		}
		if math.Abs(sum-k.Bits) > .005 {
			t.Fatalf("%s: evidence, conflicts and prior make %.2f, bits say %.2f", k.Host, sum, k.Bits)
		}
	}
}

func TestOrderOfInputDoesNotMatter(t *testing.T) {
	c := smallScan()
	want := must(Kinship([]string{addrOf(3)}, c.hosts(), Options{Hops: 2}))
	groups := must(indexed(c.hosts()).Groups(Options{}))
	r := rand.New(rand.NewPCG(1, 2))
	for range 3 {
		r.Shuffle(len(c.prints), func(i, j int) { c.prints[i], c.prints[j] = c.prints[j], c.prints[i] })
		hosts := c.hosts()
		r.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
		if got := must(Kinship([]string{addrOf(3)}, hosts, Options{Hops: 2})); !reflect.DeepEqual(got, want) {
			t.Fatal("another order of fingerprints and hosts gave another result")
		}
		if got := must(indexed(hosts).Groups(Options{})); !reflect.DeepEqual(got, groups) {
			t.Fatal("another order of fingerprints and hosts gave other groups")
		}
	}
}

func TestVerdictRules(t *testing.T) {
	const plesk = "C=CH,L=Schaffhausen,O=Plesk,CN=Plesk,E=info@plesk.com" // on the embedded list
	tests := []struct {
		name  string
		build func(c *crowd) // hosts 0 (seed) and 1; 2-99 are strangers with values of their own
		want  Verdict
	}{
		{"one identity value is enough", func(c *crowd) { both(c, 22, "ssh.host_key", "SHA256:x") }, VerdictKin},
		{"one family is not, however rare", func(c *crowd) {
			both(c, 80, "http.title", "Odd panel")
			both(c, 80, "http.body_sha256", "same")
			both(c, 80, "http.favicon_mmh3", "1")
		}, VerdictPossible},
		{"two families are", func(c *crowd) {
			both(c, 80, "http.title", "Odd panel")
			both(c, 443, "cert.issuer", "CN=Odd CA")
		}, VerdictKin},
		{"same JARM alone is chance", func(c *crowd) { both(c, 443, "jarm", "x") }, VerdictPossible},
		{"nothing shared", func(*crowd) {}, VerdictStranger},
		{"another key of the same type is no conflict", func(c *crowd) {
			both(c, 80, "http.title", "Odd panel")
			both(c, 443, "cert.issuer", "CN=Odd CA")
			c.set(0, 22, "ssh.host_key", "SHA256:a")
			c.set(1, 22, "ssh.host_key", "SHA256:b")
		}, VerdictKin},
		{"a missing answer is neither", func(c *crowd) {
			both(c, 22, "ssh.host_key", "SHA256:x")
			c.set(0, 443, "jarm", "x")
			c.set(1, 8443, "jarm", "y")
		}, VerdictKin},
		{"one certificate is one fact", func(c *crowd) {
			both(c, 443, "cert.sha256", "same")
			both(c, 443, "cert.issuer", "CN=Odd CA")
			both(c, 443, "cert.subject", "CN=odd")
		}, VerdictKin},
		{"one certificate of a listed issuer may be a customer's", func(c *crowd) {
			both(c, 443, "cert.spki", "same")
			both(c, 443, "cert.issuer", plesk)
			both(c, 443, "cert.shape", "v3 key=rsa2048 self=no sig=x")
		}, VerdictPossible},
		{"a self-signed one is not, whatever its name", func(c *crowd) {
			both(c, 443, "cert.spki", "same")
			both(c, 443, "cert.issuer", plesk)
			both(c, 443, "cert.shape", "v3 key=rsa2048 self=yes sig=x")
		}, VerdictKin},
		{"a value counts at whatever port", func(c *crowd) {
			both(c, 443, "cert.issuer", "CN=Odd CA")
			c.set(0, 80, "http.title", "Odd panel")
			c.set(1, 8080, "http.title", "Odd panel")
		}, VerdictKin},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &crowd{}
			c.set(0, 1, "tcp.info", "a")
			c.set(1, 2, "tcp.info", "b")
			tt.build(c)
			for n := 2; n < 100; n++ {
				for _, kind := range []fingerprints.Kind{"jarm", "cert.issuer", "ssh.host_key", "http.title"} {
					c.set(n, 443, kind, fmt.Sprintf("own %d", n))
				}
			}
			got := find(t, must(Kinship([]string{addrOf(0)}, c.hosts(), Options{})), 1)
			if got.Verdict != tt.want {
				t.Errorf("%s with %.2f bits, want %s\nfor: %+v\nagainst: %+v", got.Verdict, got.Bits, tt.want, got.Evidence, got.Against)
			}
			if tt.name == "one certificate is one fact" && len(got.Evidence)+len(got.Also) != 1 {
				t.Errorf("evidence %+v, want the certificate alone", got.Evidence)
			}
		})
	}
}

func both(c *crowd, port uint16, kind fingerprints.Kind, value string) {
	c.set(0, port, kind, value)
	c.set(1, port, kind, value)
}

func TestConflictIsNotHiddenByAnAgreementOfItsFamily(t *testing.T) {
	c := smallScan()
	for n := range 282 {
		c.set(n, 80, "http.title", "Panel")
		c.set(n, 80, "http.body_sha256", fmt.Sprint("body ", min(n, 24)/24*n)) // kin alike, strangers each their own
	}
	got := find(t, must(Kinship([]string{addrOf(0)}, c.hosts(), Options{})), 100)
	if !slices.ContainsFunc(got.Against, func(c Conflict) bool { return c.Kind == "http.body_sha256" && c.Bits < -2 && c.Bits >= -4 }) {
		t.Errorf("against: %+v, want http.body_sha256 between -4 and -2 bits", got.Against)
	}
}

func TestHopsLoseConfidence(t *testing.T) {
	c := &crowd{}
	for n := range 60 {
		c.set(n, 22, "ssh.host_key", fmt.Sprint("SHA256:", []int{0, 0, 1}[min(n, 2)]*n))
		c.set(n, 443, "cert.spki", fmt.Sprint("k", n))
	}
	c.set(1, 8443, "cert.spki", "bridge") // 0 -host key- 1 -key- 2
	c.set(2, 8443, "cert.spki", "bridge")
	one := find(t, must(Kinship([]string{addrOf(0)}, c.hosts(), Options{})), 2)
	if one.Verdict != VerdictStranger {
		t.Errorf("one hop: host 2 is %s, want stranger: it shares nothing with the seed", one.Verdict)
	}
	kin := must(Kinship([]string{addrOf(0)}, c.hosts(), Options{Hops: 2}))
	two, via := find(t, kin, 2), find(t, kin, 1)
	if two.Verdict != VerdictKin || two.Hop != 2 || two.Via != addrOf(1) {
		t.Errorf("two hops: host 2 is %s at hop %d via %s, want kin at hop 2 via %s", two.Verdict, two.Hop, two.Via, addrOf(1))
	}
	if !(two.Confidence < via.Confidence) {
		t.Errorf("confidence %.3f at hop 2, %.3f at hop 1: want a loss", two.Confidence, via.Confidence)
	}
}

func TestGroups(t *testing.T) {
	groups := must(indexed(smallScan().hosts()).Groups(Options{}))
	if len(groups) != 1 {
		t.Fatalf("%d groups, want 1: %+v", len(groups), groups)
	}
	if got := len(groups[0].Hosts); got != 24 {
		t.Errorf("group of %d hosts, want the provider's 24: %v", got, groups[0].Hosts)
	}
}

// Two groups with a key in common stay two, and say so; what strangers hold as
// well is no bridge.
func TestBridges(t *testing.T) {
	c := &crowd{}
	for n := range 120 {
		group := fmt.Sprint(min(n/10, 2+n))
		c.set(n, 22, "ssh.host_key", "SHA256:"+group)
		c.set(n, 443, "cert.issuer", "CN="+group)
		c.set(n, 443, "cert.subject", "CN=#."+group)
		c.set(n, 443, "jarm", "everybody's")
	}
	c.set(3, 8080, "http.title", "Odd panel")
	c.set(13, 8080, "http.title", "Odd panel")
	groups := must(indexed(c.hosts()).Groups(Options{}))
	if len(groups) < 2 || len(groups[0].Bridges) != 1 || groups[0].Bridges[0].Value != "Odd panel" || groups[0].Bridges[0].To != 2 {
		t.Errorf("groups %+v, want two of ten with the page as their only bridge", groups)
	}
}

// What one certificate alone holds together is labelled: fronts show the same
// (stock) page everywhere, customers each their own.
func TestLabels(t *testing.T) {
	c := &crowd{}
	for n := range 60 {
		own := fmt.Sprint(n)
		cert, title := "cert "+own, "own "+own
		switch {
		case n < 8:
			cert, title = "front", "Welcome to nginx!"
		case n < 16:
			cert = "customer"
		}
		c.set(n, 22, "ssh.host_key", own)
		c.set(n, 443, "cert.sha256", cert)
		c.set(n, 443, "http.title", title)
	}
	var labels []string
	for _, g := range must(indexed(c.hosts()).Groups(Options{})) {
		labels = append(labels, g.Label)
	}
	if want := []string{"cdn", "tenant"}; !slices.Equal(labels, want) {
		t.Errorf("labels %q, want %q", labels, want)
	}
}

func TestExplainIsKinshipOfOne(t *testing.T) {
	hosts := smallScan().hosts()
	all := must(Kinship([]string{addrOf(0)}, hosts, Options{}))
	got := must(indexed(hosts).Explain(addrOf(0), addrOf(20), Options{}))
	if !reflect.DeepEqual(got, find(t, all, 20)) {
		t.Errorf("explain says %+v, expand %+v", got, find(t, all, 20))
	}
	if _, err := indexed(hosts).Explain(addrOf(0), "127.9.9.9", Options{}); err == nil {
		t.Error("explain of an unknown host: no error")
	}
}

func indexed(hosts []Host) *Index { return NewIndex(must(Defaults()), hosts) }
