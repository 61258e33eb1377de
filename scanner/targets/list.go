package targets

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Caps on what is read. A list is streamed: what is kept is what it says.
const (
	maxFile = 256 << 20 // bytes of one list
	maxLine = 1 << 20   // bytes of one line, of one JSON object, of one XML token
)

var errTooLarge = fmt.Errorf("longer than %d MiB; split it", maxFile>>20)

// file reads the list at path.
func (g *gather) file(path string) {
	f, err := os.Open(path)
	if err != nil {
		g.fault(place{file: path}, "", plainError(err))
		return
	}
	defer f.Close()
	g.list(path, f)
}

// plainError is an error of the file system without the path, which the fault
// has already.
func plainError(err error) string {
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		return pathError.Err.Error()
	}
	return err.Error()
}

// list reads one list, whichever of the known formats it is in.
func (g *gather) list(file string, r io.Reader) {
	g.without = 0
	before := g.taken + g.faults.count()
	in := bufio.NewReaderSize(&capped{r: r, left: maxFile}, 64<<10)
	head, err := in.Peek(4 << 10)
	if err != nil && err != io.EOF {
		g.fault(place{file: file}, "", plainError(err))
		return
	}
	if rest, ok := bytes.CutPrefix(head, []byte("\xef\xbb\xbf")); ok { // UTF-8 byte order mark
		head = rest
		in.Discard(3)
	}
	if problem := unreadable(head); problem != "" {
		g.fault(place{file: file}, "", problem)
		return
	}
	switch start := bytes.TrimLeft(head, " \t\r\n"); {
	case bytes.HasPrefix(start, []byte("<")):
		err = g.xml(file, in)
	case isJSON(start):
		err = g.json(file, in)
	default:
		err = g.lines(file, in)
	}
	if err != nil {
		g.fault(place{file: file}, "", plainError(err))
	}
	if g.without > 0 {
		g.notes.add(other, fmt.Sprintf("%s: left out %s without an open TCP port", printable(file), plural(g.without, "result")))
	} else if g.taken+g.faults.count() == before {
		g.notes.add(other, printable(file)+": nothing in it")
	}
}

// cutShort takes the end of another tool's output in the middle of a result:
// that scan is still under way or was stopped. Its whole results are good
// targets, but what is missing from exclusions could be contacted.
func (g *gather) cutShort(file string) error {
	if g.excluding() {
		return errors.New("ends in the middle of a result, so exclusions may be missing")
	}
	g.notes.add(other, printable(file)+": ends in the middle of a result; taken up to there")
	return nil
}

// unreadable says what a file is, if it cannot be any list.
func unreadable(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")), bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return "compressed; unpack it and give the text, for example by `zcat FILE | hostkin ... -`"
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return "UTF-16 text; save it as UTF-8"
	case bytes.IndexByte(head, 0) >= 0:
		return "not text"
	}
	return ""
}

// isJSON tells a JSON array or object from a target like [2001:db8::1].
func isJSON(start []byte) bool {
	switch {
	case len(start) == 0:
		return false
	case start[0] == '{':
		return true
	case start[0] != '[':
		return false
	}
	inside := bytes.TrimLeft(start[1:], " \t\r\n")
	return len(inside) == 0 || inside[0] == '{' || inside[0] == ']'
}

// lines reads a list of one or more targets a line, masscan's -oL and -oG, or
// zmap's CSV.
func (g *gather) lines(file string, in io.Reader) error {
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, maxLine)
	var columns *csvColumns
	first := true
	at := place{file: file}
	for sc.Scan() {
		at.line++
		line := sc.Text()
		if columns != nil {
			g.csvRow(columns, line, at)
			continue
		}
		toks := tokens(line)
		if len(toks) == 0 {
			continue
		}
		if first {
			first = false
			if columns = csvHeader(line); columns != nil {
				continue
			}
		}
		if !g.masscanLine(toks, at) && !g.grepable(line, toks, at) {
			g.targets(toks, at)
		}
	}
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		g.fault(place{file, at.line + 1, 1}, "", fmt.Sprintf("a line of more than %d bytes; the list is read no further", maxLine))
		return nil
	}
	return sc.Err()
}

