package lineprobe

import (
	"bytes"
	"slices"
	"strings"
)

// Recognise names the protocol of lines that a server greets in, or "": "220"
// begins SMTP and FTP, and only the words after it tell which, if they do. It
// waits for a whole greeting, unless over says that no more will come.
func Recognise(greeting []byte, over bool) string {
	for _, d := range dialects() {
		switch how := d.greets(greeting); {
		case how == broken:
		case how == unfinished && !over:
			return ""
		case d.name == "smtp" || d.name == "ftp":
			return byWords(greeting)
		case how != unfinished:
			return d.name
		}
	}
	return ""
}

// greets reads b as a greeting and what may come after it.
func (d dialect) greets(b []byte) outcome {
	if len(b) == 0 || !d.fits(b) {
		return broken
	}
	var first []byte
	for line := range bytes.Lines(b) {
		if first == nil {
			first = line
		}
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		if how := d.read("", first, line); how != unfinished {
			return how
		}
	}
	return unfinished
}

// byWords tells SMTP from FTP by what a greeting says. Names of hosts do not
// count: mail.example.com may serve FTP.
func byWords(greeting []byte) string {
	var smtp, ftp, mail bool
	for word := range strings.FieldsSeq(strings.ToLower(string(greeting))) {
		if isHostName(word) {
			continue
		}
		says := func(products ...string) bool {
			return slices.ContainsFunc(products, func(p string) bool { return strings.Contains(word, p) })
		}
		smtp = smtp || says("smtp")
		ftp = ftp || says("ftp", "filezilla")
		mail = mail || says("mail", "postfix", "exim")
	}
	switch {
	case smtp && !ftp, mail && !ftp:
		return "smtp"
	case ftp && !smtp:
		return "ftp"
	}
	return ""
}

// isHostName tells a word with a dot between letters from words and versions.
func isHostName(word string) bool {
	word = strings.Trim(word, "()[]<>,;:.")
	dot := strings.LastIndexByte(word, '.')
	return dot > 0 && word[dot+1] >= 'a' && word[dot+1] <= 'z' && !strings.ContainsAny(word, "/()[]<>,;:_")
}
