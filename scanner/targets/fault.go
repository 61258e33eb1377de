package targets

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fault is one thing wrong with the targets or exclusions. Parse reports all
// of them at once.
type Fault struct {
	File    string // list that it is in: a path, "standard input"; "--exclude" or "" for arguments
	Line    int    // from 1; 0 if the fault is of the file as a whole or of an argument
	Column  int    // from 1, in bytes
	Text    string // the offending text, as written, cut to a readable length
	Problem string // what is wrong with it, and what to write instead
}

// Error is `targets.txt:3:1: "300.1.1.1": what is wrong`, printable whatever
// the list held.
func (f *Fault) Error() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(printable(f.File))
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
		}
		b.WriteString(": ")
	}
	if f.Text != "" {
		b.WriteString(strconv.Quote(f.Text) + ": ")
	}
	b.WriteString(printable(f.Problem))
	return b.String()
}

// Caps on what one Parse tells; the rest is counted.
const (
	maxFaults = 50
	maxNotes  = 20  // a kind
	maxText   = 80  // bytes of offending text
	maxReason = 400 // bytes of a Problem, which can quote the text again
)

// faults collects Faults up to a cap.
type faults struct {
	kept []error
	more int
}

func (fs *faults) add(f *Fault) {
	if len(fs.kept) == maxFaults {
		fs.more++
		return
	}
	f.Text, f.Problem = cut(f.Text), shorten(f.Problem, maxReason)
	fs.kept = append(fs.kept, f)
}

func (fs *faults) count() int { return len(fs.kept) + fs.more }

func (fs *faults) err() error {
	if fs.more > 0 {
		return errors.Join(append(fs.kept, &Fault{Problem: "and " + plural(fs.more, "more fault")})...)
	}
	return errors.Join(fs.kept...)
}

// noteKind groups the notes that one list can cause any number of.
type noteKind int

const (
	masked noteKind = iota
	leftOut
	wholeHost
	other
	noteKinds
)

// notes collects what the user should know but need not change.
type notes struct {
	lines []string
	count [noteKinds]int
}

func (ns *notes) add(kind noteKind, text string) {
	ns.count[kind]++
	if ns.count[kind] <= maxNotes {
		ns.lines = append(ns.lines, text)
	}
}

func (ns *notes) all() []string {
	of := [noteKinds]string{
		masked:    "more range with host bits set",
		leftOut:   "more range with special-purpose parts left out",
		wholeHost: "more exclusion with a port, each of its whole host",
		other:     "more note",
	}
	lines := ns.lines
	for kind, n := range ns.count {
		if n > maxNotes {
			lines = append(lines, "and "+plural(n-maxNotes, of[kind]))
		}
	}
	return lines
}

// plural is "1 more fault", "2 more faults": the noun is the phrase up to its
// second word.
func plural(n int, phrase string) string {
	if n != 1 {
		words := strings.SplitN(phrase, " ", 3)
		words[min(1, len(words)-1)] += "s"
		phrase = strings.Join(words, " ")
	}
	return strconv.Itoa(n) + " " + phrase
}

// cut shortens offending text for a message.
func cut(text string) string { return shorten(text, maxText) }

// shorten keeps at most n bytes of text, up to a rune's boundary.
func shorten(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for i := range utf8.UTFMax {
		if utf8.RuneStart(text[n-i]) {
			n -= i
			break
		}
	}
	return text[:n] + "..."
}

// printable quotes s if a terminal could take it for more than text.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return strconv.Quote(s)
	}
	return s
}
