package report

import (
	"fmt"
	"strings"

	"github.com/hostkin/hostkin/cluster"
)

// opening is the verdict as a sentence.
func opening(k cluster.Kin) string {
	figures := fmt.Sprintf(": %s, %s bits, confidence %s.", k.Verdict, bits(k.Bits), confidence(k.Confidence))
	switch {
	case k.Verdict == cluster.VerdictKin && k.Confidence >= .99:
		return k.Host + " is almost certainly run by the same provider as " + k.Via + figures
	case k.Verdict == cluster.VerdictKin:
		return k.Host + " is likely run by the same provider as " + k.Via + figures
	case k.Verdict == cluster.VerdictPossible && k.Bits >= 1:
		return "The evidence leans to one provider for " + k.Host + " and " + k.Via + figures
	case k.Verdict == cluster.VerdictPossible:
		return k.Host + " and " + k.Via + " may be of one provider or not, the odds are about even" + figures
	case agreeing(k) >= cluster.FamilyBits:
		return "What " + k.Host + " and " + k.Via + " share is too little to think that one provider runs both" + figures
	}
	return "There is no reason to think that one provider runs " + k.Host + " and " + k.Via + figures
}

// linkWords says what two hosts have in common beside the provider.
func linkWords(l cluster.Link) string {
	text := ""
	switch l.Type {
	case "":
		return ""
	case cluster.SameMachine:
		text = "The link: the same machine, or a copy that answers alike"
	default:
		text = "The link: " + string(l.Type)
	}
	var same []string
	for _, kind := range l.Reasons {
		same = append(same, Words(kind))
	}
	if same != nil {
		text += " (same " + strings.Join(same, ", ") + ")"
	}
	return text + "."
}

// way draws the steps from a seed: "seed -(same SSH host key)- x".
func way(steps []cluster.Step) string {
	var b strings.Builder
	for i, step := range steps {
		if i > 0 {
			fmt.Fprintf(&b, " -(same %s)- ", Words(step.Kind))
		}
		b.WriteString(step.Host)
	}
	return b.String()
}

// meaning says what a verdict claims and what it does not.
func meaning(k cluster.Kin) []string {
	switch k.Verdict {
	case cluster.VerdictKin:
		return []string{fmt.Sprintf("Verdict: kin. At these weights the two are run by the same provider with probability %s.", confidence(k.Confidence)),
			"Kin takes at least 4.25 bits, and two families of evidence or one identity value (a key) that is not a known shared one."}
	case cluster.VerdictPossible:
		return []string{"Verdict: possible. The evidence leans to the same provider, but does not reach what kin takes: " +
			"at least 4.25 bits, and two families of evidence or one identity value (a key). Do not act on it alone."}
	}
	return []string{"Verdict: stranger. The evidence does not outweigh the prior. This does not show that the two are unrelated: " +
		"a host that was set up afresh shares nothing with its kin."}
}
