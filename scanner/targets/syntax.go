package targets

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// entry is what one TARGET text says: addresses from..to, or a name.
type entry struct {
	from, to netip.Addr // invalid for a name; unmapped
	name     string
	port     uint16 // 0 none; only with a name or a single address
	masked   bool   // host bits were set in a CIDR
}

func (e entry) span() span { return span{fromAddr(e.from), fromAddr(e.to)} }

// text is e for a note.
func (e entry) text() string {
	if e.name != "" {
		return e.name
	}
	if e.from == e.to {
		return e.from.String()
	}
	return e.from.String() + "-" + e.to.String()
}

// maxTarget bounds one target's text: an IDN of 253 ASCII characters is
// shorter than this in UTF-8.
const maxTarget = 1024

// parseTarget reads one TARGET: an address, CIDR, range, name, or one of them
// with a port. problem is empty if it is one.
func parseTarget(s string) (e entry, problem string) {
	switch {
	case s == "":
		return e, "empty"
	case len(s) > maxTarget:
		return e, fmt.Sprintf("longer than any target (%d bytes)", maxTarget)
	case strings.Contains(s, "://"):
		return e, "a URL; write its host only, as in example.com:443"
	case strings.Contains(s, "%") && strings.Contains(s, ":"):
		return e, "an address with a zone means something on one machine only; write it without the % part"
	case s[0] == '[':
		return parseBracketed(s)
	case strings.Contains(s, "/"):
		return parseCIDR(s)
	}
	if from, to, ok := splitRange(s); ok {
		return parseRange(from, to)
	}
	if strings.Count(s, ":") == 1 {
		return parseHostPort(s)
	}
	if strings.Contains(s, ":") {
		return parseIPv6(s)
	}
	return parseHost(s)
}

// parseHost reads an IPv4 address or a name.
func parseHost(s string) (e entry, problem string) {
	if a, err := netip.ParseAddr(s); err == nil {
		return entry{from: a, to: a}, ""
	}
	if dotted(s) {
		return e, badIPv4(s)
	}
	e.name, problem = hostName(s)
	return e, problem
}

func parseIPv6(s string) (e entry, problem string) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return e, "not an IPv6 address: " + reason(err)
	}
	a = a.Unmap()
	return entry{from: a, to: a}, ""
}

func parseBracketed(s string) (e entry, problem string) {
	inside, rest, ok := strings.Cut(s[1:], "]")
	switch {
	case !ok:
		return e, "a [ without its ]"
	case !strings.Contains(inside, ":"):
		return e, "brackets are for IPv6 addresses"
	}
	e, problem = parseIPv6(inside)
	if problem != "" || rest == "" {
		return e, problem
	}
	port, ok := strings.CutPrefix(rest, ":")
	if !ok {
		return entry{}, "after ] only a port can follow, as in [2001:db8::1]:443"
	}
	e.port, problem = parsePort(port)
	return e, problem
}

func parseHostPort(s string) (e entry, problem string) {
	host, port, _ := strings.Cut(s, ":")
	if host == "" {
		return e, "a port without a host"
	}
	e, problem = parseHost(host)
	if problem != "" {
		return entry{}, problem
	}
	e.port, problem = parsePort(port)
	return e, problem
}

func parsePort(s string) (port uint16, problem string) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Sprintf("%q is not a port: a number from 1 to 65535", cut(s))
	}
	return uint16(n), ""
}

