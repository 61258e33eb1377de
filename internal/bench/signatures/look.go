package main

import (
	"context"
	"net/netip"
	"time"

	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/jarmprobe"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
	"github.com/hostkin/hostkin/scanner/transport"
)

// both are the probes that are compared.
func both() []conversation.Probe { return []conversation.Probe{tlsprobe.Probe{}, jarmprobe.Probe{}} }

// workers is how many sites are asked at once.
const workers = 48

// ask looks at every address with each of the probes, one after the other, as
// `hostkin scan` would. The answers are in the order of the addresses.
func ask(ctx context.Context, sites []netip.AddrPort, probes []conversation.Probe) ([]answers, error) {
	at := map[netip.Addr]int{}
	for i, s := range sites {
		at[s.Addr()] = i
	}
	out := make([]answers, len(sites))
	config := scanner.Config{
		// One connection at a time: some of these servers can do no more.
		Transport: transport.New(transport.Config{PerHost: 1, Timeout: 20 * time.Second}),
		Workers:   workers,
		Next: func(t targets.Target, seen []record.Observation) []scanner.Ask {
			done := 0
			for _, o := range seen {
				if o.Probe != "tcp" {
					done++
				}
			}
			if done == len(probes) {
				return nil
			}
			return []scanner.Ask{{Port: t.Ports[0], Probe: probes[done]}}
		},
		Emit: func(o record.Observation) {
			a := &out[at[o.Host.IP]]
			switch o.Probe {
			case "tls":
				a.tls, a.tlsStatus = o.TLS, o.Status
			case "jarm":
				a.jarm = o.JARM
			}
		},
	}
	err := scanner.Run(ctx, config, func(yield func(targets.Target) bool) {
		for _, s := range sites {
			if !yield(targets.Target{Host: record.Host{IP: s.Addr()}, Ports: []uint16{s.Port()}}) {
				return
			}
		}
	})
	return out, err
}
