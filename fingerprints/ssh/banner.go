package ssh

import (
	"bytes"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
)

// banner is the identification string without "SSH-2.0-" and CR LF. Another
// protocol version stays; another line ending is noted as \n. A line that did
// not end may lack its end: it is no fingerprint.
func banner(line []byte) string {
	text, ending, ok := identification(line)
	if !ok {
		return ""
	}
	if ending != "\r\n" {
		text += "\n"
	}
	return value.Text(text)
}

// software is the same with the last number of the comment as '#', which a
// patch counts up (Debian-2+deb12u10, Ubuntu-3ubuntu0.13, FreeBSD-20240701),
// and without the line ending. The software version itself stays.
func software(line []byte) string {
	text, _, ok := identification(line)
	if !ok {
		return ""
	}
	version, comment, _ := strings.Cut(text, " ")
	if comment == "" {
		return value.Text(text)
	}
	end := strings.LastIndexAny(comment, "0123456789") + 1
	start := end
	for start > 0 && value.IsDigit(comment[start-1]) {
		start--
	}
	if start < end {
		comment = comment[:start] + "#" + comment[end:]
	}
	return value.Text(version + " " + comment)
}

// identification takes a line (RFC 4253 section 4.2) apart. The comment of
// tinysshd is drawn anew for every connection: it becomes '#'.
func identification(line []byte) (text, ending string, ok bool) {
	text, ended := strings.CutSuffix(string(line), "\n")
	text, isSSH := strings.CutPrefix(text, "SSH-")
	if !ended || !isSSH {
		return "", "", false
	}
	ending = "\n"
	text, crlf := strings.CutSuffix(strings.TrimPrefix(text, "2.0-"), "\r")
	if crlf {
		ending = "\r\n"
	}
	if version, _, has := strings.Cut(text, " "); has && strings.HasPrefix(version, "tinyssh_") {
		text = version + " #"
	}
	return text, ending, true
}

// preamble is the template of the lines that a server says before it
// identifies itself (RFC 4253 section 4.2): a notice of its operator, or the
// chatter of what stands before it. A server that says only this and leaves is
// busy or a tarpit: that is no fingerprint.
func preamble(lines [][]byte, identification []byte) string {
	if len(identification) == 0 {
		return ""
	}
	return value.Text(value.Template(string(bytes.Join(lines, nil))))
}
