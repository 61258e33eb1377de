package report

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks may follow one another: enough for any
// living script, too few to paint over the lines above and below.
const maxMarks = 3

// Safe makes text that a server chose fit for a terminal: everything that is
// not a visible character (control characters C0 and C1, escape sequences,
// line ends, bidirectional controls, zero-width and other invisible
// characters, bytes that are not UTF-8) becomes a visible escape like \x1b or
// \u202e. Letters of any script stay. The backslash is left alone, so the
// result shows what was there but cannot always be turned back into it.
func Safe(s string) string {
	if !strings.ContainsFunc(s, suspicious) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	marks := maxMarks // a mark at the very start would sit on our own text
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		mark := unicode.In(r, unicode.Mn, unicode.Me)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x`)
			b.WriteString(hexByte(s[i]))
		case invisible(r), mark && marks >= maxMarks:
			b.WriteString(escape(r))
		default:
			b.WriteRune(r)
		}
		if mark {
			marks++
		} else {
			marks = 0
		}
		i += size
	}
	return b.String()
}

// suspicious is cheap and errs on the side of looking closer.
func suspicious(r rune) bool { return r < 0x20 || r > 0x7e }

// invisible reports whether a terminal would obey r, or show nothing for it.
func invisible(r rune) bool {
	return !unicode.IsPrint(r) || r == 0x2800 /* blank braille pattern */ ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func escape(r rune) string {
	quoted := strconv.QuoteRuneToASCII(r)
	quoted = quoted[1 : len(quoted)-1]
	if quoted == string(r) { // ASCII that Go does not escape; none is invisible
		return `\x` + hexByte(byte(r))
	}
	return quoted
}

func hexByte(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}
