package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hostkin/hostkin/cluster"
)

// narrow is the least width that is worth a column of evidence; with less, the
// evidence goes on a line of its own.
const narrow = 36

// telling is how many reasons a row of the table gives at most.
const telling = 4

// Kin writes the ranked table of an expand: kin and possible kin, one row
// each, then a line that counts them and the strangers, which are not listed.
func Kin(w io.Writer, kin []cluster.Kin, s Style) error {
	out := bufio.NewWriter(w)
	var shown []cluster.Kin
	count := map[cluster.Verdict]int{}
	for _, k := range kin {
		count[k.Verdict]++
		if k.Verdict != cluster.VerdictStranger {
			shown = append(shown, k)
		}
	}
	if len(shown) > 0 {
		wide := kinRows(shown, true)
		if room := wide.room(s); room >= narrow {
			for i, k := range shown {
				row := wide.rows[i+1]
				row[len(row)-1].text = reasons(k, room)
			}
			wide.write(out, s)
		} else {
			writeNarrow(out, shown, s)
		}
		out.WriteByte('\n')
	}
	fmt.Fprintf(out, "%d kin, %d possible, %s not listed (--json lists them)\n", count[cluster.VerdictKin],
		count[cluster.VerdictPossible], plural(count[cluster.VerdictStranger], "stranger"))
	return out.Flush()
}

// kinRows is the table without its reasons; withVia adds the column that only
// a wide terminal has room for.
func kinRows(kin []cluster.Kin, withVia bool) *table {
	t := &table{}
	head := []cell{right("rank"), left("host"), left("verdict"), right("bits"), right("confidence"), right("hop")}
	if withVia {
		head = append(head, left("via"))
	}
	t.head(append(head, left("evidence"))...)
	for i, k := range kin {
		row := []cell{right(strconv.Itoa(i + 1)), left(k.Host), {text: string(k.Verdict), color: verdictColor(k.Verdict)},
			right(bits(k.Bits)), right(confidence(k.Confidence)), right(strconv.Itoa(k.Hop))}
		if withVia {
			row = append(row, left(k.Via))
		}
		t.add(append(row, left(""))...)
	}
	return t
}

// writeNarrow gives each host a second, indented line for its evidence. What
// it was compared with stands there too, or at the top if it is one for all.
func writeNarrow(out *bufio.Writer, kin []cluster.Kin, s Style) {
	var block strings.Builder
	buffered := bufio.NewWriter(&block)
	t := kinRows(kin, false)
	t.rows[0][len(t.rows[0])-1].text = ""
	t.write(buffered, s)
	buffered.Flush()
	shared := !slices.ContainsFunc(kin, func(k cluster.Kin) bool { return k.Via != kin[0].Via })
	if shared {
		fmt.Fprintf(out, "via %s\n", Safe(kin[0].Via))
	}
	lines := strings.Split(strings.TrimSuffix(block.String(), "\n"), "\n")
	for i, line := range lines {
		out.WriteString(line)
		out.WriteByte('\n')
		if i > 0 {
			via := "      via " + Safe(kin[i-1].Via) + ": "
			if shared {
				via = "      "
			}
			room := max(s.Width-textWidth(via), narrow)
			out.WriteString(s.paint(dim, via+reasons(kin[i-1], room)))
			out.WriteByte('\n')
		}
	}
}

// reasons names what speaks most for and against a host, the weightiest
// first, in at most width columns.
func reasons(k cluster.Kin, width int) string {
	type reason struct {
		bits float64
		text string
	}
	var all []reason
	for _, e := range k.Evidence {
		all = append(all, reason{e.Bits, fmt.Sprintf("same %s %s (on %d)", Words(e.Kind), signed(e.Bits), e.HeldBy)})
	}
	for _, c := range k.Against {
		all = append(all, reason{c.Bits, fmt.Sprintf("other %s %s", Words(c.Kind), signed(c.Bits))})
	}
	slices.SortStableFunc(all, func(a, b reason) int { return cmp.Compare(math.Abs(b.bits), math.Abs(a.bits)) })
	text := ""
	for i, r := range all {
		if i == 0 {
			text = r.text
			continue
		}
		next := text + ", " + r.text
		if i == telling || textWidth(next+more(len(all)-i-1)) > width {
			text += more(len(all) - i)
			break
		}
		text = next
	}
	return cut(text, width)
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d more", n)
}

func verdictColor(v cluster.Verdict) string {
	switch v {
	case cluster.VerdictKin:
		return green
	case cluster.VerdictPossible:
		return yellow
	}
	return dim
}

// bits has one decimal, and no minus before a zero.
func bits(b float64) string { return strings.TrimPrefix(signed(b), "+") }

func signed(b float64) string {
	text := fmt.Sprintf("%+.1f", b)
	if text == "-0.0" {
		return "+0.0"
	}
	return text
}

func confidence(c float64) string { return strconv.FormatFloat(c, 'f', 3, 64) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
