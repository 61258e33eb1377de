package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/fingerprints"
)

const seed = "198.51.100.7"

func someKin() []cluster.Kin {
	return []cluster.Kin{
		{Host: "198.51.100.9", Verdict: cluster.VerdictKin, Bits: 24.66, Confidence: .999, Prior: 3.6, Hop: 1, Via: seed,
			Evidence: []cluster.Evidence{
				{Kind: "ssh.host_key", Value: "SHA256:abc", Bits: 19.8, HeldBy: 14, Family: "identity"},
				{Kind: "jarm", Value: "2ad2ad", Bits: 8.1, HeldBy: 40, Family: "tls"},
				{Kind: "http.title", Value: "x", Bits: 2.46, HeldBy: 15, Family: "content"}},
			Against: []cluster.Conflict{{Kind: "http.server", Port: 443, Seed: "nginx", Host: "Apache", Bits: -2.1, Family: "http"}}},
		{Host: "2001:db8:1111:2222:3333:4444:5555:6666", Verdict: cluster.VerdictPossible, Bits: 1.04, Confidence: .673, Hop: 1, Via: seed,
			Evidence: []cluster.Evidence{{Kind: "jarm", Value: "2ad2ad", Bits: 8.1, HeldBy: 40}}},
		{Host: "198.51.100.10", Verdict: cluster.VerdictStranger, Bits: -3.6, Hop: 1, Via: seed},
	}
}

