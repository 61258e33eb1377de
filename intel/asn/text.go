package asn

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

const maxLine = 16 << 10 // bytes

// readText reads lines of "start,end,AS", "prefix,AS" or, by tabs, iptoasn's
// "start end AS country name".
func (b *Builder) readText(name string, in *bufio.Reader) error {
	first := true
	for n := 1; ; n++ {
		line, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			b.fault(name, n, 1, fmt.Errorf("longer than %d bytes", maxLine))
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			continue
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")) // byte order mark
		}
		text := strings.TrimRight(string(line), "\r\n")
		if strings.TrimSpace(text) == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		fields := split(text)
		if heading := !strings.ContainsAny(fields[0].text, ".:/0123456789"); !(first && heading) {
			if column, err := b.line(fields); errors.Is(err, errFull) {
				return err
			} else if err != nil {
				b.fault(name, n, column, err)
			}
		}
		first = false
	}
}

func (b *Builder) fault(name string, line, column int, err error) {
	if b.bad++; len(b.faults) < toldFaults {
		b.faults = append(b.faults, fmt.Errorf("%s:%d:%d: %w", name, line, column, err))
	}
}

// line adds a range, or says what is wrong with which column.
func (b *Builder) line(fields []field) (column int, err error) {
	at := func(i int) field {
		if i < len(fields) {
			return fields[i]
		}
		return field{"", 1}
	}
	var from, to netip.Addr
	next := 1 // the field of the AS
	if strings.Contains(fields[0].text, "/") {
		prefix, err := netip.ParsePrefix(fields[0].text)
		if err != nil {
			return fields[0].column, fmt.Errorf("%q is no prefix", fields[0].short())
		}
		from, to = ends(prefix)
	} else {
		next = 2
		if from, err = netip.ParseAddr(fields[0].text); err != nil {
			return fields[0].column, fmt.Errorf("%q is no address", fields[0].short())
		}
		if to, err = netip.ParseAddr(at(1).text); err != nil {
			return at(1).column, fmt.Errorf("%q is no address", at(1).short())
		}
		from, to = from.Unmap(), to.Unmap()
		if from.Is4() != to.Is4() || to.Less(from) {
			return at(1).column, fmt.Errorf("%s to %s is no range", from, to)
		}
	}
	if len(fields) <= next {
		return 1, errors.New("no AS; want start,end,AS or prefix,AS")
	}
	as, ok := parseAS(fields[next].text)
	if !ok {
		return fields[next].column, fmt.Errorf("%q is no AS number", fields[next].short())
	}
	who := at(next + 1)
	if country := who.text; len(fields) == 5 && next == 2 && (len(country) == 2 || country == "None") { // iptoasn
		who = at(4)
	}
	return 1, b.add(from, to, as, who.text)
}

// ends are the first and the last address of a prefix. An IPv4-mapped one is IPv4.
func ends(p netip.Prefix) (from, to netip.Addr) {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	from = p.Masked().Addr()
	last := from.AsSlice()
	for bit := p.Bits(); bit < 8*len(last); bit++ {
		last[bit/8] |= 0x80 >> (bit % 8)
	}
	to, _ = netip.AddrFromSlice(last)
	return from, to
}

// parseAS reads "123" and "AS123" (RFC 5396 asplain); 0 and words for nothing are nobody.
func parseAS(s string) (as uint32, ok bool) {
	switch strings.ToLower(s) {
	case "", "-", "none", "null", "not routed":
		return 0, true
	}
	if len(s) > 2 && strings.EqualFold(s[:2], "AS") {
		s = s[2:]
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// field is one of a line, and where it begins, in bytes from 1.
type field struct {
	text   string
	column int
}

// short is what a message repeats of it.
func (f field) short() string { return f.text[:min(len(f.text), 60)] }

// split cuts at tabs if there are any, else at commas outside of quotes (RFC
// 4180; a field ends with its line). There is at least one field.
func split(line string) []field {
	var out []field
	if strings.Contains(line, "\t") {
		column := 1
		for text := range strings.SplitSeq(line, "\t") {
			out = append(out, field{strings.TrimSpace(text), column})
			column += len(text) + 1
		}
		return out
	}
	for start := 0; start <= len(line); {
		end, quoted := start, false
		for end < len(line) && (quoted || line[end] != ',') {
			if line[end] == '"' {
				quoted = !quoted
			}
			end++
		}
		text := strings.TrimSpace(line[start:end])
		if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' {
			text = strings.TrimSpace(strings.ReplaceAll(text[1:len(text)-1], `""`, `"`))
		}
		out = append(out, field{text, start + 1})
		start = end + 1
	}
	return out
}
