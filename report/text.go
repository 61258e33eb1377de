package report

import (
	"bufio"
	"math"
	"strconv"
	"strings"
)

// paragraph writes text, made Safe, in lines that fit the terminal, if it is
// one; the second and later ones begin two columns further in.
func paragraph(out *bufio.Writer, s Style, indent int, color, text string) {
	width := s.Width
	if width <= 0 {
		width = math.MaxInt32
	}
	line, pad := "", strings.Repeat(" ", indent)
	flush := func() {
		out.WriteString(pad)
		out.WriteString(s.paint(color, cut(line, max(8, width-len(pad)))))
		out.WriteByte('\n')
		pad = strings.Repeat(" ", indent+2)
	}
	for word := range strings.FieldsSeq(Safe(text)) {
		switch {
		case line == "":
			line = word
		case len(pad)+textWidth(line)+1+textWidth(word) > width:
			flush()
			line = word
		default:
			line += " " + word
		}
	}
	if line != "" {
		flush()
	}
}

// oneIn tells a share in words: "1 in 3,300", or "40 %" where it is large.
func oneIn(share float64) string {
	switch {
	case !(share > 0):
		return "none"
	case share >= .1:
		return percent(share)
	}
	n := 1 / share
	digits := math.Pow(10, max(0, math.Floor(math.Log10(n))-1)) // two are enough
	return "1 in " + thousands(math.Round(n/digits)*digits)
}

func percent(share float64) string { return strconv.Itoa(int(math.Round(100*share))) + " %" }

func thousands(n float64) string {
	text := strconv.FormatFloat(n, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
