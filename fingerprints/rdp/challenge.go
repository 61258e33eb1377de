package rdp

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/hostkin/hostkin/fingerprints/value"
)

// challenge is what is constant in an NTLM CHALLENGE_MESSAGE (MS-NLMP
// 2.2.1.2): neither the server's challenge nor the time of day.
type challenge struct {
	flags uint32
	build []byte // VERSION (MS-NLMP 2.2.2.10), 8 bytes; nil if there is none
	pairs []pair
}

// pair is an AV_PAIR of the target information (MS-NLMP 2.2.2.1).
type pair struct {
	id    uint16
	value []byte
}

const maxPairs = 32 // as many kinds there are not

// Offsets in a CHALLENGE_MESSAGE.
const (
	signature    = "NTLMSSP\x00\x02\x00\x00\x00"
	flagsAt      = 20
	targetInfoAt = 40 // length, allocated length, offset
	versionAt    = 48 // if the flag says so
	targetInfo   = 1 << 23
	version      = 1 << 25
)

// parseChallenge reads a message as far as its offsets are good. ok is false
// for what is no challenge, or too short for its fields.
func parseChallenge(b []byte) (c challenge, ok bool) {
	if len(b) < versionAt || string(b[:len(signature)]) != signature {
		return challenge{}, false
	}
	c.flags = binary.LittleEndian.Uint32(b[flagsAt:])
	if c.flags&version != 0 && len(b) >= versionAt+8 {
		c.build = b[versionAt : versionAt+8]
	}
	if c.flags&targetInfo == 0 {
		return c, true
	}
	length := int(binary.LittleEndian.Uint16(b[targetInfoAt:]))
	if at := int64(binary.LittleEndian.Uint32(b[targetInfoAt+4:])); at <= int64(len(b)-length) {
		c.pairs = parsePairs(b[at : int(at)+length])
	}
	return c, true
}

// parsePairs reads pairs up to MsvAvEOL, or to the first that is not whole.
func parsePairs(b []byte) (pairs []pair) {
	for len(b) >= 4 && len(pairs) < maxPairs {
		id, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if id == 0 || n > len(b)-4 {
			break
		}
		pairs = append(pairs, pair{id, b[4 : 4+n]})
		b = b[4+n:]
	}
	return pairs
}

// names lists the names that there are, "computer=A;domain=B;...".
func (c challenge) names(as func(string) string) string {
	var list []string
	for _, k := range []struct {
		id   uint16
		name string
	}{{1, "computer"}, {2, "domain"}, {3, "dns_computer"}, {4, "dns_domain"}, {5, "dns_tree"}} {
		for _, p := range c.pairs {
			if name := text(p.value); p.id == k.id && name != "" {
				list = append(list, k.name+"="+value.Escaped(as(name), `\;`))
				break
			}
		}
	}
	return strings.Join(list, ";")
}

// text decodes UTF-16, little-endian.
func text(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// version reads "10.0.20348 rev=15 flags=e28a8215 av=2,1,4,3,7": build and NTLM
// revision, "none" if it tells none; flags; which pairs there are, in wire order.
func (c challenge) version() string {
	build := "none"
	if b := c.build; b != nil {
		build = fmt.Sprintf("%d.%d.%d rev=%d", b[0], b[1], binary.LittleEndian.Uint16(b[2:]), b[7])
	}
	ids := make([]string, len(c.pairs))
	for i, p := range c.pairs {
		ids[i] = fmt.Sprint(p.id)
	}
	return fmt.Sprintf("%s flags=%08x av=%s", build, c.flags, strings.Join(ids, ","))
}
