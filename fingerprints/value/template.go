package value

import "strings"

// Template replaces what machines count or draw by '#': runs of 8 or more hex
// digits that hold a decimal one, then runs of decimal digits.
func Template(s string) string {
	s = ReplaceRuns(s, IsHex, func(run string) bool { return len(run) >= 8 && HasDigit(run) })
	return ReplaceRuns(s, IsDigit, func(string) bool { return true })
}

// ReplaceRuns puts '#' for every longest run of a class that is variable.
func ReplaceRuns(s string, class func(byte) bool, variable func(run string) bool) string {
	var b strings.Builder
	for len(s) > 0 {
		n := 0
		for n < len(s) && class(s[n]) {
			n++
		}
		switch run := s[:n]; {
		case n == 0:
			n = 1
			b.WriteByte(s[0])
		case variable(run):
			b.WriteByte('#')
		default:
			b.WriteString(run)
		}
		s = s[n:]
	}
	return b.String()
}

// IsDigit is the class of decimal digits.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// IsHex is the class of hexadecimal digits of either case.
func IsHex(c byte) bool { return IsDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// HasDigit tells whether a decimal digit is in s: without one, hexadecimal
// digits are a word for all we know.
func HasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }
