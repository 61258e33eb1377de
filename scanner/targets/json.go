package targets

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// found is one result of masscan -oJ (ip, ports), masscan -oD (ip, port,
// proto, data) or zmap's JSON module (saddr, sport, success, classification).
type found struct {
	IP    string `json:"ip"`
	Ports []struct {
		Port   flexible `json:"port"`
		Proto  string   `json:"proto"`
		Status string   `json:"status"`
	} `json:"ports"`
	Port  flexible `json:"port"`
	Proto string   `json:"proto"`
	Data  struct {
		Status string `json:"status"`
	} `json:"data"`

	Saddr   string   `json:"saddr"`
	Sport   flexible `json:"sport"`
	Success flexible `json:"success"`
	Class   string   `json:"classification"`
}

// flexible is a scalar that tools write with and without quotes.
type flexible string

// UnmarshalJSON takes any scalar as its text, and null as nothing.
func (f *flexible) UnmarshalJSON(b []byte) error {
	if text := strings.Trim(string(b), `"`); text != "null" {
		*f = flexible(text)
	}
	return nil
}

// json reads results as objects, whether they stand in an array, one a line,
// or in an array that an interrupted or old masscan left without its end.
func (g *gather) json(file string, in *bufio.Reader) error {
	s := objects{in: in, at: place{file: file, line: 1}}
	for {
		object, at, err := s.next()
		switch {
		case err == io.EOF:
			return nil
		case err == io.ErrUnexpectedEOF:
			return g.cutShort(file)
		case err != nil:
			return fmt.Errorf("line %d: %w", s.at.line, err)
		}
		if strings.Join(strings.Fields(string(object)), "") == "{finished:1}" { // the end of masscan 1.0.3's
			continue
		}
		var f found
		if err := json.Unmarshal(object, &f); err != nil {
			g.fault(at, string(object), "JSON, but not a result of masscan or zmap: "+strings.TrimPrefix(err.Error(), "json: "))
			continue
		}
		g.found(f, object, at)
	}
}

func (g *gather) found(f found, object []byte, at place) {
	switch {
	case f.Saddr != "":
		g.zmap(f.Saddr, string(f.Sport), string(f.Success), f.Class, at)
	case f.IP == "":
		g.fault(at, string(object), "JSON, but not a result of masscan or zmap: no ip and no saddr")
	case f.Ports == nil && f.Port == "":
		g.result(f.IP, "", nil, false, at)
	case f.Ports == nil:
		g.jsonPort(f.IP, f.Port, f.Proto, f.Data.Status, at)
	}
	for _, p := range f.Ports {
		if f.Saddr == "" && f.IP != "" {
			g.jsonPort(f.IP, p.Port, p.Proto, p.Status, at)
		}
	}
}

// jsonPort takes a port; a record with a banner instead of a status, or
// without a protocol, is about an open TCP port.
func (g *gather) jsonPort(ip string, port flexible, proto, status string, at place) {
	if proto == "" {
		proto = "tcp"
	}
	if status == "" {
		status = "open"
	}
	n, _ := parsePort(string(port)) // 0 if it is none
	g.port(ip, proto, status, uint64(n), at)
}

// objects finds the outermost JSON objects of a stream, skipping the commas
// and brackets between them.
type objects struct {
	in  *bufio.Reader
	at  place // line and column of the last byte read
	buf []byte
}

// next is the bytes of the next object, valid until the next call, and where
// it starts. Only {} are balanced: the bytes are then given to encoding/json.
func (o *objects) next() (object []byte, start place, err error) {
	o.buf = o.buf[:0]
	depth, inString, escaped := 0, false, false
	for {
		c, err := o.in.ReadByte()
		if err == io.EOF && depth > 0 {
			return nil, start, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, start, err
		}
		o.at.col++
		switch {
		case inString:
			inString = escaped || c != '"'
			escaped = !escaped && c == '\\'
		case c == '{':
			if depth++; depth == 1 {
				start = o.at
			}
		case c == '"' && depth > 0:
			inString = true
		case c == '}' && depth > 0:
			depth--
		case depth == 0 && !strings.ContainsRune(" \t\r\n,[]", rune(c)):
			return nil, o.at, fmt.Errorf("column %d: %q between JSON objects", o.at.col, c)
		}
		if c == '\n' {
			o.at.line++
			o.at.col = 0
		}
		if len(o.buf) == maxLine {
			return nil, start, fmt.Errorf("a JSON object of more than %d bytes", maxLine)
		}
		if depth > 0 || c == '}' {
			o.buf = append(o.buf, c)
		}
		if depth == 0 && c == '}' {
			return o.buf, start, nil
		}
	}
}
