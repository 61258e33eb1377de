// Package value is the form that all fingerprints share: printable, of bounded
// length, and free of what differs from host to host. The algorithms say what
// a value is made of.
package value

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Pair is one fingerprint: a kind and its value.
type Pair struct{ Kind, Value string }

// List collects the fingerprints of one answer.
type List []Pair

// Add appends a fingerprint unless its value is empty; a value that is too
// long is capped.
func (l *List) Add(kind, text string) {
	if text != "" {
		*l = append(*l, Pair{kind, capped(text, text)})
	}
}

// Max is the longest value, in bytes.
const Max = 512

// capped is text if it is not too long, else its start and the SHA-256 of
// whole, which is text or what text was made from.
func capped(text, whole string) string {
	if len(text) <= Max {
		return text
	}
	tail := ":sha256:" + SHA256(whole)
	cut := Max - len(tail)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + tail
}

// SHA256 is the digest of b in hex.
func SHA256[T string | []byte](b T) string {
	sum := sha256.Sum256([]byte(b))
	return hex.EncodeToString(sum[:])
}

// Text is a value of what a server sent: escaped, and capped with the hash of
// what was sent.
func Text(sent string) string { return capped(Escaped(sent, `\`), sent) }

// Escaped writes s without anything that a terminal could take for a command,
// as in a Go string; the characters of special get a backslash.
func Escaped(s, special string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x` + hex.EncodeToString([]byte{s[i]}))
		case !strconv.IsPrint(r):
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		case strings.ContainsRune(special, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}
