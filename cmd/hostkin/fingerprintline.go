package main

import (
	"bytes"
	"net/netip"
	"unicode/utf8"

	"github.com/hostkin/hostkin/fingerprints"
)

// maxKinds is how many kinds are kept to be recognised again; there are some
// sixty, a hostile file may name millions.
const maxKinds = 256

// quickReader reads lines of fingerprint/1 in the form in which hostkin writes
// them: one flat object without spaces, escapes and unknown keys. Large scans
// are tens of millions of these, and encoding/json takes ten times as long.
// It keeps what neighbouring lines have in common.
type quickReader struct {
	given []byte // the host of the last line as it stood there
	host  string // its address
	kinds map[string]fingerprints.Kind
}

// read reports whether it could read a line; of any other, a wrong one too,
// encoding/json must say what it is. The result is what json.Unmarshal and
// checkFingerprint give.
func (q *quickReader) read(text []byte, f *fingerprints.Fingerprint) bool {
	if len(text) < 2 || text[0] != '{' {
		return false
	}
	*f = fingerprints.Fingerprint{}
	var host, value []byte
	var seen [6]bool
	for rest := text[1:]; ; rest = rest[1:] {
		key, after, ok := quoted(rest)
		if !ok || len(after) == 0 || after[0] != ':' {
			return false
		}
		rest = after[1:]
		var i int
		switch string(key) {
		case "schema":
			var schema []byte
			if schema, rest, ok = quoted(rest); string(schema) != fingerprints.Schema {
				return false
			}
			i, f.Schema = 0, fingerprints.Schema
		case "host":
			i = 1
			host, rest, ok = quoted(rest)
		case "port":
			i = 2
			f.Port, rest, ok = portNumber(rest)
		case "kind":
			i = 3
			var kind []byte
			kind, rest, ok = quoted(rest)
			f.Kind = q.kind(kind)
		case "value":
			i = 4
			value, rest, ok = quoted(rest)
		case "partial":
			i = 5
			rest, ok = bytes.CutPrefix(rest, []byte("true"))
			f.Partial = true
		default:
			return false
		}
		if !ok || seen[i] || len(rest) == 0 {
			return false
		}
		seen[i] = true
		if rest[0] == '}' {
			f.Value = string(value)
			return len(rest) == 1 && seen[0] && f.Kind != "" && f.Value != "" && q.address(host, f)
		}
		if rest[0] != ',' {
			return false
		}
	}
}

// quoted takes a JSON string off the front of b; not one with escapes.
func quoted(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	end := bytes.IndexByte(b[1:], '"')
	if end < 0 {
		return nil, nil, false
	}
	text, rest = b[1:1+end], b[2+end:]
	ascii := true
	for _, c := range text {
		if c < ' ' || c == '\\' {
			return nil, nil, false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return text, rest, ascii || utf8.Valid(text)
}

// portNumber takes a JSON number off the front of b; only a plain port.
func portNumber(b []byte) (port uint16, rest []byte, ok bool) {
	n, i := 0, 0
	for ; i < len(b) && i < 6 && '0' <= b[i] && b[i] <= '9'; i++ {
		n = 10*n + int(b[i]-'0')
	}
	if i == 0 || n > 65535 || b[0] == '0' && i > 1 {
		return 0, nil, false
	}
	return uint16(n), b[i:], true
}

func (q *quickReader) kind(text []byte) fingerprints.Kind {
	if k, known := q.kinds[string(text)]; known {
		return k
	}
	k := fingerprints.Kind(text)
	if q.kinds == nil {
		q.kinds = map[string]fingerprints.Kind{}
	}
	if len(q.kinds) < maxKinds {
		q.kinds[string(k)] = k
	}
	return k
}

// address fills in the host in the spelling of netip.
func (q *quickReader) address(text []byte, f *fingerprints.Fingerprint) bool {
	if q.host == "" || !bytes.Equal(text, q.given) {
		addr, err := netip.ParseAddr(string(text))
		if err != nil {
			return false
		}
		q.given, q.host = append(q.given[:0], text...), addr.String()
	}
	f.Host = q.host
	return true
}
