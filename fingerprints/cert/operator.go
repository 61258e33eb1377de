package cert

import (
	"slices"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
)

// organization is the part of a subject that an operator's template fixes when
// hosts have names of their own: everything but common name, serial number,
// user id and mail address. Without O or OU it says too little to be a value.
func organization(subject []rdn) string {
	var kept []rdn
	telling := false
	for _, r := range subject {
		if !slices.ContainsFunc(r, func(a attribute) bool {
			return slices.Contains([]string{"CN", "SERIALNUMBER", "UID", "E", "GN", "SN"}, shortName(a.oid))
		}) {
			kept = append(kept, r)
			telling = telling || slices.ContainsFunc(r, func(a attribute) bool {
				return shortName(a.oid) == "O" || shortName(a.oid) == "OU"
			})
		}
	}
	if !telling {
		return ""
	}
	return nameText(kept, value.Template)
}

// domain is the registrable domain of the common name, or of the first
// alternative name if there is none.
func (c certificate) domain() string {
	name := commonName(c.subject)
	if name == "" {
		name, _, _ = strings.Cut(c.dnsNames(), ",")
	}
	return escape(value.Domain(strings.TrimPrefix(name, "*.")), "")
}

func commonName(subject []rdn) string {
	for _, r := range subject {
		for _, a := range r {
			if s, ok := a.text(); ok && shortName(a.oid) == "CN" {
				return s
			}
		}
	}
	return ""
}
