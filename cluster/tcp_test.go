package cluster

import (
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
)

// The handshakes of two hosts differ if both were captured and both answer to
// the same SYN.
func TestWhenHandshakesDiffer(t *testing.T) {
	const (
		linux   = "64:df:65160:1460:7:mss,sackok,ts,nop,ws"
		noTS    = "64:df:64240:1460:7:mss,nop,nop,sackok,nop,ws"
		asked   = ":syn=mss,nop,nop,sackok,nop,ws"
		windows = "128:df:65535:1460:8:mss,nop,ws,nop,nop,sackok:id+"
	)
	table := must(Defaults())
	for name, c := range map[string]struct {
		a, b    []fingerprints.Fingerprint
		differs int
	}{
		"one SYN, two stacks":               {tcpPrints("tcp.syn_ack", linux), tcpPrints("tcp.syn_ack", noTS), 1},
		"one unusual SYN, two stacks":       {tcpPrints("tcp.syn_ack", noTS+asked), tcpPrints("tcp.syn_ack", windows+asked), 1},
		"two SYNs":                          {tcpPrints("tcp.syn_ack", linux), tcpPrints("tcp.syn_ack", noTS+asked), 0},
		"two SYNs, the other way round":     {tcpPrints("tcp.syn_ack", noTS+asked), tcpPrints("tcp.syn_ack", linux), 0},
		"two SYNs to one, one to another":   {tcpPrints("tcp.syn_ack", linux, noTS+asked), tcpPrints("tcp.syn_ack", windows), 1},
		"captured here, not captured there": {tcpPrints("tcp.syn_ack", linux), tcpPrints("tcp.info", "2^16:1448:7:ts,sack,ws"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := table.compare(table.profile(&Host{Addr: "192.0.2.1", Prints: c.a}), table.profile(&Host{Addr: "192.0.2.2", Prints: c.b}))
			if len(p.differs) != c.differs || len(p.shared) != 0 {
				t.Errorf("differs: %+v, shared: %+v; want %d and none", p.differs, p.shared, c.differs)
			}
		})
	}
}

func tcpPrints(kind fingerprints.Kind, values ...string) []fingerprints.Fingerprint {
	var out []fingerprints.Fingerprint
	for _, v := range values {
		out = append(out, fingerprints.Fingerprint{Port: 443, Kind: kind, Value: v})
	}
	return out
}
