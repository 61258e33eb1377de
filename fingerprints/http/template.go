package http

import (
	"net"
	"regexp"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// names are what a host is called.
type names []string

// ownNames is the host asked for without its port, its SNI, and more.
func ownNames(h *record.HTTP, more []string) names {
	host := h.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	var out names
	for _, n := range append([]string{strings.Trim(host, "[]"), h.SNI}, more...) {
		if len(n) >= 3 { // shorter ones are found in any text
			out = append(out, n)
		}
	}
	return out
}

// replace puts {host} for every own name that stands alone in a text.
func (n names) replace(text string) string {
	for _, name := range n {
		text = replaceWord(text, name, "{host}")
	}
	return text
}

// replaceWord replaces word where no letter, digit, '.' or '-' that would make
// it part of a longer name is next to it. A full stop after it ends a sentence.
func replaceWord(text, word, by string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, word)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		rest := text[i+len(word):]
		b.WriteString(text[:i])
		if i > 0 && inName(text[i-1]) || len(rest) > 0 && inName(rest[0]) && (rest[0] != '.' || len(rest) > 1 && inName(rest[1])) {
			b.WriteString(word)
		} else {
			b.WriteString(by)
		}
		text = rest
	}
}

func inName(c byte) bool { return isWord(c) && c != '_' || c == '.' || c == '-' }

// sameEverywhere takes out of an error page what depends on the request, the
// host and the hour.
func sameEverywhere(text, path string, own names) string {
	if path = strings.Trim(path, "/"); path != "" {
		text = strings.ReplaceAll(text, path, "{path}")
	}
	text = hostPort.ReplaceAllString(own.replace(text), "{host}")
	text = serverPort.ReplaceAllString(text, "Port {port}")
	return withoutIDs(dates.ReplaceAllString(text, "#"))
}

// hostPort is the host with a port, serverPort how Apache signs the pages that it makes.
var (
	hostPort   = regexp.MustCompile(`\{host\}\]?:\d{1,5}\b`)
	serverPort = regexp.MustCompile(`\bPort \d{1,5}\b`)
)

const month = `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*`

// dates finds times of day, ISO dates, and days with English names of months.
var dates = regexp.MustCompile(`\d{1,2}:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\d|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?` +
	`(?:\d{1,2}[ -]` + month + `[ ,-]+\d{4}|` + month + ` +\d{1,2}(?:,? +\d{4})?)`)

// withoutIDs replaces what looks like an identifier: 16 or more hexadecimal
// digits and hyphens (hashes, UUIDs) or letters and digits (tokens), with a
// digit among them, or 9 or more digits.
func withoutIDs(s string) string {
	long := func(run string) bool { return len(run) >= 16 && value.HasDigit(run) }
	s = value.ReplaceRuns(s, func(c byte) bool { return value.IsHex(c) || c == '-' }, long)
	s = value.ReplaceRuns(s, isWord, long)
	return value.ReplaceRuns(s, value.IsDigit, func(run string) bool { return len(run) >= 9 })
}

func isWord(c byte) bool { return value.IsDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
