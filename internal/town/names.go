package town

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// pick returns one of list.
func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// chance is true with probability p.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

// word is a pronounceable made-up word.
func word(r *rand.Rand, syllables int) string {
	var b strings.Builder
	for range syllables {
		b.WriteString(pick(r, "b", "br", "d", "dr", "f", "g", "gl", "k", "kr", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "tr", "v", "z", "sh"))
		b.WriteString(pick(r, "a", "e", "i", "o", "u", "a", "e", "o", "ai", "ou"))
	}
	if chance(r, .6) {
		b.WriteString(pick(r, "n", "r", "s", "t", "x", "k", "l", "m"))
	}
	return b.String()
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// domain is under a reserved top level (RFC 2606), so that it is nobody's.
func domain(r *rand.Rand) string {
	name := word(r, 2+r.IntN(2))
	if chance(r, .35) {
		name += pick(r, "-", "") + pick(r, "host", "net", "cloud", "shop", "tech", "media", "group", "soft", "web", "mail")
	}
	return name + pick(r, ".example", ".test", ".invalid", ".com.example", ".co.test", ".net.example", ".org.test")
}

// hostNaming returns a provider's or owner's way to name host number i.
func hostNaming(r *rand.Rand, domain string) func(i int, a netip.Addr) string {
	stem := pick(r, "node", "srv", "vps", "vm", "host", "s", "edge", "box", "c", "ns", "web", word(r, 2))
	dash := pick(r, "", "-")
	start := pick(r, 0, 1, 1, 100, 1000, 21000)
	switch r.IntN(6) {
	case 0:
		return func(i int, _ netip.Addr) string { return fmt.Sprintf("%s%s%03d.%s", stem, dash, start+i, domain) }
	case 1:
		return func(_ int, a netip.Addr) string {
			return stem + "-" + strings.ReplaceAll(a.String(), ".", "-") + "." + domain
		}
	case 2:
		return func(i int, _ netip.Addr) string { return fmt.Sprintf("%s%s%d", stem, dash, start+i) }
	case 3:
		words := rand.New(rand.NewPCG(r.Uint64(), 5))
		return func(int, netip.Addr) string { return word(words, 2) + "." + domain }
	case 4:
		hex := rand.New(rand.NewPCG(r.Uint64(), 6))
		return func(int, netip.Addr) string { return fmt.Sprintf("%08x.%s", hex.Uint32(), domain) }
	}
	return func(i int, _ netip.Addr) string { return fmt.Sprintf("%s%s%d.%s", stem, dash, start+i, domain) }
}

// ownName is what a stranger calls its only host: no two follow one scheme.
func ownName(r *rand.Rand, a netip.Addr) string {
	switch r.IntN(9) {
	case 0:
		return "localhost"
	case 1:
		return pick(r, "ubuntu", "debian", "localhost.localdomain", "server", "vps", "debian-s-1vcpu-1gb", "raspberrypi", "nas", "mail")
	case 2:
		return fmt.Sprintf("%s%d.%s", pick(r, "vps", "vmi", "srv", "ip", "h", "static"), r.IntN(999999), domain(r))
	case 3:
		return "www." + domain(r)
	case 4:
		return word(r, 2)
	case 5:
		return a.String()
	}
	return domain(r)
}
