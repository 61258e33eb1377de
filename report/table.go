package report

import (
	"bufio"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Style is what the reader's terminal can do.
type Style struct {
	Width int  // columns; 0: not a terminal, lines may be of any length
	Color bool // ANSI colours
}

// The colours in use, as SGR parameters (ECMA-48 section 8.3.117).
const (
	plain  = ""
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "1;32"
	yellow = "33"
)

func (s Style) paint(color, text string) string {
	if !s.Color || color == plain || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// gap is the number of spaces between columns.
const gap = 2

// cell is one field of a table; its text is made Safe by the table.
type cell struct {
	text  string
	color string
	right bool // aligned to the right, for numbers
}

func left(text string) cell  { return cell{text: text} }
func right(text string) cell { return cell{text: text, right: true} }

// table is rows of equal length under a heading; the last column may be cut
// to fit the terminal, the others never are.
type table struct {
	indent int
	rows   [][]cell
}

func (t *table) add(row ...cell) {
	for i := range row {
		row[i].text = Safe(row[i].text)
	}
	t.rows = append(t.rows, row)
}

func (t *table) head(names ...cell) {
	for i := range names {
		names[i].color = bold
	}
	t.add(names...)
}

// widths is the width of each column but the last.
func (t *table) widths() []int {
	var w []int
	for _, row := range t.rows {
		for i, c := range row[:len(row)-1] {
			if i == len(w) {
				w = append(w, 0)
			}
			w[i] = max(w[i], textWidth(c.text))
		}
	}
	return w
}

// room is how many columns are left for the last one; a table that is not on
// a terminal has a million.
func (t *table) room(s Style) int {
	if s.Width <= 0 {
		return 1_000_000
	}
	used := t.indent
	for _, w := range t.widths() {
		used += w + gap
	}
	return s.Width - used
}

func (t *table) write(out *bufio.Writer, s Style) {
	for _, line := range t.lines(s) {
		out.WriteString(line)
		out.WriteByte('\n')
	}
}

// lines are the rows as they are shown, without spaces at the end.
func (t *table) lines(s Style) []string {
	widths, room := t.widths(), max(t.room(s), 8)
	lines := make([]string, len(t.rows))
	for n, row := range t.rows {
		var line strings.Builder
		pad := strings.Repeat(" ", t.indent)
		for i, c := range row {
			text, spare := c.text, 0
			if i < len(widths) {
				spare = widths[i] - textWidth(text)
			} else {
				text = cut(text, room)
			}
			if c.right {
				pad, spare = pad+strings.Repeat(" ", spare), 0
			}
			if text != "" { // pad is written only before text
				line.WriteString(pad)
				line.WriteString(s.paint(c.color, text))
				pad = ""
			}
			pad += strings.Repeat(" ", spare+gap)
		}
		lines[n] = line.String()
	}
	return lines
}

// condition is fixed rather than taken from the locale, so that output is the
// same everywhere.
func condition() *runewidth.Condition {
	return &runewidth.Condition{StrictEmojiNeutral: true}
}

func textWidth(s string) int { return condition().StringWidth(s) }

// cut shortens s to at most width columns.
func cut(s string, width int) string {
	if textWidth(s) <= width {
		return s
	}
	return condition().Truncate(s, width, "…")
}
