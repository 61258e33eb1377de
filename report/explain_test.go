package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/fingerprints"
)

func explained(t *testing.T, k cluster.Kin, scan Scan, s Style) string {
	t.Helper()
	var b strings.Builder
	if err := Explain(&b, k, scan, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// fullKin has every field that a judgement can have.
func fullKin() cluster.Kin {
	k := someKin()[0]
	k.Evidence = []cluster.Evidence{
		{Kind: "ssh.host_key", Value: "SHA256:abc", Bits: 19.8, HeldBy: 14, Family: "identity", Networks: 3, Prevalence: 1e-6},
		{Kind: "jarm", Value: "2ad2ad", Bits: 8.1, HeldBy: 40, Family: "tls", Networks: 1, Prevalence: .0033, Baseline: .004},
	}
	k.Also = []cluster.Evidence{{Kind: "http.title", Value: "Welcome to nginx!", HeldBy: 213, Family: "content", Prevalence: .3, Baseline: .12, Common: "shipped by nginx"}}
	k.Bits, k.Probes.Skipped = 22.2, []string{"http", "jarm"}
	k.Link = cluster.Link{Type: cluster.SameImage, Reasons: []fingerprints.Kind{"ssh.host_key", "jarm"}}
	k.Why = []cluster.Step{{Host: seed}, {Host: "198.51.100.8", Kind: "ssh.host_key", Value: "SHA256:abc"}, {Host: k.Host, Kind: "jarm", Value: "2ad2ad"}}
	return k
}

func TestExplainNamesEveryReasonAndAddsUp(t *testing.T) {
	want := `198.51.100.9 is almost certainly run by the same provider as 198.51.100.7: kin, 22.2 bits, confidence 0.999.
The link: same image (same SSH host key, JARM).
The way from the seed: 198.51.100.7 -(same SSH host key)- 198.51.100.8 -(same JARM)- 198.51.100.9

For: the strongest value that both hosts show, one a family
   bits  family    what is the same    held by          in    of strangers  of the baseline  value
  +19.8  identity  SSH host key       14 hosts  3 networks  1 in 1,000,000       not listed  SHA256:abc
   +8.1  tls       JARM               40 hosts   1 network        1 in 300         1 in 250  2ad2ad
      -  content   page title        213 hosts                        30 %             12 %  Welcome to nginx!
  Rows marked - are shared too, but say again what their family has already said: 0 bits.
  The page title is a common one (shipped by nginx): that both show it proves little.

Against: the weightiest question that the two answer differently, one a family
  bits  family  what differs   port  whose         value
  -2.1  http    Server header   443  198.51.100.7  nginx
                                     198.51.100.9  Apache

Sum: for +27.90, against -2.10, prior -3.60: 22.20 bits
The prior is what the odds are before any evidence: few of the hosts looked at are expected to be kin.

Verdict: kin. At these weights the two are run by the same provider with probability 0.999.
Kin takes at least 4.25 bits, and two families of evidence or one identity value (a key) that is not a known shared one.
- Not asked: http, jarm. An answer that is missing speaks neither for nor against.
- What would change it: if the SSH host key turned out to be common, with nothing else of its family in its place, about 2.4 bits would be left.
`
	if diff := cmp.Diff(want, explained(t, fullKin(), Scan{Hosts: 282, Baseline: true}, Style{})); diff != "" {
		t.Error(diff)
	}
}

// What speaks against may be a key of a host that the user knows to be no kin.
func TestExplainNamesTheHostThatIsNoKin(t *testing.T) {
	k := fullKin()
	k.Against = append(k.Against, cluster.Conflict{Kind: "ssh.host_key", Port: 22, Host: "SHA256:def", Bits: -19.8, Family: "identity", Not: "192.0.2.66"})
	for _, width := range []int{0, 60} {
		text := strings.Join(strings.Fields(explained(t, k, Scan{}, Style{Width: width})), " ")
		for _, must := range []string{"SSH host key of a host that is no kin", "192.0.2.66", "SHA256:def"} {
			if !strings.Contains(text, must) {
				t.Errorf("%d columns: %q is missing:\n%s", width, must, text)
			}
		}
	}
	if got := reasons(k, 200); !strings.Contains(got, "SSH host key of 192.0.2.66, no kin, -19.8") {
		t.Error(got)
	}
}

// A product that may explain everything is no question answered differently.
func TestProductDoubt(t *testing.T) {
	k := fullKin()
	k.Verdict, k.Bits = cluster.VerdictPossible, 1
	k.Against = []cluster.Conflict{{Kind: cluster.Product, Family: cluster.Product, Bits: -21.2}}
	for _, width := range []int{0, 60} {
		text := strings.Join(strings.Fields(explained(t, k, Scan{}, Style{Width: width})), " ")
		for _, must := range []string{"no question that both answered got different answers", "-21.2 A product that both run", "the key too if it is a default one: taken to be so of 50 % of the hosts",
			"against -21.20", "a key in common that is no default one"} {
			if !strings.Contains(text, must) {
				t.Errorf("%d columns: %q is missing:\n%s", width, must, text)
			}
		}
	}
	if got := reasons(k, 200); !strings.HasPrefix(got, "a product may explain it -21.2, same SSH host key") {
		t.Error(got)
	}
}

func TestExplainFitsTheTerminal(t *testing.T) {
	for _, width := range []int{200, 120, 100, 80, 60} {
		text := explained(t, fullKin(), Scan{Hosts: 282, Baseline: true}, Style{Width: width})
		for line := range strings.Lines(text) {
			if got := textWidth(strings.TrimSuffix(line, "\n")); got > width {
				t.Errorf("%d columns: a line of %d: %s", width, got, line)
			}
		}
		for _, must := range []string{"SHA256:abc", "3 networks", "1 in 1,000,000", "not", "nginx", "Apache"} {
			if !strings.Contains(text, must) {
				t.Errorf("%d columns: %q is missing:\n%s", width, must, text)
			}
		}
	}
}

// The first sentence never says more than the evidence does.
func TestOpeningSentence(t *testing.T) {
	for _, c := range []struct {
		k    cluster.Kin
		want string
	}{
		{cluster.Kin{Verdict: cluster.VerdictKin, Bits: 22, Confidence: .999}, "almost certainly"},
		{cluster.Kin{Verdict: cluster.VerdictKin, Bits: 4.5, Confidence: .958}, "is likely run by"},
		{cluster.Kin{Verdict: cluster.VerdictPossible, Bits: 9, Confidence: .998}, "leans to one provider"},
		{cluster.Kin{Verdict: cluster.VerdictPossible, Bits: .3, Confidence: .55}, "about even"},
		{cluster.Kin{Verdict: cluster.VerdictStranger, Bits: -2, Evidence: []cluster.Evidence{{Bits: 5}}}, "too little"},
		{cluster.Kin{Verdict: cluster.VerdictStranger, Bits: -8}, "no reason to think"},
	} {
		if got := opening(c.k); !strings.Contains(got, c.want) {
			t.Errorf("%s, %v bits: %q, want %q", c.k.Verdict, c.k.Bits, got, c.want)
		}
	}
}

func TestWeakEvidenceIsCalledWeak(t *testing.T) {
	one := func(verdict cluster.Verdict, bits float64, e ...cluster.Evidence) cluster.Kin {
		return cluster.Kin{Verdict: verdict, Bits: bits, Hop: 1, Evidence: e}
	}
	jarm := cluster.Evidence{Kind: "jarm", Family: "tls", Bits: 8, HeldBy: 40}
	cert := cluster.Evidence{Kind: "cert.spki", Family: "identity", Bits: 19, HeldBy: 2}
	key := cluster.Evidence{Kind: "ssh.host_key", Family: "identity", Bits: 19, HeldBy: 2}
	title := cluster.Evidence{Kind: "http.title", Family: "content", Bits: 1.5, HeldBy: 2}
	big, known := Scan{Hosts: 1000}, Scan{Hosts: 1000, Baseline: true}
	for _, c := range []struct {
		k         cluster.Kin
		scan      Scan
		want, not string
	}{
		{one(cluster.VerdictPossible, 4, jarm), big, "worth 2 bits or more: tls. Whoever runs the same software", ""},
		{one(cluster.VerdictPossible, 15, cert), big, "one certificate of a public CA", ""},
		{one(cluster.VerdictKin, 15, cert), big, "A customer of both hosts", "public CA"},
		{one(cluster.VerdictKin, 15, key), big, "An image that others use too", ""},
		{one(cluster.VerdictKin, 15, key, jarm), big, "No baseline was given", "Only one family"},
		{one(cluster.VerdictStranger, -3, title), big, "Nothing that the two share is worth 2 bits", ""},
		{one(cluster.VerdictStranger, -3), big, "7.2 bits more", "No baseline"},
		{one(cluster.VerdictPossible, 4, jarm), Scan{Hosts: 100}, "The JARM is held by 40 % of the hosts", "has only"},
		{one(cluster.VerdictPossible, 4, jarm), Scan{Hosts: 100, Baseline: true}, "0.2 bits more", "40 %"},
		{one(cluster.VerdictPossible, 4, jarm), Scan{Hosts: 50}, "has only 50 hosts", ""},
		{one(cluster.VerdictKin, 15, key, jarm), known, "about -4.0 bits would be left", "baseline"},
	} {
		got := strings.Join(doubts(c.k, c.scan), "\n")
		if !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%+v in %+v: want %q, not %q, got:\n%s", c.k, c.scan, c.want, c.not, got)
		}
	}
}

func TestOneIn(t *testing.T) {
	for share, want := range map[float64]string{1e-6: "1 in 1,000,000", .0003: "1 in 3,300", .004: "1 in 250", .0101: "1 in 99",
		.3: "30 %", 0: "none", -1: "none", 1: "100 %", 1e-7: "1 in 10,000,000"} {
		if got := oneIn(share); got != want {
			t.Errorf("%v: %q, want %q", share, got, want)
		}
	}
}
