package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/cluster"
)

const (
	crowd     = .2 // share of the scan from which a value may be common rather than telling
	smallScan = 100
)

// doubts says what is weak about a judgement, then what would change it. Each
// sentence stands there only where it is true of this judgement.
func doubts(k cluster.Kin, scan Scan) []string {
	var out []string
	add := func(text string) {
		if text != "" {
			out = append(out, text)
		}
	}
	if len(k.Evidence) > 0 {
		add(narrowGround(k))
		add(crowded(k, scan))
		if scan.Hosts > 0 && scan.Hosts < smallScan {
			add(fmt.Sprintf("The scan has only %s with a fingerprint: what is common elsewhere may pass for rare here.", plural(scan.Hosts, "host")))
		}
		if !scan.Baseline {
			add("No baseline was given: how rare a value is comes from the shipped table and this scan alone. --baseline FILE tells what is common elsewhere.")
		}
	}
	if k.Hop > 1 {
		add(fmt.Sprintf("It is %d links away from the seed: the confidence is that of this link times that of the kin which vouches.", k.Hop))
	}
	if len(k.Probes.Skipped) > 0 {
		add("Not asked: " + strings.Join(k.Probes.Skipped, ", ") + ". An answer that is missing speaks neither for nor against.")
	}
	add(turn(k))
	return out
}

// narrowGround says that the evidence is of one family, or of none that counts.
func narrowGround(k cluster.Kin) string {
	var strong []cluster.Evidence
	for _, e := range k.Evidence {
		if e.Bits >= cluster.FamilyBits {
			strong = append(strong, e)
		}
	}
	if len(strong) == 0 {
		return "Nothing that the two share is worth 2 bits: many strangers share as much."
	}
	if len(strong) > 1 {
		return ""
	}
	e := strong[0]
	ground := "Only one family of evidence is worth 2 bits or more: "
	certificate := strings.HasPrefix(string(e.Kind), "cert.")
	switch {
	case e.Family == "identity" && certificate && k.Verdict == cluster.VerdictPossible && k.Hop < 2 && k.Bits >= cluster.KinBits:
		return ground + "one certificate of a public CA. A customer of both hosts may have brought that, so it makes them no kin."
	case e.Family == "identity" && certificate:
		return ground + "one " + Words(e.Kind) + ". A customer of both hosts, or a front such as a CDN, would explain that as well."
	case e.Family == "identity":
		return ground + "one " + Words(e.Kind) + ". An image that others use too, or a key that a product ships, would explain that as well."
	case slices.Contains([]string{"tls", "ssh", "http", "tcp", "service"}, e.Family):
		return ground + e.Family + ". Whoever runs the same software with the same settings shows that too."
	}
	return ground + e.Family + ". One thing that was copied would explain that."
}

// crowded names the value that counts though the largest part of a scan holds it.
func crowded(k cluster.Kin, scan Scan) string {
	var most cluster.Evidence
	for _, e := range k.Evidence {
		if e.Bits >= 1 && e.HeldBy > most.HeldBy {
			most = e
		}
	}
	share := float64(most.HeldBy) / float64(max(1, scan.Hosts))
	if scan.Hosts == 0 || share < crowd || scan.Baseline {
		return ""
	}
	return fmt.Sprintf("The %s is held by %s of the hosts of this scan: either the provider fills it or the value is common. The scan alone cannot tell which.",
		Words(most.Kind), percent(share))
}

// turn says what would change the verdict.
func turn(k cluster.Kin) string {
	missing := cluster.KinBits - k.Bits
	text := "What would change it: "
	switch {
	case k.Verdict == cluster.VerdictKin && len(k.Evidence) > 0:
		e := k.Evidence[0]
		return text + fmt.Sprintf("if the %s turned out to be common, with nothing else of its family in its place, about %s bits would be left.",
			Words(e.Kind), bits(min(k.Bits, k.Bits-productBits(k)-e.Bits)))
	case missing > 0 && productBits(k) < -missing:
		return text + "a key in common that is no default one, or networks (--asn) or a baseline (--baseline) that speak against a product. More of the same does not."
	case missing > 0:
		return text + bits(missing) + " bits more, with a key in common or with two families of evidence that are worth 2 bits each."
	case k.Hop > 1:
		return text + "a surer way to a seed."
	}
	return text + "a key in common that no customer brought, or a second family of evidence that is worth 2 bits."
}
