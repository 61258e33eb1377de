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
		fmt.Fprintf(out, "%s: %s, confidence %s", s.paint(bold, title), plural(len(g.Hosts), "host"), confidence(g.Confidence))
		if g.Label != "" {
			fmt.Fprintf(out, ", %s", s.paint(yellow, labelWords(g.Label)))
		}
		out.WriteByte('\n')
		writeHosts(out, g.Hosts, s)
		writeGround(out, g, s)
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
	}
	return Safe(label)
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
	for _, b := range g.Bridges {
		t.add(cell{text: signed(b.Bits), color: yellow, right: true}, left("same "+Words(b.Kind)),
			right(fmt.Sprintf("bridge to cluster %d", b.To)), left(b.Value))
	}
	t.write(out, s)
	if more := len(g.Evidence) - listedEvidence; more > 0 {
		fmt.Fprintf(out, "    and %d more values (--json lists all)\n", more)
	}
}
