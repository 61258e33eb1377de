package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/hostkin/hostkin/cluster"
)

// Explain writes one judgement in full: every family's evidence for and
// against, how the sum comes about, and what the verdict means.
func Explain(w io.Writer, k cluster.Kin, s Style) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s, judged against %s: %s, %s bits, confidence %s\n\n", Safe(k.Host), Safe(k.Via),
		s.paint(verdictColor(k.Verdict), Safe(string(k.Verdict))), bits(k.Bits), confidence(k.Confidence))
	explainFor(out, k, s)
	explainAgainst(out, k, s)
	explainSum(out, k)
	fmt.Fprintf(out, "\n%s\n", meaning(k))
	if len(k.Probes.Skipped) > 0 {
		fmt.Fprintf(out, "Not asked: %s. An answer that is missing speaks neither for nor against.\n",
			Safe(strings.Join(k.Probes.Skipped, ", ")))
	}
	return out.Flush()
}

func explainFor(out *bufio.Writer, k cluster.Kin, s Style) {
	if len(k.Evidence) == 0 {
		fmt.Fprintf(out, "For: nothing. The two hosts share no value that tells anything.\n\n")
		return
	}
	out.WriteString("For: the strongest value that both hosts show, one a family\n")
	t := &table{indent: 2}
	t.head(right("bits"), left("family"), left("what is the same"), right("held by"), left("value"))
	for _, e := range k.Evidence {
		t.add(cell{text: signed(e.Bits), color: green, right: true}, left(e.Family), left(Words(e.Kind)),
			right(plural(e.HeldBy, "host")), left(e.Value))
	}
	for _, e := range k.Also {
		t.add(cell{text: "-", right: true}, left(e.Family), left(Words(e.Kind)), right(plural(e.HeldBy, "host")), left(e.Value))
	}
	t.write(out, s)
	if len(k.Also) > 0 {
		out.WriteString("  Rows marked - are shared too, but say again what their family has already said: 0 bits.\n")
	}
	out.WriteByte('\n')
}

func explainAgainst(out *bufio.Writer, k cluster.Kin, s Style) {
	if len(k.Against) == 0 {
		fmt.Fprintf(out, "Against: nothing. No question that both answered got different answers that count.\n\n")
		return
	}
	out.WriteString("Against: the weightiest question that the two answer differently, one a family\n")
	t := &table{indent: 2}
	t.head(right("bits"), left("family"), left("what differs"), right("port"), left("whose"), left("value"))
	for _, c := range k.Against {
		t.add(cell{text: signed(c.Bits), color: red, right: true}, left(c.Family), left(Words(c.Kind)+parts(c)),
			right(port(c.Port)), left(k.Via), left(c.Seed))
		t.add(left(""), left(""), left(""), left(""), left(k.Host), left(c.Host))
	}
	t.write(out, s)
	out.WriteByte('\n')
}

// parts says how much of a question with parts differs.
func parts(c cluster.Conflict) string {
	if c.Of < 2 {
		return ""
	}
	return fmt.Sprintf(" (%d of %d)", c.Differ, c.Of)
}

func port(p uint16) string {
	if p == 0 {
		return ""
	}
	return strconv.Itoa(int(p))
}

func explainSum(out *bufio.Writer, k cluster.Kin) {
	var agree, conflict float64
	for _, e := range k.Evidence {
		agree += e.Bits
	}
	for _, c := range k.Against {
		conflict += c.Bits
	}
	fmt.Fprintf(out, "Sum: for %s, against %s, prior %s: %s bits\n", signed(agree), signed(conflict), signed(-k.Prior), bits(k.Bits))
	fmt.Fprintf(out, "The prior is what the odds are before any evidence: few of the hosts looked at are expected to be kin.\n")
}

// meaning says what a verdict claims and what it does not.
func meaning(k cluster.Kin) string {
	switch k.Verdict {
	case cluster.VerdictKin:
		return fmt.Sprintf("Verdict: kin. At these weights the two are run by the same provider with probability %s.\n"+
			"Kin takes at least 4.25 bits, and two families of evidence or one identity value (a key) that is not a known shared one.",
			confidence(k.Confidence))
	case cluster.VerdictPossible:
		return "Verdict: possible. The evidence leans to the same provider, but does not reach what kin takes:\n" +
			"at least 4.25 bits, and two families of evidence or one identity value (a key). Do not act on it alone."
	}
	return "Verdict: stranger. The evidence does not outweigh the prior. This does not show that the two are unrelated:\n" +
		"a host that was set up afresh shares nothing with its kin."
}
