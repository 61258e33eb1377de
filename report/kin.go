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

// Kin writes the ranked table of an expand, one row for each host to show,
// then a line that counts them all. Strangers come last, those that share most
// first.
func Kin(w io.Writer, kin []cluster.Kin, show Show, s Style) error {
	out := bufio.NewWriter(w)
	var shown []cluster.Kin
	count, hidden := map[cluster.Verdict]int{}, 0
	for _, k := range kin {
		count[k.Verdict]++
		if show.lists(k) {
			shown = append(shown, k)
		} else {
			hidden++
		}
	}
	slices.SortStableFunc(shown, func(a, b cluster.Kin) int {
		switch x, y := a.Verdict == cluster.VerdictStranger, b.Verdict == cluster.VerdictStranger; {
		case x && y:
			return cmp.Compare(agreeing(b), agreeing(a))
		case x:
			return 1
		case y:
			return -1
		}
		return 0
	})
	if len(shown) > 0 {
		writeKin(out, shown, s)
		out.WriteByte('\n')
	}
	fmt.Fprintf(out, "%d kin, %d possible, %s", count[cluster.VerdictKin], count[cluster.VerdictPossible],
		plural(count[cluster.VerdictStranger], "stranger"))
	if hidden > 0 {
		fmt.Fprintf(out, "; %d not listed (--show all and --json list them)", hidden)
	}
	out.WriteByte('\n')
	return out.Flush()
}

func writeKin(out *bufio.Writer, shown []cluster.Kin, s Style) {
	t := kinRows(shown, true)
	room := t.room(s)
	if room < narrow {
		writeNarrow(out, shown, s)
		return
	}
	for i, k := range shown {
		row := t.rows[i+1]
		row[len(row)-1].text = reasons(k, room)
	}
	for i, line := range t.lines(s) {
		fmt.Fprintln(out, line)
		if i > 0 {
			writeWay(out, shown[i-1], s)
		}
	}
}

// writeWay tells how a host was come to that the evidence beside it does not
// tie to a seed.
func writeWay(out *bufio.Writer, k cluster.Kin, s Style) {
	if k.Verdict != cluster.VerdictStranger && len(k.Why) > 1 && (k.Hop > 1 || len(k.Evidence) == 0) {
		paragraph(out, s, 6, dim, "by way of: "+way(k.Why))
	}
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
	t := kinRows(kin, false)
	t.rows[0][len(t.rows[0])-1].text = ""
	shared := !slices.ContainsFunc(kin, func(k cluster.Kin) bool { return k.Via != kin[0].Via })
	if shared {
		fmt.Fprintf(out, "via %s\n", Safe(kin[0].Via))
	}
	for i, line := range t.lines(s) {
		fmt.Fprintln(out, line)
		if i == 0 {
			continue
		}
		k, via := kin[i-1], "      "
		if !shared {
			via += "via " + Safe(k.Via) + ": "
		}
		fmt.Fprintln(out, s.paint(dim, via+reasons(k, max(s.Width-textWidth(via), narrow))))
		writeWay(out, k, s)
	}
}

// reasons names what speaks most for and against a host, the weightiest
// first, in at most width columns. Of a stranger what speaks against comes
// first, the prior with it, then what it shares all the same.
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
		text := "other " + Words(c.Kind)
		switch {
		case c.Kind == cluster.Product:
			text = "a product may explain it"
		case c.Not != "":
			text = fmt.Sprintf("%s of %s, no kin,", Words(c.Kind), Safe(c.Not))
		}
		all = append(all, reason{c.Bits, text + " " + signed(c.Bits)})
	}
	rejected := k.Verdict == cluster.VerdictStranger
	if rejected && k.Prior > 0 {
		all = append(all, reason{-k.Prior, "prior " + signed(-k.Prior)})
	}
	slices.SortStableFunc(all, func(a, b reason) int {
		if rejected && a.bits < 0 != (b.bits < 0) {
			return cmp.Compare(a.bits, b.bits)
		}
		return cmp.Compare(math.Abs(b.bits), math.Abs(a.bits))
	})
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
