package lines

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// host is what a host is called: its address, the name it was asked by, and
// what it calls itself.
type host []string

func (h host) and(more ...string) host { return slices.Concat(h, more) }

// domain is that of the first name that the host calls itself by and that has
// one. What it was asked by is not its own word.
func (h host) domain() string {
	for _, name := range h[2:] {
		if d := value.Domain(name); d != "" {
			return value.Escaped(d, `\`)
		}
	}
	return ""
}

// template is a text without what is only this host's and this moment's; codes
// stay. A last line ending of CR LF goes; another one stays.
func (h host) template(text []byte) string {
	s := strings.TrimSuffix(string(text), "\r\n")
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(s, "\r\n", "\n")) {
		code, line := cutCode(line)
		line = stamps.ReplaceAllString(line, "{stamp}")
		for _, name := range h {
			line = replaceName(line, name)
		}
		line = times.ReplaceAllString(dates.ReplaceAllString(line, "{date}"), "{date}")
		b.WriteString(code + value.Template(value.ReplaceRuns(line, isAlnum, identifies)))
	}
	return value.Text(b.String())
}

// cutCode splits the code off a line of a reply: "220-" or "220 ".
func cutCode(line string) (code, text string) {
	if len(line) < 4 || line[3] != ' ' && line[3] != '-' || strings.Trim(line[:3], "0123456789") != "" {
		return "", line
	}
	return line[:4], line[4:]
}

// stamps are POP3's timestamps for APOP, message identifiers (RFC 1939 section
// 7), and the name of the server in base64 that Exchange ends its greeting with.
var stamps = regexp.MustCompile(`<[^<>@\s]*@[^<>@\s]*>|\[[A-Za-z0-9+/]{20,}={0,2}\]`)

const (
	day   = `(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?`
	month = `(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*`
	clock = `\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?(?: ?[AP]M\b)?(?: *(?:[-+]\d{4}\b|\(?\b(?:UTC|MSK|[A-Z]{1,3}T)\b\)?))*`
)

// dates are days with or without the time: those of RFC 5322, of ctime, and of
// ISO 8601. times are what stands alone.
var (
	dates = regexp.MustCompile(day + `(?:\d{1,2}[- ]` + month + `[- ]\d{2,4}|` + month + ` +\d{1,2}(?:,? +\d{4}\b)?|\d{4}-\d\d-\d\d)(?:[ T]+` + clock + `(?: +\d{4}\b)?)?`)
	times = regexp.MustCompile(`\b` + clock)
)

// replaceName puts {host} for a name where it stands alone.
func replaceName(s, name string) string {
	if len(name) < 2 {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, name)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		rest := s[i+len(name):]
		b.WriteString(s[:i])
		alone := (i == 0 || !inName(s[i-1])) && (len(rest) == 0 || !inName(rest[0]) || rest[0] == '.' && (len(rest) == 1 || !isAlnum(rest[1])))
		if alone {
			b.WriteString("{host}")
		} else {
			b.WriteString(name)
		}
		s = rest
	}
}

func isAlnum(c byte) bool { return value.IsDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' }
func inName(c byte) bool  { return isAlnum(c) || c == '.' || c == '-' || c == '_' }

func notInName(r rune) bool { return r > '~' || !inName(byte(r)) }

// identifies tells a session's identifier from a word: 10 or more letters and
// digits that change between the two at least three times.
func identifies(run string) bool {
	changes := 0
	for i := 1; i < len(run); i++ {
		if value.IsDigit(run[i]) != value.IsDigit(run[i-1]) {
			changes++
		}
	}
	return len(run) >= 10 && changes >= 3
}

// smtpNames are what a server calls itself: the first word of its greeting and
// of its reply to EHLO are domains or addresses (RFC 5321 section 4.2), where
// a server keeps to it.
func smtpNames(l *record.Lines) []string {
	greeted := firstWord(l.Greeting)
	var said string
	for _, command := range []string{"EHLO", "HELO"} {
		if r := reply(l, command); said == "" && r != nil && r.Status == record.OK {
			said = firstWord(r.Text)
		}
	}
	if greeted != said && !strings.ContainsAny(greeted, ".[") {
		greeted = "" // any word
	}
	return append([]string{greeted, said}, namesIn(l.Greeting)...)
}

// firstWord is what follows the code of a reply, if it may be a name or an address.
func firstWord(text []byte) string {
	_, line := cutCode(linesOf(text)[0])
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	if strings.ContainsFunc(strings.Trim(word, "[]"), notInName) && !strings.HasPrefix(word, "[") {
		return ""
	}
	return word
}

// namesIn are the words of a text that are names of hosts on the Internet, no
// addresses of mail or pages.
func namesIn(text []byte) (names []string) {
	between := func(r rune) bool { return strings.ContainsRune(" \t()[]<>,;\"'", r) }
	for _, line := range linesOf(text) {
		_, line = cutCode(line)
		for word := range strings.FieldsFuncSeq(line, between) {
			word = strings.Trim(word, ".")
			if strings.Contains(word, ".") && !strings.ContainsFunc(word, notInName) && !slices.Contains(names, word) && value.Domain(word) != "" {
				names = append(names, word)
			}
		}
	}
	return names
}

// withoutCapability leaves the list out of an IMAP greeting: it differs with
// and without TLS, and is asked for anyway.
func withoutCapability(greeting []byte) []byte {
	return inGreeting.ReplaceAll(greeting, []byte("[CAPABILITY]"))
}

var inGreeting = regexp.MustCompile(`(?i)\[CAPABILITY [^\]]*\]`)
