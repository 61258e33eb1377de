package lab_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/hostkin/hostkin/internal/lab"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/lineprobe"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
	"github.com/hostkin/hostkin/scanner/transport"
)

// Mail and FTP probes end at every hostile server, soon and with little kept.
func TestHostileServersAskedForMail(t *testing.T) {
	kinds, err := lab.Hostile()
	if err != nil {
		t.Fatal(err)
	}
	const patience = 2 * time.Second
	names := map[uint16]string{}
	var asks []scanner.Ask
	for _, kind := range kinds {
		l, err := kind.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		names[l.Addr.Port()] = kind.Name
		for _, protocol := range []string{"smtp", "ftp", "imap", "pop3"} {
			asks = append(asks, scanner.Ask{Port: l.Addr.Port(), Probe: lineprobe.Probe{Protocol: protocol}})
		}
	}
	greet := []string{"endless list after a greeting", "text instead of TLS", "upgrade and silence"}
	asked := 0
	err = scanner.Run(t.Context(), scanner.Config{
		Transport: transport.New(transport.Config{PerHost: 64, Timeout: patience}),
		Next: func(_ targets.Target, seen []record.Observation) []scanner.Ask {
			if len(seen) > 0 {
				return nil
			}
			return asks
		},
		Emit: func(o record.Observation) {
			if o.Probe == "tcp" {
				return
			}
			asked++
			kind := names[o.Port]
			if line, err := json.Marshal(o); err != nil || len(line) > 64<<10 {
				t.Errorf("%s, %s: %d bytes are kept, %v", kind, o.Probe, len(line), err)
			}
			if greets := o.Probe == "smtp" && slices.Contains(greet, kind); greets != (o.Status == record.OK) {
				t.Errorf("%s, %s: %s", kind, o.Probe, o.Status)
			}
		},
	}, slices.Values([]targets.Target{{Host: record.Host{IP: netip.MustParseAddr("127.0.0.1")}}}))
	if err != nil || asked != len(asks) {
		t.Errorf("%d of %d observations, %v", asked, len(asks), err)
	}
}