func parseCIDR(s string) (e entry, problem string) {
	host, length, _ := strings.Cut(s, "/")
	a, err := netip.ParseAddr(host)
	switch {
	case err != nil && dotted(host):
		return e, badIPv4(host)
	case err != nil && strings.Contains(host, ":"):
		return e, "not an IPv6 address: " + reason(err)
	case err != nil:
		return e, "a prefix length needs an address before it; a host name or a URL has none"
	case strings.Contains(length, "."):
		return e, "a net mask; write the prefix length instead, as in " + host + "/24"
	case strings.Contains(length, ":"):
		return e, "a port goes with a single host; give ports for a range with --ports"
	}
	n, err := strconv.Atoi(length)
	if err != nil || !digits(length) || n > a.BitLen() {
		return e, fmt.Sprintf("%q is not a prefix length: a number from 0 to %d", cut(length), a.BitLen())
	}
	if a.Is4In6() {
		if n < 96 {
			return e, "covers IPv4-mapped and IPv6 addresses; write the IPv4 and the IPv6 range on their own"
		}
		a, n = a.Unmap(), n-96
	}
	p := netip.PrefixFrom(a, n).Masked()
	whole := spanOf(p)
	return entry{from: p.Addr(), to: lastAddr(p, whole), masked: p.Addr() != a}, ""
}

// lastAddr is the last address of p; whole.to.addr() would unmap a v6 one.
func lastAddr(p netip.Prefix, whole span) netip.Addr {
	if p.Addr().Is4() {
		return whole.to.addr()
	}
	return whole.to.addr6()
}

// splitRange cuts a-b, if s is one and not a name with a hyphen: a is an
// address, and b is written with an address's characters.
func splitRange(s string) (from, to string, ok bool) {
	from, to, ok = strings.Cut(s, "-")
	if !ok {
		return "", "", false
	}
	if strings.Contains(from, ":") {
		return from, to, true
	}
	return from, to, dotted(from) && strings.Trim(to, "0123456789.:-") == ""
}

func parseRange(from, to string) (e entry, problem string) {
	a, err := netip.ParseAddr(from)
	switch {
	case err != nil && strings.Count(from, ":") == 1:
		return e, "a target has one port at most; give several with --ports"
	case err != nil && strings.Contains(from, ":"):
		return e, "the start of a range is not an IPv6 address: " + reason(err)
	case err != nil:
		return e, badIPv4(from)
	case strings.Count(to, ":") == 1:
		return e, "a port goes with a single host; give ports for a range with --ports"
	}
	if a.Is4() && digits(to) { // 10.0.0.1-50: the last octet
		i := strings.LastIndexByte(from, '.')
		to = from[:i+1] + to
	}
	b, err := netip.ParseAddr(to)
	switch {
	case err != nil && dotted(to):
		return e, badIPv4(to)
	case err != nil:
		return e, fmt.Sprintf("the end of a range must be an address, or the last octet of an IPv4 address: %q", cut(to))
	}
	a, b = a.Unmap(), b.Unmap()
	switch {
	case a.Is4() != b.Is4():
		return e, "a range from one address family to the other"
	case b.Less(a):
		return e, "a range that ends before it begins"
	}
	return entry{from: a, to: b}, ""
}

// dotted reports whether s was meant as an IPv4 address: digits, dots and
// wildcards only.
func dotted(s string) bool {
	return strings.Trim(s, "0123456789.*") == "" && strings.ContainsAny(s, "0123456789")
}

// badIPv4 says what is wrong with an IPv4 address that did not parse.
func badIPv4(s string) string {
	if strings.Contains(s, "*") {
		return "a wildcard; write a prefix or a range instead, as in 192.0.2.0/24"
	}
	octets := strings.Split(s, ".")
	if len(octets) == 1 {
		return "a number alone is no target"
	}
	for _, o := range octets {
		n, err := strconv.Atoi(o)
		switch {
		case o == "":
			return "not an IPv4 address: an octet is missing between dots"
		case err != nil || n > 255:
			return fmt.Sprintf("not an IPv4 address: octet %s is over 255", cut(o))
		case len(o) > 1 && o[0] == '0':
			return fmt.Sprintf("not an IPv4 address: octet %s has a leading zero, which some programs read as octal; write %d", o, n)
		}
	}
	return fmt.Sprintf("not an IPv4 address: %d octets instead of 4", len(octets))
}

// reason is the end of netip's message, which repeats the whole text first.
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "): "); i >= 0 {
		return text[i+3:]
	}
	return cut(text)
}
