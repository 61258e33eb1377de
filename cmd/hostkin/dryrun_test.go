package main

import (
	"testing"
	"time"

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

// Dead space is priced as it is waited for: two seconds a connection, as many at
// once as there are places for hosts and connections to one.
func TestPriceOfSilence(t *testing.T) {
	for _, c := range []struct {
		name        string
		hosts       uint64
		connections float64
		ports       int
		perHost     int
		timeout     time.Duration
		rate        float64
		want        time.Duration
	}{
		{"one port", 102_400, 102_400, 1, 4, 5 * time.Second, 0, 200 * time.Second},
		{"one port, impatient", 102_400, 102_400, 1, 4, time.Second, 0, 100 * time.Second},
		{"eight ports", 102_400, 819_200, 8, 4, 5 * time.Second, 0, 400 * time.Second},
		{"eight ports, all at once", 102_400, 819_200, 8, 0, 5 * time.Second, 0, 200 * time.Second},
		{"a few hosts", 10, 80, 8, 4, 5 * time.Second, 0, 4 * time.Second},
		{"the rate is less", 102_400, 102_400, 1, 4, 5 * time.Second, 100, 1024 * time.Second},
	} {
		f := &scanFlags{workers: 256, perHost: c.perHost, timeout: c.timeout, rate: c.rate, ports: make([]scanner.Port, c.ports)}
		e := estimate{flags: f, hosts: c.hosts, least: c.connections}
		if got := e.silence(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
