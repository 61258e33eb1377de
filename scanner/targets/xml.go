package targets

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// maxDepth is the deepest nesting of an XML list. nmap's scripts nest tables,
// and more than ten levels have not been seen.
const maxDepth = 100

// xml reads nmap's XML output (nmap.dtd), which masscan writes too.
func (g *gather) xml(file string, in io.Reader) error {
	window := &xmlWindow{r: in}
	dec := xml.NewDecoder(window)
	r := nmapReader{g: g, at: place{file: file}}
	for depth := 0; ; {
		window.left = maxLine
		tok, err := dec.Token()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && r.root && truncated(err):
			return g.cutShort(file)
		case err != nil:
			return xmlError(dec, err)
		}
		r.at.line, r.at.col = dec.InputPos()
		switch t := tok.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return fmt.Errorf("line %d: XML nested more than %d deep", r.at.line, maxDepth)
			}
			if depth == 1 && t.Name.Local != "nmaprun" {
				return fmt.Errorf("XML, but not of nmap or masscan: the root element is %q", cut(t.Name.Local))
			}
			r.root = true
			r.start(t, depth)
		case xml.EndElement:
			r.end(t, depth)
			depth--
		}
	}
}

func truncated(err error) bool {
	syntax, ok := errors.AsType[*xml.SyntaxError](err)
	return ok && syntax.Msg == "unexpected EOF"
}

func xmlError(dec *xml.Decoder, err error) error {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return fmt.Errorf("line %d: broken XML: %s", syntax.Line, syntax.Msg)
	}
	line, _ := dec.InputPos()
	return fmt.Errorf("line %d: %w", line, err)
}

// nmapReader follows the elements of an nmaprun.
type nmapReader struct {
	g    *gather
	at   place
	root bool

	inHost      bool
	address     string
	name        string // hostname of type user: what the scan was asked for
	addressAt   place
	down, ports bool
	tcp         bool   // the port element being read is of TCP
	port        uint16 // and its number, 0 if that is none
	open        []uint16
}

func (r *nmapReader) start(t xml.StartElement, depth int) {
	if t.Name.Local == "host" && depth == 2 {
		*r = nmapReader{g: r.g, at: r.at, root: true, inHost: true, addressAt: r.at}
		return
	}
	if !r.inHost {
		return
	}
	attr := func(name string) string {
		for _, a := range t.Attr {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	switch t.Name.Local {
	case "status":
		r.down = attr("state") == "down"
	case "address":
		if kind := attr("addrtype"); (kind == "ipv4" || kind == "ipv6" || kind == "") && r.address == "" {
			r.address, r.addressAt = attr("addr"), r.at
		}
	case "hostname":
		if attr("type") == "user" && r.name == "" {
			r.name = attr("name")
		}
	case "ports":
		r.ports = true
	case "port":
		r.tcp = attr("protocol") == "tcp"
		r.port, _ = parsePort(attr("portid"))
	case "state":
		if r.tcp && r.port != 0 && attr("state") == "open" {
			r.open = append(r.open, r.port)
			r.port = 0
		}
	}
}

func (r *nmapReader) end(t xml.EndElement, depth int) {
	if t.Name.Local != "host" || depth != 2 || !r.inHost {
		return
	}
	r.inHost = false
	if r.address == "" {
		r.g.fault(r.addressAt, "", "a host without an IPv4 or IPv6 address")
		return
	}
	r.g.result(r.address, r.name, r.open, r.down || r.ports, r.addressAt)
}

// xmlWindow fails when the decoder wants more than left bytes for one token,
// so that a hostile attribute cannot fill the memory.
type xmlWindow struct {
	r    io.Reader
	left int
}

func (w *xmlWindow) Read(p []byte) (int, error) {
	if w.left <= 0 {
		return 0, fmt.Errorf("one XML element or text of more than %d bytes", maxLine)
	}
	n, err := w.r.Read(p)
	w.left -= n
	return n, err
}
