package cert

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shape describes how a certificate was made:
//
//	v3 key=rsa2048 self=no sig=1.2.840.113549.1.1.11 valid=7776000 from=second serial=16
//	issuer=2.5.4.6p,2.5.4.3u subject=2.5.4.3u ext=2.5.29.15!,2.5.29.37
//
// (one line): key algorithm and size; whether issuer and subject are equal;
// signature algorithm; validity in seconds or "never" ends (RFC 5280 section
// 4.1.2.5); what notBefore is rounded to; the serial number, see serialText;
// attribute types of both names in order, each with its string type, a '+'
// within one RDN; extensions in order, '!' if critical. Two fields stand before
// issuer if there is something to tell: exp=3 is an RSA exponent other than
// 65537, der=... are peculiarities. '?' is what cannot be read. The lists, which
// have no bound, come last, so that a value cut short keeps all else.
func (c certificate) shape() string {
	self := "no"
	if bytes.Equal(c.rawIssuer, c.rawName) {
		self = "yes"
	}
	fields := []string{fmt.Sprintf("v%d", c.version), "key=" + c.key.kind, "self=" + self, "sig=" + c.signature,
		"valid=" + c.validity(), "from=" + c.rounding(), "serial=" + c.serialText()}
	if c.key.exponent != "" {
		fields = append(fields, "exp="+c.key.exponent)
	}
	if len(c.peculiar) > 0 {
		fields = append(fields, "der="+strings.Join(c.peculiar, ","))
	}
	fields = append(fields, "issuer="+types(c.issuer, c.named), "subject="+types(c.subject, c.subjected), "ext="+c.extensionTypes())
	return strings.Join(fields, " ")
}

// peculiarities are the ways in which a certificate departs from DER or RFC
// 5280 where most tools do not: trailing (bytes after it), signature (inner and
// outer algorithm differ), no-null (parameters of an RSA signature missing),
// explicit-v1, unique-id, generalized-time (for a year of UTCTime), boolean
// (FALSE written out, or a TRUE other than FF), duplicate (extension).
type peculiarities []string

func (p *peculiarities) add(is bool, name string) {
	if is && !slices.Contains(*p, name) {
		*p = append(*p, name)
	}
}

func (c certificate) validity() string {
	switch {
	case !c.dated:
		return "?"
	case c.notAfter.Year() == 9999:
		return "never"
	}
	return strconv.FormatInt(c.notAfter.Unix()-c.notBefore.Unix(), 10) // a time.Duration ends at 292 years
}

// rounding is the largest unit that notBefore is a multiple of. One in sixty
// that are not rounded looks like "minute".
func (c certificate) rounding() string {
	t := c.notBefore.UTC()
	switch {
	case !c.dated:
		return "?"
	case t.Second() != 0:
		return "second"
	case t.Minute() != 0:
		return "minute"
	case t.Hour() != 0:
		return "hour"
	}
	return "day"
}

func types(name []rdn, whole bool) string {
	var out []string
	for _, r := range name {
		var set []string
		for _, a := range r {
			set = append(set, a.oid+a.typeLetter())
		}
		out = append(out, strings.Join(set, "+"))
	}
	return listText(out, whole)
}

func (c certificate) extensionTypes() string {
	var out []string
	for _, e := range c.extensions {
		if e.critical {
			e.oid += "!"
		}
		out = append(out, e.oid)
	}
	return listText(out, c.extended)
}

func listText(items []string, whole bool) string {
	if !whole {
		items = append(items, "?")
	}
	return strings.Join(items, ",")
}

// serialText is the length in bytes of a serial number's magnitude, rounded up
// to an even number above 1: one random serial in 256 has a leading zero byte,
// and a host that draws its serial anew shall not thereby change shape. A
// negative one has a '-' before. A serial that is the time of notBefore is
// "time-s", "time-ms", "time-us" or "time-ns", by its unit.
func (c certificate) serialText() string {
	if len(c.serial) > 0 && c.serial[0] >= 0x80 {
		return "-" + strconv.Itoa(len(c.serial))
	}
	magnitude := bytes.TrimLeft(c.serial, "\x00")
	if unit := c.clock(magnitude); unit != "" {
		return "time-" + unit
	}
	n := len(magnitude)
	if n > 1 {
		n += n % 2
	}
	return strconv.Itoa(n)
}

// clock is the unit in which a number is a time of at most two days from
// notBefore, or "". Of random serials of 4 bytes 1 in 12,000 is.
func (c certificate) clock(magnitude []byte) string {
	if !c.dated || len(magnitude) < 4 || len(magnitude) > 8 {
		return ""
	}
	n := new(big.Int).SetBytes(magnitude)
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"s", time.Second}, {"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond}} {
		perSecond := big.NewInt(int64(time.Second / u.unit))
		seconds := new(big.Int).Quo(n, perSecond)
		if seconds.IsInt64() {
			if off := seconds.Int64() - c.notBefore.Unix(); -172800 <= off && off <= 172800 {
				return u.name
			}
		}
	}
	return ""
}
