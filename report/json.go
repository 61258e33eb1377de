package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/hostkin/hostkin/cluster"
)

// JSON writes v as one line of JSON in one call of w.Write. Control, bidi and
// other invisible characters, which JSON allows in strings, are written as
// \u escapes: the same value to a program, harmless on a terminal.
func JSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	line := b.Bytes() // ends in a newline
	if bytes.ContainsFunc(line[:len(line)-1], suspicious) {
		line = append(escapeJSON(line[:len(line)-1]), '\n')
	}
	_, err := w.Write(line)
	return err
}

// escapeJSON rewrites invisible characters; outside strings JSON has none.
func escapeJSON(line []byte) []byte {
	out := make([]byte, 0, len(line)+32)
	for len(line) > 0 {
		r, size := utf8.DecodeRune(line)
		switch {
		case !invisible(r):
			out = append(out, line[:size]...)
		case r > 0xffff: // a surrogate pair (RFC 8259 section 7)
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		line = line[size:]
	}
	return out
}

// KinJSON writes one line of "kin/1". Empty lists are [], never null.
func KinJSON(w io.Writer, k cluster.Kin) error {
	if k.Evidence == nil {
		k.Evidence = []cluster.Evidence{}
	}
	if k.Against == nil {
		k.Against = []cluster.Conflict{}
	}
	return JSON(w, k)
}

// GroupJSON writes one line of "cluster/1". Empty lists are [], never null.
func GroupJSON(w io.Writer, g cluster.Group) error {
	if g.Hosts == nil {
		g.Hosts = []string{}
	}
	if g.Evidence == nil {
		g.Evidence = []cluster.Evidence{}
	}
	if g.Bridges == nil {
		g.Bridges = []cluster.Bridge{}
	}
	return JSON(w, g)
}
