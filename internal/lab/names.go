package lab

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

func words() []string {
	return strings.Fields(`amber anchor aspen atlas basil beacon birch bison bramble breeze brook canyon cedar
		cinder clover cobalt comet copper coral crane cypress dahlia delta dune ember falcon fern fjord flint
		garnet ginger glacier granite harbor hazel heron indigo iris jasper juniper kelp lagoon larch lilac
		linden lotus maple marble meadow mica nimbus oak onyx opal orchid otter pebble pepper pine plum
		quartz raven reed ridge river robin saffron sage slate sorrel sparrow spruce summit tansy thistle
		thunder topaz tulip umber valley violet walnut willow wren yarrow zephyr`)
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// strangerName is a host name as strangers choose it: by no common scheme.
func strangerName(r *rand.Rand) string {
	a, b := pick(r, words()), pick(r, words())
	tld := pick(r, []string{"example", "example.com", "example.net", "example.org", "test"})
	switch r.IntN(9) {
	case 0:
		return fmt.Sprintf("www.%s.%s", a+b, tld)
	case 1:
		return fmt.Sprintf("%s.%s", a, tld)
	case 2:
		return fmt.Sprintf("mail.%s-%s.%s", a, b, tld)
	case 3:
		return fmt.Sprintf("%s%d", a, r.IntN(90)+2)
	case 4:
		return fmt.Sprintf("%s.%s.lan", a, b)
	case 5:
		return fmt.Sprintf("%s.dyn.%s.%s", pick(r, []string{"a7", "k", "xe-0", "host"}), b, tld)
	case 6:
		return strings.ToUpper(a) + "-PC"
	case 7:
		return fmt.Sprintf("cloud.%s.%s", b, tld)
	default:
		return fmt.Sprintf("%s-and-%s.%s", a, b, tld)
	}
}
