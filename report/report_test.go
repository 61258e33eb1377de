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
	if err := Kin(&b, kin, ShowPossible, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestKinTableNotOnATerminal(t *testing.T) {
	want := `rank  host                                    verdict   bits  confidence  hop  via           evidence
   1  198.51.100.9                            kin       24.7       0.999    1  198.51.100.7  same SSH host key +19.8 (on 14), same JARM +8.1 (on 40), same page title +2.5 (on 15), other Server header -2.1
   2  2001:db8:1111:2222:3333:4444:5555:6666  possible   1.0       0.673    1  198.51.100.7  same JARM +8.1 (on 40)

1 kin, 1 possible, 1 stranger; 1 not listed (--show all and --json list them)
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

func TestShow(t *testing.T) {
	kin := someKin()
	kin = append(kin,
		cluster.Kin{Host: "192.0.2.1", Verdict: cluster.VerdictStranger, Bits: -3, Prior: 6, Hop: 1, Via: seed,
			Evidence: []cluster.Evidence{{Kind: "http.server", Bits: 3, HeldBy: 9}}},
		cluster.Kin{Host: "192.0.2.2", Verdict: cluster.VerdictStranger, Bits: -5, Prior: 6, Hop: 1, Via: seed,
			Evidence: []cluster.Evidence{{Kind: "jarm", Bits: 5, HeldBy: 9}},
			Against:  []cluster.Conflict{{Kind: "ssh.software", Bits: -4, Seed: "a", Host: "b"}}})
	hosts := map[Show][]string{
		ShowKin:      {"198.51.100.9"},
		ShowPossible: {"198.51.100.9", "2001:db8:1111:2222:3333:4444:5555:6666"},
		ShowRejected: {"198.51.100.9", "2001:db8:1111:2222:3333:4444:5555:6666", "192.0.2.2", "192.0.2.1"},
		ShowAll:      {"198.51.100.9", "2001:db8:1111:2222:3333:4444:5555:6666", "192.0.2.2", "192.0.2.1", "198.51.100.10"},
	}
	for _, show := range Shows() {
		var b strings.Builder
		if err := Kin(&b, kin, show, Style{}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(b.String()) {
			if f := strings.Fields(line); len(f) > 5 && f[0] != "rank" && !strings.Contains(line, "strangers") {
				got = append(got, f[1])
			}
		}
		if diff := cmp.Diff(hosts[show], got); diff != "" {
			t.Errorf("--show %s: %s\n%s", show, diff, b.String())
		}
		if show == ShowRejected && !strings.Contains(b.String(), "prior -6.0, other SSH software -4.0, same JARM +5.0 (on 9)") {
			t.Errorf("a stranger without the reasons against it first:\n%s", b.String())
		}
	}
}

// A host of a second hop, or without evidence of its own, shows how it was come to.
func TestKinTableShowsTheWay(t *testing.T) {
	kin := someKin()
	for i := range kin {
		kin[i].Why = []cluster.Step{{Host: seed}, {Host: "192.0.2.5", Kind: "jarm"}, {Host: kin[i].Host, Kind: "cert.issuer"}}
	}
	kin[1].Hop = 2
	for _, width := range []int{0, 81, 200} {
		text := render(t, Style{Width: width}, kin)
		if n := strings.Count(text, "by way of: "); n != 1 {
			t.Errorf("%d columns: %d ways, want 1:\n%s", width, n, text)
		}
		if !strings.Contains(text, seed+" -(same JARM)- 192.0.2.5") {
			t.Errorf("%d columns:\n%s", width, text)
		}
	}
}

func TestNothingFoundIsSaid(t *testing.T) {
	want := "0 kin, 0 possible, 0 strangers\n"
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
		Also:     []cluster.Evidence{{Kind: hostile, Value: hostile, Family: hostile, Common: hostile}},
		Link:     cluster.Link{Type: hostile, Reasons: []fingerprints.Kind{hostile}}, Hop: 2,
		Why:     []cluster.Step{{Host: hostile}, {Host: hostile, Kind: hostile, Value: hostile}},
		Against: []cluster.Conflict{{Kind: hostile, Seed: hostile, Host: hostile, Bits: -1, Family: hostile}, {Kind: hostile, Host: hostile, Bits: -1, Not: hostile}},
		Probes:  cluster.Asked{Skipped: []string{hostile}}}
	g := cluster.Group{Label: hostile, Hosts: []string{hostile}, Evidence: k.Evidence,
		Bridges: []cluster.Bridge{{Kind: fingerprints.Kind(hostile), Value: hostile}},
		Related: []cluster.Related{{Bridges: []cluster.Bridge{{Kind: fingerprints.Kind(hostile), Value: hostile}}}}}
	for _, width := range []int{0, 20, 60, 200} {
		var b strings.Builder
		s := Style{Width: width}
		for _, err := range []error{Kin(&b, []cluster.Kin{k}, ShowAll, s), Explain(&b, k, Scan{Hosts: 5, Baseline: true}, s), Groups(&b, []cluster.Group{g}, s),
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

func TestRelatedGroups(t *testing.T) {
	bridge := cluster.Bridge{To: 2, Kind: "jarm", Value: "2ad2ad", Bits: 5}
	g := cluster.Group{ID: 1, Hosts: []string{"192.0.2.1"}, Label: "image", Bridges: []cluster.Bridge{bridge},
		Related: []cluster.Related{{To: 2, Hosts: 41, Bits: 9.2, Bridges: []cluster.Bridge{bridge, {To: 2, Kind: "cert.issuer", Value: "CN=x", Bits: 4.2}}}}}
	var b strings.Builder
	if err := Groups(&b, []cluster.Group{g}, Style{}); err != nil {
		t.Fatal(err)
	}
	for must, times := range map[string]int{"related: cluster 2, 41 hosts, 9.2 bits\n": 1, "same JARM": 1, "same certificate issuer": 1, "image: held by one SSH host key": 1} {
		if strings.Count(b.String(), must) != times {
			t.Errorf("%q is not there %d times:\n%s", must, times, b.String())
		}
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
	for _, must := range []string{"cluster 1: 32 hosts, confidence 0.990\n  tenant: held by one key",
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
