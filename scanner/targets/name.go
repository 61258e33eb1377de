package targets

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// hostName checks a DNS host name (RFC 1123 section 2.1: letters, digits,
// hyphens) and brings it to the form that a resolver and SNI take: ASCII,
// lower case, no final dot. problem is empty if it is one.
func hostName(s string) (name, problem string) {
	name = strings.TrimSuffix(s, ".")
	if name == "" {
		return "", "not a host name"
	}
	if !ascii(name) {
		// UTS #46 as browsers do it; plain ASCII names skip it, since it
		// refuses what exists in DNS (r3---sn-x.example).
		profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.StrictDomainName(true))
		mapped, err := profile.ToASCII(name)
		if err != nil {
			return "", "not an internationalised host name (IDNA): " + strings.TrimPrefix(err.Error(), "idna: ")
		}
		name = mapped
	}
	name = strings.ToLower(name)
	if len(name) > 253 {
		return "", fmt.Sprintf("a host name of %d characters; DNS allows 253", len(name))
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if problem := checkLabel(label); problem != "" {
			return "", problem
		}
	}
	if last := labels[len(labels)-1]; numeric(last) {
		return "", "neither an address nor a host name: a host name does not end in a number"
	}
	return name, ""
}

func checkLabel(label string) (problem string) {
	switch {
	case label == "":
		return "a host name with an empty part: two dots in a row, or one at the start"
	case len(label) > 63:
		return fmt.Sprintf("a host name with a part of %d characters; DNS allows 63", len(label))
	case label[0] == '-' || label[len(label)-1] == '-':
		return "a host name with a part that begins or ends with a hyphen"
	}
	for _, r := range label {
		if !letterDigit(r) && r != '-' {
			return fmt.Sprintf("not a target: %q cannot be part of an address or of a host name", r)
		}
	}
	return ""
}

func letterDigit(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// numeric reports whether resolvers may take a last label for a number:
// decimal or 0x-hexadecimal (inet_aton reads both).
func numeric(label string) bool {
	if digits(label) {
		return true
	}
	rest, hex := strings.CutPrefix(label, "0x")
	return hex && strings.Trim(rest, "0123456789abcdef") == ""
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}
