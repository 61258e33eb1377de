package main

import (
	"fmt"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/jarm"
	"github.com/hostkin/hostkin/fingerprints/tlsserver"
	"github.com/hostkin/hostkin/scanner/record"
)

// answers is what one site said at one look.
type answers struct {
	tls       *record.TLS
	tlsStatus record.Status
	jarm      *record.JARM
}

// scheme makes a value of answers.
type scheme struct {
	name        string
	connections int
	of          func(*answers) reading
}

// none is the value of a server that has no fingerprint, because it refused
// everything.
const none = "none"

// The two that are compared.
const (
	jarmName   = "JARM"
	serverName = "tls.server"
)

// letters are the five hellos in the order in which they are sent.
func letters() []string { return []string{"c", "a", "d", "e", "b"} }

// schemes are all that are measured; the first two are jarmName and serverName.
func schemes() []scheme {
	whole := func(t *record.TLS) *record.TLS { return t }
	list := []scheme{
		{jarmName, jarm10, ofJARM},
		{serverName, len(letters()), ofServer},
	}
	for n := range letters() {
		if n > 0 && n < len(letters())-1 {
			chosen := letters()[:n+1]
			list = append(list, scheme{strings.ToUpper(strings.Join(chosen, "+")), n + 1, components(whole, chosen...)})
		}
	}
	for _, letter := range letters() {
		list = append(list, scheme{strings.ToUpper(letter) + " alone", 1, components(whole, letter)})
	}
	for i, letter := range letters() {
		rest := append(letters()[:i:i], letters()[i+1:]...)
		list = append(list, scheme{"without " + strings.ToUpper(letter), len(rest), components(whole, rest...)})
	}
	for _, a := range ablations() {
		list = append(list, scheme{a.name, len(letters()), components(a.strip, letters()...)})
	}
	return append(list, scheme{"what JARM reads of the five", len(letters()), likeJARM})
}

const jarm10 = 10 // connections of JARM

func ofJARM(a *answers) reading {
	value, partial, ok := jarm.Of(a.jarm)
	switch {
	case a.jarm == nil || partial:
		return reading{}
	case !ok:
		return reading{none, true}
	}
	return reading{value, true}
}

func ofServer(a *answers) reading {
	if a.tls == nil {
		return reading{none, a.tlsStatus != record.Timeout && a.tlsStatus.Connected()}
	}
	pairs, partial := tlsserver.Of(a.tls)
	for _, p := range pairs {
		if p.Kind == tlsserver.Kind {
			return reading{p.Value, !partial}
		}
	}
	return reading{none, !partial && len(pairs) == 0}
}

// components is the value of some of the hellos, after strip took something
// out of the record.
func components(strip func(*record.TLS) *record.TLS, chosen ...string) func(*answers) reading {
	return func(a *answers) reading {
		if r := ofServer(a); a.tls == nil || r.value == none {
			return r
		}
		pairs, _ := tlsserver.Of(strip(a.tls))
		if len(pairs) == 0 {
			return reading{none, true}
		}
		var value []string
		for _, letter := range chosen {
			for _, p := range pairs {
				if p.Kind == tlsserver.Kind+"."+letter {
					value = append(value, letter+" "+p.Value)
				}
			}
		}
		return reading{strings.Join(value, "\n"), len(value) == len(chosen)}
	}
}

// likeJARM reads of our answers what JARM would: version, suite, ALPN, and the
// numbers of the extensions.
func likeJARM(a *answers) reading {
	r := ofServer(a)
	if a.tls == nil || r.value == none {
		return r
	}
	var value strings.Builder
	for _, letter := range letters() {
		for answer := range a.tls.Answers() {
			if answer.Hello != letter {
				continue
			}
			fmt.Fprintf(&value, "%s %04x %04x %s", letter, answer.Version, answer.Suite, answer.ALPN)
			for _, e := range answer.Extensions {
				fmt.Fprintf(&value, " %d", e.Type)
			}
			value.WriteByte('\n')
		}
	}
	return reading{value.String(), r.known}
}

// canonical is the text that the signature is hashed from, for people.
func canonical(t *record.TLS) []string {
	var lines []string
	for _, letter := range letters() {
		for a := range t.Answers() {
			if a.Hello == letter {
				lines = append(lines, letter+" "+tlsserver.Canonical(a))
			}
		}
	}
	return lines
}
