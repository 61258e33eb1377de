package report

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/hostkin/hostkin/cluster"
)

// telltale is the least width that is worth a column of values.
const telltale = 16

// evidenceTable has a row for each shared value, the first few of which count.
func evidenceTable(all []cluster.Evidence, counting int, scan Scan) *table {
	var prevalence, networks bool
	for _, e := range all {
		prevalence = prevalence || e.Prevalence > 0
		networks = networks || e.Networks > 0
	}
	t := &table{indent: 2}
	row := func(bits, family, what, held, networksOf, strangers, baseline, value cell) {
		cells := []cell{bits, family, what, held}
		if networks {
			cells = append(cells, networksOf)
		}
		if prevalence {
			cells = append(cells, strangers)
		}
		if scan.Baseline {
			cells = append(cells, baseline)
		}
		t.add(append(cells, value)...)
	}
	bold := func(c cell) cell { c.color = bold; return c }
	row(bold(right("bits")), bold(left("family")), bold(left("what is the same")), bold(right("held by")), bold(right("in")),
		bold(right("of strangers")), bold(right("of the baseline")), bold(left("value")))
	for i, e := range all {
		row(bitsCell(e, i < counting), left(e.Family), left(Words(e.Kind)), right(plural(e.HeldBy, "host")), right(inNetworks(e)),
			right(share(e.Prevalence)), right(inBaseline(e)), left(e.Value))
	}
	return t
}

func bitsCell(e cluster.Evidence, counts bool) cell {
	if !counts {
		return right("-")
	}
	return cell{text: signed(e.Bits), color: green, right: true}
}

func inNetworks(e cluster.Evidence) string {
	if e.Networks == 0 {
		return ""
	}
	return plural(e.Networks, "network")
}

func inBaseline(e cluster.Evidence) string {
	if e.Baseline == 0 {
		return "not listed"
	}
	return oneIn(e.Baseline)
}

func share(prevalence float64) string {
	if prevalence == 0 {
		return ""
	}
	return oneIn(prevalence)
}

// writeEvidence is the table where there is no room for one: what counts has
// its figures and its value on lines of their own.
func writeEvidence(out *bufio.Writer, all []cluster.Evidence, counting int, scan Scan, s Style) {
	t := &table{indent: 2}
	t.head(right("bits"), left("family"), left("what is the same"))
	for i, e := range all {
		t.add(bitsCell(e, i < counting), left(e.Family), left(Words(e.Kind)))
	}
	lines := t.lines(s)
	fmt.Fprintln(out, lines[0])
	for i, e := range all {
		fmt.Fprintln(out, lines[i+1])
		if i < counting {
			paragraph(out, s, 9, dim, strings.Join(figures(e, scan), ", "))
			paragraph(out, s, 9, dim, e.Value)
		}
	}
}

func figures(e cluster.Evidence, scan Scan) []string {
	text := []string{"held by " + plural(e.HeldBy, "host")}
	if e.Networks > 0 {
		text = append(text, "in "+inNetworks(e))
	}
	if e.Prevalence > 0 {
		text = append(text, oneIn(e.Prevalence)+" of strangers")
	}
	switch {
	case e.Baseline > 0:
		text = append(text, oneIn(e.Baseline)+" of the baseline")
	case scan.Baseline:
		text = append(text, "not listed in the baseline")
	}
	return text
}

// writeCommon names the values that everybody may have, and why.
func writeCommon(out *bufio.Writer, all []cluster.Evidence, s Style) {
	told := 0
	for _, e := range all {
		if e.Common == "" {
			continue
		}
		if told++; told > listedEvidence {
			continue
		}
		paragraph(out, s, 2, yellow, fmt.Sprintf("The %s is a common one (%s): that both show it proves little.", Words(e.Kind), e.Common))
	}
	if told > listedEvidence {
		paragraph(out, s, 2, yellow, fmt.Sprintf("So are %d more of these values (--json tells why).", told-listedEvidence))
	}
}
