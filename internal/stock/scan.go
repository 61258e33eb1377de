package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

// scan asks every site everything and adds what it shows. A probe that fails
// fails the whole: a list with holes would not be noticed.
func (s *stage) scan(ctx context.Context, l *list) error {
	products := map[netip.Addr]string{}
	for _, site := range s.sites {
		products[site.addr] = site.product
	}
	var failed []error
	config := scanner.Config{
		// One connection at a time: some of these servers can do no more.
		Transport: transport.New(transport.Config{PerHost: 1, Timeout: 20 * time.Second}),
		Next:      askAll,
		Workers:   32,
		Emit: func(o record.Observation) {
			product := products[o.Host.IP]
			if o.Status != record.OK && !(o.Probe == "http" && plainTLS(product)) && !turnedAway(o) {
				failed = append(failed, fmt.Errorf("%s at %s:%d: %s: %s", product, o.Host, o.Port, o.Probe, o.Status))
			}
			for _, f := range fingerprints.Of(o) {
				l.add(f, product)
			}
		},
	}
	hosts := func(yield func(targets.Target) bool) {
		for _, site := range s.sites {
			if !yield(targets.Target{Host: record.Host{IP: site.addr}, Ports: site.ports}) {
				return
			}
		}
	}
	return errors.Join(scanner.Run(ctx, config, hosts), errors.Join(failed...))
}

// askAll asks each port what it is known to speak: TLS before what lies in it.
func askAll(t targets.Target, seen []record.Observation) []scanner.Ask {
	var asks []scanner.Ask
	for _, port := range t.Ports {
		done := map[string]bool{}
		for _, o := range seen {
			if o.Port == port {
				done[o.Probe] = true
			}
		}
		for _, e := range probes.All(probes.Options{Odd: true}) {
			if slices.Contains(speaks(port, done), e.Speaks) && !done[e.Probe.Name()] {
				asks = append(asks, scanner.Ask{Port: port, Probe: e.Probe})
			}
		}
	}
	return asks
}

func speaks(port uint16, done map[string]bool) []string {
	plain := map[uint16]string{sshPort: "ssh", plainPort: "http", smtpPort: "smtp", ftpPort: "ftp", imapPort: "imap", pop3Port: "pop3"}
	inside := map[uint16]string{smtpsPort: "smtp", ftpsPort: "ftp", imapsPort: "imap", pop3sPort: "pop3"}
	switch {
	case plain[port] != "":
		return []string{plain[port]}
	case database(port) != "":
		return []string{database(port)}
	case done["tls"]:
		return []string{"tls", cmp.Or(inside[port], "http")}
	}
	return []string{"tls"}
}

// plainTLS are tools that need not answer HTTP like a web server.
func plainTLS(product string) bool {
	return strings.HasPrefix(product, "gnutls") || strings.HasPrefix(product, "openssl")
}
