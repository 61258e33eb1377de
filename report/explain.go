package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/hostkin/hostkin/cluster"
)

// Scan is what a judgement rests on beside the two hosts.
type Scan struct {
	Hosts    int  // with a fingerprint
	Baseline bool // prevalence beyond the scan was known
}

// Explain writes one judgement in full: the verdict in words, every family's
// evidence for and against, how the sum comes about, and what is weak about it.
func Explain(w io.Writer, k cluster.Kin, scan Scan, s Style) error {
	out := bufio.NewWriter(w)
	paragraph(out, s, 0, verdictColor(k.Verdict), opening(k))
	if link := linkWords(k.Link); link != "" {
		paragraph(out, s, 0, plain, link)
	}
	if len(k.Why) > 1 {
		paragraph(out, s, 0, plain, "The way from the seed: "+way(k.Why))
	}
	out.WriteByte('\n')
	explainFor(out, k, scan, s)
	explainAgainst(out, k, s)
	explainSum(out, k, s)
	out.WriteByte('\n')
	for _, sentence := range meaning(k) {
		paragraph(out, s, 0, plain, sentence)
	}
	for _, sentence := range doubts(k, scan) {
		paragraph(out, s, 0, plain, "- "+sentence)
	}
	return out.Flush()
}

func explainFor(out *bufio.Writer, k cluster.Kin, scan Scan, s Style) {
	if len(k.Evidence) == 0 {
		paragraph(out, s, 0, plain, "For: nothing. The two hosts share no value that tells anything.")
		out.WriteByte('\n')
		return
	}
	paragraph(out, s, 0, plain, "For: the strongest value that both hosts show, one a family")
	all := append(k.Evidence[:len(k.Evidence):len(k.Evidence)], k.Also...)
	if t := evidenceTable(all, len(k.Evidence), scan); t.room(s) >= telltale {
		t.write(out, s)
	} else {
		writeEvidence(out, all, len(k.Evidence), scan, s)
	}
	if len(k.Also) > 0 {
		paragraph(out, s, 2, plain, "Rows marked - are shared too, but say again what their family has already said: 0 bits.")
	}
	writeCommon(out, all, s)
	out.WriteByte('\n')
}

func explainAgainst(out *bufio.Writer, k cluster.Kin, s Style) {
	doubt, doubted := productDoubt(k)
	k.Against = slices.DeleteFunc(slices.Clone(k.Against), func(c cluster.Conflict) bool { return c.Kind == cluster.Product })
	if len(k.Against) == 0 {
		paragraph(out, s, 0, plain, "Against: no question that both answered got different answers that count.")
	} else {
		writeDifferences(out, k, s)
	}
	if doubted {
		paragraph(out, s, 2, red, doubt)
	}
	out.WriteByte('\n')
}

// productDoubt says what a product takes from a judgement, and how likely it
// is taken to be: log-odds b became -log2(2^-b + doubt) by it.
func productDoubt(k cluster.Kin) (text string, ok bool) {
	less := productBits(k)
	if less == 0 {
		return "", false
	}
	key := ""
	if slices.ContainsFunc(k.Evidence, func(e cluster.Evidence) bool { return e.Family == "identity" }) {
		key = ", the key too if it is a default one"
	}
	chance := math.Exp2(-k.Bits) - math.Exp2(less-k.Bits)
	return fmt.Sprintf("%s  A product that both run, and that no list names, may explain all that they share%s: "+
		"taken to be so of %s of the hosts that agree like this in such a scan. Bits cannot outweigh it.", signed(less), key, share(min(1, chance))), true
}

func productBits(k cluster.Kin) (sum float64) {
	for _, c := range k.Against {
		if c.Kind == cluster.Product {
			sum += c.Bits
		}
	}
	return sum
}

func writeDifferences(out *bufio.Writer, k cluster.Kin, s Style) {
	paragraph(out, s, 0, plain, "Against: the weightiest question that the two answer differently, one a family")
	t := &table{indent: 2}
	t.head(right("bits"), left("family"), left("what differs"), right("port"), left("whose"), left("value"))
	for _, c := range k.Against {
		row := []cell{{text: signed(c.Bits), color: red, right: true}, left(c.Family), left(differing(c)), right(port(c.Port))}
		if c.Not != "" {
			t.add(append(row, left(c.Not), left(c.Host))...)
			continue
		}
		t.add(append(row, left(k.Via), left(c.Seed))...)
		t.add(left(""), left(""), left(""), left(""), left(k.Host), left(c.Host))
	}
	if t.room(s) >= telltale {
		t.write(out, s)
	} else {
		writeAgainst(out, k, s)
	}
}

// writeAgainst is the table where there is no room for one.
func writeAgainst(out *bufio.Writer, k cluster.Kin, s Style) {
	t := &table{indent: 2}
	t.head(right("bits"), left("family"), left("what differs"))
	for _, c := range k.Against {
		t.add(cell{text: signed(c.Bits), color: red, right: true}, left(c.Family), left(differing(c)))
	}
	lines := t.lines(s)
	fmt.Fprintln(out, lines[0])
	for i, c := range k.Against {
		fmt.Fprintln(out, lines[i+1])
		at := ""
		if c.Port != 0 {
			at = " port " + port(c.Port)
		}
		if c.Not != "" {
			paragraph(out, s, 9, dim, c.Not+at+": "+c.Host)
			continue
		}
		paragraph(out, s, 9, dim, k.Via+at+": "+c.Seed)
		paragraph(out, s, 9, dim, k.Host+at+": "+c.Host)
	}
}

// differing says what differs, and how much of a question with parts.
func differing(c cluster.Conflict) string {
	switch {
	case c.Not != "":
		return Words(c.Kind) + " of a host that is no kin"
	case c.Of < 2:
		return Words(c.Kind)
	}
	return fmt.Sprintf("%s (%d of %d)", Words(c.Kind), c.Differ, c.Of)
}

func port(p uint16) string {
	if p == 0 {
		return ""
	}
	return strconv.Itoa(int(p))
}

func explainSum(out *bufio.Writer, k cluster.Kin, s Style) {
	paragraph(out, s, 0, plain, fmt.Sprintf("Sum: for %+.2f, against %+.2f, prior %+.2f: %.2f bits", agreeing(k), conflicting(k),
		0-k.Prior, k.Bits))
	paragraph(out, s, 0, plain, "The prior is what the odds are before any evidence: few of the hosts looked at are expected to be kin.")
}

func agreeing(k cluster.Kin) (sum float64) {
	for _, e := range k.Evidence {
		sum += e.Bits
	}
	return sum
}

func conflicting(k cluster.Kin) (sum float64) {
	for _, c := range k.Against {
		sum += c.Bits
	}
	return sum
}
