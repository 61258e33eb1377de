// Package tlsserver computes hostkin's own TLS server signature from the
// answers to the five hellos of scanner/tlsprobe: one component a hello, which
// compare one by one, and a digest over all of them. Unlike JARM it reads an
// answer whole: extension values, the encrypted flight of TLS 1.3, the key
// exchange, alerts.
package tlsserver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// Kinds of fingerprints. That of a component is Kind, a dot, and its letter.
const (
	Kind    = "tls.server"
	KindOdd = "tls.server.odd" // reaction to an early ChangeCipherSpec
)

// hellos is how many there are.
const hellos = 5

// letters are the hellos, in the order of the digest.
func letters() [hellos]string { return [hellos]string{"c", "a", "d", "e", "b"} }

// Of gives the components that are known, the reaction to an early
// ChangeCipherSpec if there was one, and the digest if all five hellos were
// sent; partial says that the digest lacks an answer. How a server refuses all
// five counts too: what is strict about names differs in the alerts.
func Of(t *record.TLS) (out []value.Pair, partial bool) {
	var list value.List
	var whole, readable []string
	found := false
	for _, letter := range letters() {
		a := answerTo(t, letter)
		if a == nil {
			continue
		}
		found = found || len(a.ServerHello) > 0 || len(a.HelloRetry) > 0 || len(a.Alerts) > 0
		if !known(a) {
			whole, readable, partial = append(whole, letter+"?"), append(readable, "?"), true
			continue
		}
		canonical := Canonical(a)
		whole, readable = append(whole, letter+" "+canonical), append(readable, word(a))
		list.Add(Kind+"."+letter, summary(a)+":"+value.SHA256(canonical)[:16])
		if reacted(a) && a.After.Sent == "ccs" {
			list.Add(KindOdd, after(a.After))
		}
	}
	if !found {
		return nil, false
	}
	if len(whole) == hellos {
		list.Add(Kind, strings.Join(readable, ".")+":"+value.SHA256(strings.Join(whole, "\n"))[:32])
	}
	return list, partial
}

func answerTo(t *record.TLS, letter string) *record.TLSAnswer {
	for a := range t.Answers() {
		if a.Hello == letter {
			return a
		}
	}
	return nil
}

// known tells whether the server has answered to the end, if only by hanging
// up: what was cut short by time or by us is not an answer.
func known(a *record.TLSAnswer) bool {
	switch a.Status {
	case record.Alert, record.Closed, record.Reset, record.Malformed:
		return true
	case record.OK:
		// TLS 1.3 with what is encrypted, up to Finished; AES-CCM we cannot read.
		return a.Version != 0x0304 || slices.Contains(a.Messages, 20) || a.Suite == 0x1304 || a.Suite == 0x1305
	}
	return false
}

// reacted tells whether what came of a stimulus was seen to the end.
func reacted(a *record.TLSAnswer) bool {
	return a.After != nil && slices.Contains([]record.Status{record.Closed, record.Reset, record.Timeout}, a.After.End)
}

// summary is what an analyst may want to see: version, suite and group, or how
// it was refused.
func summary(a *record.TLSAnswer) string {
	h, ok := parse(a.ServerHello)
	version := a.Version
	if !ok {
		if h, ok = parse(a.HelloRetry); !ok {
			return word(a)
		}
		version = 0x0304
	}
	return fmt.Sprintf("%04x:%04x:%s", version, h.suite, group(a))
}

// word is the suite, or how it was refused.
func word(a *record.TLSAnswer) string {
	if h, ok := parse(a.ServerHello); ok {
		return fmt.Sprintf("%04x", h.suite)
	}
	if h, ok := parse(a.HelloRetry); ok {
		return fmt.Sprintf("%04x", h.suite)
	}
	if n := len(a.Alerts); n > 0 {
		return fmt.Sprintf("a%d", a.Alerts[n-1].Code)
	}
	return string(a.Status)
}
