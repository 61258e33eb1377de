package value

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Domain is the registrable domain of a host name: the public suffix and one
// label. Names under no known suffix (localhost, internal ones, versions) have
// none, nor has a bare suffix.
func Domain(name string) string {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if suffix, managed := publicsuffix.PublicSuffix(name); !managed && !strings.Contains(suffix, ".") {
		return "" // the list does not know it
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil {
		return ""
	}
	return domain
}
