package main

import (
	"testing"

	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
)

// A port costs what it is taken to speak, TLS with what stands behind it; one
// of which nothing is known a look at it and then the dearest protocol.
func TestCostOfAPort(t *testing.T) {
	e := estimate{probes: []probes.Entry{
		{Speaks: "ssh", Cost: 3}, {Speaks: "tls", Cost: 5}, {Speaks: "tls", Cost: 10}, {Speaks: "http", Cost: 2},
		{Speaks: "smtp", Cost: 1}, {Speaks: "imap", Cost: 4}, {Speaks: "redis", Cost: 30},
	}}
	for port, want := range map[scanner.Port]int{
		{Number: 22}:                  3,
		{Number: 25}:                  1,
		{Number: 443}:                 17,
		{Number: 993}:                 19,
		{Number: 990}:                 15, // there is no probe for what is behind
		{Number: 3306}:                0,  // nor for this
		{Number: 25, Hint: "tls"}:     17,
		{Number: 2525, Hint: "smtp"}:  1,
		{Number: 12345}:               31,
		{Number: 12345, Hint: "http"}: 2,
	} {
		if got := e.cost(port); got != want {
			t.Errorf("%+v: %d connections, want %d", port, got, want)
		}
	}
	e.probes = e.probes[:6]
	if got := e.cost(scanner.Port{Number: 12345}); got != 18 {
		t.Errorf("a port that may speak TLS: %d connections, want 18", got)
	}
	if got := (&estimate{}).cost(scanner.Port{Number: 12345}); got != 1 {
		t.Errorf("without probes: %d", got)
	}
}
