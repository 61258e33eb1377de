package targets

import (
	"slices"
	"strconv"
	"strings"
)

// csvColumns are the places of the columns that matter; -1 where there is
// none.
type csvColumns struct {
	address, port, success, class int
}

// csvHeader reads the first line of a list as the header of a CSV with
// addresses: zmap writes saddr (and sport, success, classification), other
// scanners write ip and port.
func csvHeader(line string) *csvColumns {
	fields := csvFields(strings.TrimSuffix(line, "\r"))
	for i := range fields {
		fields[i].text = strings.ToLower(fields[i].text)
	}
	column := func(names ...string) int {
		return slices.IndexFunc(fields, func(t token) bool { return slices.Contains(names, t.text) })
	}
	address := column("saddr")
	if address < 0 && len(fields) > 1 {
		address = column("ip")
	}
	if address < 0 {
		return nil
	}
	return &csvColumns{address, column("sport", "port"), column("success"), column("classification")}
}

func (g *gather) csvRow(c *csvColumns, line string, at place) {
	fields := csvFields(strings.TrimSuffix(line, "\r"))
	if len(fields) == 1 && fields[0].text == "" || strings.HasPrefix(fields[0].text, "#") {
		return
	}
	field := func(i int) string {
		if i < 0 || i >= len(fields) {
			return ""
		}
		return fields[i].text
	}
	address := field(c.address)
	if c.address >= len(fields) {
		at.col = 1
		g.fault(at, line, "a row that ends before the column with the address")
		return
	}
	at.col = fields[c.address].col
	g.zmap(address, field(c.port), field(c.success), field(c.class), at)
}

// zmap takes one result of zmap. class is the probe module's word for the
// answer: synack means an open TCP port.
func (g *gather) zmap(address, port, success, class string, at place) {
	if success == "0" || strings.EqualFold(success, "false") {
		g.result(address, "", nil, true, at)
		return
	}
	n, _ := strconv.ParseUint(port, 10, 16)
	if n == 0 || class != "" && class != "synack" {
		g.result(address, "", nil, false, at)
		return
	}
	g.result(address, "", []uint16{uint16(n)}, true, at)
}

// csvFields splits one line (RFC 4180 without line breaks inside quotes).
func csvFields(line string) []token {
	var out []token
	for col := 1; ; {
		text, rest, size := csvField(line)
		out = append(out, token{col, text})
		if rest == "" && size == len(line) {
			return out
		}
		col += size + 1
		line = rest
	}
}

// csvField is the first field of line, what follows its comma, and how many
// bytes it took.
func csvField(line string) (text, rest string, size int) {
	if !strings.HasPrefix(line, `"`) {
		text, rest, _ = strings.Cut(line, ",")
		return strings.TrimSpace(text), rest, len(text)
	}
	end := 1
	for end < len(line) {
		if line[end] != '"' {
			end++
		} else if end+1 < len(line) && line[end+1] == '"' {
			end += 2
		} else {
			break
		}
	}
	text = strings.ReplaceAll(line[1:end], `""`, `"`)
	skipped, rest, _ := strings.Cut(line[min(end+1, len(line)):], ",")
	return text, rest, min(end+1, len(line)) + len(skipped)
}