func render(t *testing.T, s Style, kin []cluster.Kin) string {
	t.Helper()
	var b strings.Builder
	if err := Kin(&b, kin, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestKinTableNotOnATerminal(t *testing.T) {
	want := `rank  host                                    verdict   bits  confidence  hop  via           evidence
   1  198.51.100.9                            kin       24.7       0.999    1  198.51.100.7  same SSH host key +19.8 (on 14), same JARM +8.1 (on 40), same page title +2.5 (on 15), other Server header -2.1
   2  2001:db8:1111:2222:3333:4444:5555:6666  possible   1.0       0.673    1  198.51.100.7  same JARM +8.1 (on 40)

1 kin, 1 possible, 1 stranger not listed (--json lists them)
`
	if diff := cmp.Diff(want, render(t, Style{}, someKin())); diff != "" {
		t.Error(diff)
	}
}

func TestKinTableFitsTheTerminal(t *testing.T) {
	for _, width := range []int{200, 160, 140, 120, 100, 81} {
		text := render(t, Style{Width: width}, someKin())
		for line := range strings.Lines(text) {
			if got := textWidth(strings.TrimSuffix(line, "\n")); got > width {
				t.Errorf("%d columns: a line of %d: %s", width, got, line)
			}
		}
		for _, must := range []string{"198.51.100.9", "2001:db8:1111:2222:3333:4444:5555:6666", seed, "same SSH host key +19.8"} {
			if !strings.Contains(text, must) {
				t.Errorf("%d columns: %q is missing:\n%s", width, must, text)
			}
		}
	}
}

func TestReasonsThatDoNotFitAreCounted(t *testing.T) {
	k := someKin()[0]
	for width, want := range map[int]string{
		200: "same SSH host key +19.8 (on 14), same JARM +8.1 (on 40), same page title +2.5 (on 15), other Server header -2.1",
		70:  "same SSH host key +19.8 (on 14), same JARM +8.1 (on 40), 2 more",
		40:  "same SSH host key +19.8 (on 14), 3 more",
		20:  "same SSH host key +…",
	} {
		if got := reasons(k, width); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
}

func TestNothingFoundIsSaid(t *testing.T) {
	want := "0 kin, 0 possible, 0 strangers not listed (--json lists them)\n"
	if got := render(t, Style{Width: 80}, nil); got != want {
		t.Errorf("got %q", got)
	}
}

func TestColorOnlyWhenAsked(t *testing.T) {
	if text := render(t, Style{Width: 100}, someKin()); strings.Contains(text, "\x1b") {
		t.Errorf("colour without asking: %q", text)
	}
	colored := render(t, Style{Width: 100, Color: true}, someKin())
	if !strings.Contains(colored, "\x1b[1;32mkin\x1b[0m") {
		t.Errorf("no green kin: %q", colored)
	}
	uncolored := strings.NewReplacer("\x1b[1;32m", "", "\x1b[33m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[0m", "").Replace(colored)
	if diff := cmp.Diff(render(t, Style{Width: 100}, someKin()), uncolored); diff != "" {
		t.Errorf("colour moves the columns: %s", diff)
	}
}

// hostile is what a server may send to the one who looks at it.
const hostile = "\x1b]0;owned\a\x1b[2J\r\nroot# \u202e\u200b\x00\u009b"

func TestHostileBytesReachNoTable(t *testing.T) {
	k := cluster.Kin{Host: hostile, Via: hostile, Verdict: hostile, Bits: 9,
		Evidence: []cluster.Evidence{{Kind: hostile, Value: hostile, Bits: 9, Family: hostile}},
		Also:     []cluster.Evidence{{Kind: hostile, Value: hostile, Family: hostile}},
		Against:  []cluster.Conflict{{Kind: hostile, Seed: hostile, Host: hostile, Bits: -1, Family: hostile}},
		Probes:   cluster.Asked{Skipped: []string{hostile}}}
	g := cluster.Group{Label: hostile, Hosts: []string{hostile}, Evidence: k.Evidence,
		Bridges: []cluster.Bridge{{Kind: fingerprints.Kind(hostile), Value: hostile}}}
	for _, width := range []int{0, 60, 200} {
		var b strings.Builder
		s := Style{Width: width}
		for _, err := range []error{Kin(&b, []cluster.Kin{k}, s), Explain(&b, k, s), Groups(&b, []cluster.Group{g}, s),
			KinJSON(&b, k), GroupJSON(&b, g)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range b.String() {
			if r != '\n' && invisible(r) {
				t.Errorf("%d columns: %U came through", width, r)
			}
		}
		if n := strings.Count(b.String(), "\nroot#"); n > 0 {
			t.Errorf("%d columns: a forged line came through", width)
		}
	}
}

func TestExplainNamesEveryReasonAndAddsUp(t *testing.T) {
	k := someKin()[0]
	k.Evidence = k.Evidence[:2]
	k.Also = []cluster.Evidence{{Kind: "cert.spki", Value: "ffee", HeldBy: 13, Family: "identity"}}
	k.Bits, k.Probes.Skipped = 22.2, []string{"http", "jarm"}
	var b strings.Builder
	if err := Explain(&b, k, Style{}); err != nil {
		t.Fatal(err)
	}
	want := `198.51.100.9, judged against 198.51.100.7: kin, 22.2 bits, confidence 0.999

For: the strongest value that both hosts show, one a family
   bits  family    what is the same   held by  value
  +19.8  identity  SSH host key      14 hosts  SHA256:abc
   +8.1  tls       JARM              40 hosts  2ad2ad
      -  identity  certificate key   13 hosts  ffee
  Rows marked - are shared too, but say again what their family has already said: 0 bits.

Against: the weightiest question that the two answer differently, one a family
  bits  family  what differs   port  whose         value
  -2.1  http    Server header   443  198.51.100.7  nginx
                                     198.51.100.9  Apache

Sum: for +27.9, against -2.1, prior -3.6: 22.2 bits
The prior is what the odds are before any evidence: few of the hosts looked at are expected to be kin.

Verdict: kin. At these weights the two are run by the same provider with probability 0.999.
Kin takes at least 4.25 bits, and two families of evidence or one identity value (a key) that is not a known shared one.
Not asked: http, jarm. An answer that is missing speaks neither for nor against.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestGroups(t *testing.T) {
	groups := []cluster.Group{{ID: 1, Confidence: .99, Label: "tenant", Hosts: []string{"192.0.2.1", "192.0.2.2"},
		Evidence: []cluster.Evidence{{Kind: "ssh.host_key", Value: "SHA256:abc", Bits: 17.3, HeldBy: 2}},
		Bridges:  []cluster.Bridge{{To: 2, Kind: "jarm", Value: "2ad2ad", Bits: 3}}}}
	for range 30 {
		groups[0].Hosts = append(groups[0].Hosts, "192.0.2.3")
	}
	var b strings.Builder
	if err := Groups(&b, groups, Style{Width: 60}); err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"cluster 1: 32 hosts, confidence 0.990, tenant: held by one key",
		"  192.0.2.1  192.0.2.2  192.0.2.3", "  and 8 more (--json lists all)", "+17.3  same SSH host key",
		"bridge to cluster 2  2ad2ad", "1 cluster with 32 hosts"} {
		if !strings.Contains(b.String(), must) {
			t.Errorf("%q is missing:\n%s", must, b.String())
		}
	}
}

// A block has room for a few values: the weightiest, whatever their kinds are called.
func TestGroupsShowTheWeightiestEvidence(t *testing.T) {
	var evidence []cluster.Evidence
	for i := range listedEvidence {
		evidence = append(evidence, cluster.Evidence{Kind: "http.title", Value: strings.Repeat("x", i+1), Bits: 1, HeldBy: 2})
	}
	evidence = append(evidence, cluster.Evidence{Kind: "ssh.host_key", Value: "SHA256:abc", Bits: 17.3, HeldBy: 2})
	before := slices.Clone(evidence)
	var b strings.Builder
	if err := Groups(&b, []cluster.Group{{ID: 1, Hosts: []string{"192.0.2.1"}, Evidence: evidence}}, Style{}); err != nil {
		t.Fatal(err)
	}
	key, title := strings.Index(b.String(), "SSH host key"), strings.Index(b.String(), "page title")
	if key < 0 || key > title || !strings.Contains(b.String(), "and 1 more values") || !slices.Equal(before, evidence) {
		t.Errorf("\n%s", b.String())
	}
}

func TestEmptyListsAreNotNull(t *testing.T) {
	var b strings.Builder
	if err := KinJSON(&b, cluster.Kin{Host: "192.0.2.1"}); err != nil {
		t.Fatal(err)
	}
	if err := GroupJSON(&b, cluster.Group{ID: 1}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "null") {
		t.Error(b.String())
	}
}