// targets takes the words of one line, or of one argument, as TARGETs.
func (g *gather) targets(toks []token, at place) {
	for _, t := range joinRanges(toks) {
		if at.line > 0 {
			at.col = t.col
		}
		switch {
		case t.text == "-":
			g.fault(at, t.text, "standard input can be asked for on the command line only")
		case t.text[0] == '@':
			g.fault(at, t.text, "@FILE names a list on the command line, on its own; a list cannot name another")
		default:
			g.target(t.text, at)
		}
	}
}

// token is one word of a line.
type token struct {
	col  int // from 1, in bytes
	text string
}

// tokens splits a line at white space, commas and semicolons, up to a comment.
func tokens(line string) []token {
	var out []token
	if i := strings.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
	}
	start := -1
	for i := 0; i <= len(line); i++ {
		if i < len(line) && !strings.ContainsRune(" \t\r\v\f\n,;", rune(line[i])) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			out = append(out, token{start + 1, line[start:i]})
			start = -1
		}
	}
	return out
}

// joinRanges puts "10.0.0.0 - 10.0.0.255" together, the way whois writes it.
func joinRanges(toks []token) []token {
	out := toks[:0:0]
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		if i+2 < len(toks) && toks[i+1].text == "-" && strings.Trim(t.text+toks[i+2].text, "0123456789abcdefABCDEF.:") == "" {
			t.text += "-" + toks[i+2].text
			i += 2
		}
		out = append(out, t)
	}
	return out
}

// masscanLine takes a line of masscan -oL: "open tcp 443 198.51.100.7 1700000000",
// or "banner" with more words after.
func (g *gather) masscanLine(toks []token, at place) bool {
	if len(toks) < 4 {
		return false
	}
	switch toks[0].text {
	case "open", "closed", "up", "banner", "unknown":
	default:
		return false
	}
	port, err := strconv.ParseUint(toks[2].text, 10, 16)
	if err != nil {
		return false
	}
	at.col = toks[3].col
	state := toks[0].text
	if state == "banner" {
		state = "open"
	}
	g.port(toks[3].text, toks[1].text, state, port, at)
	return true
}

// port takes a result that is about one port. Only an open TCP port can be
// talked to; an answer to a ping or ARP says that the host is there.
func (g *gather) port(address, proto, state string, port uint64, at place) {
	switch {
	case proto == "icmp" || proto == "arp":
		g.result(address, "", nil, false, at)
	case proto == "tcp" && state == "open" && port > 0 && port < 1<<16:
		g.result(address, "", []uint16{uint16(port)}, true, at)
	default:
		g.result(address, "", nil, true, at)
	}
}

// grepable takes a line of masscan -oG or nmap -oG: fields separated by tabs,
// "Host: ADDRESS (NAME)" and "Ports: 22/open/tcp//ssh///, ...".
func (g *gather) grepable(line string, toks []token, at place) bool {
	if toks[0].text != "Host:" && toks[0].text != "Timestamp:" {
		return false
	}
	address, ports, scanned := "", []uint16(nil), false
	for field := range strings.SplitSeq(line, "\t") {
		key, value, _ := strings.Cut(field, ": ")
		switch key {
		case "Host":
			address, _, _ = strings.Cut(value, " ")
		case "Ports":
			scanned = true
			for p := range strings.SplitSeq(value, ", ") {
				if part := strings.Split(p, "/"); len(part) > 2 && part[1] == "open" && part[2] == "tcp" {
					if n, problem := parsePort(strings.TrimSpace(part[0])); problem == "" {
						ports = append(ports, n)
					}
				}
			}
		}
	}
	at.col = strings.Index(line, address) + 1
	if scanned || g.excluding() {
		g.result(address, "", ports, true, at)
	}
	return true
}

// capped is a reader of at most left bytes; one more is an error.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		if n, err := io.ReadFull(c.r, p[:min(1, len(p))]); n == 0 {
			return 0, err
		}
		return 0, errTooLarge
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}
