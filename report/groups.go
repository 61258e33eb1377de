package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/cluster"
)

// listed is how many hosts of a group, and pieces of evidence, are shown.
const (
	listedHosts    = 24
	listedEvidence = 6
)

// Groups writes the clusters of a scan, one block each: its hosts, what holds
// them together, the weightiest first, and its weak ties to other clusters.
func Groups(w io.Writer, groups []cluster.Group, s Style) error {
	out := bufio.NewWriter(w)
	hosts := 0
	for _, g := range groups {
		hosts += len(g.Hosts)
		title := fmt.Sprintf("cluster %d", g.ID)
		fmt.Fprintf(out, "%s: %s, confidence %s\n", s.paint(bold, title), plural(len(g.Hosts), "host"), confidence(g.Confidence))
		if g.Label != "" {
			paragraph(out, s, 2, yellow, labelWords(g.Label))
		}
		writeHosts(out, g.Hosts, s)
		writeGround(out, g, s)
		writeRelated(out, g, s)
		out.WriteByte('\n')
	}
	fmt.Fprintf(out, "%s with %s; hosts in no cluster are not listed\n", plural(len(groups), "cluster"), plural(hosts, "host"))
	return out.Flush()
}

func labelWords(label string) string {
	switch label {
	case "tenant":
		return "tenant: held by one key or certificate alone, perhaps a customer's rather than the provider's"
	case "cdn":
		return "cdn: held by one key or certificate alone, perhaps a front's rather than the provider's"
	case "image":
		return "image: held by one SSH host key alone, perhaps of an image that others than the provider use too"
	}
	return label
}

// writeHosts fills lines with addresses.
func writeHosts(out *bufio.Writer, hosts []string, s Style) {
	width := s.Width
	if width <= 0 {
		width = 100
	}
	line := "  "
	for i, h := range hosts {
		if i == listedHosts {
			fmt.Fprintf(out, "%s\n  and %d more (--json lists all)\n", strings.TrimRight(line, " "), len(hosts)-i)
			return
		}
		h = Safe(h)
		if len(line) > 2 && len(line)+len(h) > width {
			fmt.Fprintf(out, "%s\n", strings.TrimRight(line, " "))
			line = "  "
		}
		line += h + "  "
	}
	fmt.Fprintf(out, "%s\n", strings.TrimRight(line, " "))
}

func writeGround(out *bufio.Writer, g cluster.Group, s Style) {
	t := &table{indent: 4}
	ground := slices.Clone(g.Evidence)
	slices.SortStableFunc(ground, func(a, b cluster.Evidence) int { return cmp.Compare(b.Bits, a.Bits) })
	for _, e := range ground[:min(len(ground), listedEvidence)] {
		t.add(cell{text: signed(e.Bits), color: green, right: true}, left("same "+Words(e.Kind)),
			right("on "+plural(e.HeldBy, "host")), left(e.Value))
	}
	if len(g.Related) == 0 { // else they stand there
		for _, b := range g.Bridges {
			t.add(bridgeRow(b, fmt.Sprintf("bridge to cluster %d", b.To))...)
		}
	}
	t.write(out, s)
	if more := len(g.Evidence) - listedEvidence; more > 0 {
		fmt.Fprintf(out, "    and %d more values (--json lists all)\n", more)
	}
}

func bridgeRow(b cluster.Bridge, where string) []cell {
	return []cell{{text: signed(b.Bits), color: yellow, right: true}, left("same " + Words(b.Kind)), right(where), left(b.Value)}
}

// writeRelated names the neighbours of a group, the strongest tie first: one
// provider perhaps, too little to call them one.
func writeRelated(out *bufio.Writer, g cluster.Group, s Style) {
	for _, r := range g.Related[:min(len(g.Related), listedEvidence)] {
		paragraph(out, s, 2, plain, fmt.Sprintf("related: cluster %d, %s, %s bits", r.To, plural(r.Hosts, "host"), bits(r.Bits)))
		t := &table{indent: 4}
		for _, b := range r.Bridges[:min(len(r.Bridges), listedEvidence)] {
			t.add(bridgeRow(b, "bridge")...)
		}
		t.write(out, s)
	}
	if more := len(g.Related) - listedEvidence; more > 0 {
		fmt.Fprintf(out, "  and %d more related clusters (--json lists all)\n", more)
	}
}
