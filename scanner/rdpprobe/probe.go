// Package rdpprobe asks Remote Desktop servers for what they show before
// anybody logs in: the security protocol that they choose (MS-RDPBCGR 2.2.1.2),
// the certificate of the TLS after it, and, where they want CredSSP, the NTLM
// challenge, which names the machine (MS-CSSP, MS-NLMP). There it stops: no
// user is named, and no credentials are sent.
package rdpprobe

import (
	"slices"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// maxReceived bounds a connection, in bytes: a TLS handshake is most of it.
const maxReceived = 384 << 10

// Probe is the RDP probe: one connection. A second one reads the certificate
// of a server whose TLS the first could not finish.
type Probe struct{}

var _ conversation.Probe = Probe{}

// Name is "rdp".
func (Probe) Name() string { return "rdp" }

// Start implements conversation.Probe.
func (Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	return &run{at: at, known: seen.RDP != nil && len(seen.RDP.Confirm) > 0}
}

type run struct {
	at    record.Endpoint
	known bool
	asked []*connection
	ended int

	status record.Status // of the first connection
}

// Next implements conversation.Run.
func (r *run) Next(x *conversation.Exchange) bool {
	if r.known || len(r.asked) > r.ended || r.ended > 0 && !r.again() {
		return false
	}
	c := newConnection(r.at.Host.Name, r.ended > 0)
	r.asked = append(r.asked, c)
	x.Addr, x.Conv = r.at.AddrPort(), c
	x.Limits.Bytes = maxReceived
	return true
}

// again reports whether the handshake failed in a way that a reader of the
// clear text may survive: crypto/tls refuses some certificates and versions.
func (r *run) again() bool {
	c := r.asked[0]
	return r.ended == 1 && c.credssp != nil && c.credssp.tls == nil &&
		slices.Contains([]record.Status{record.Alert, record.Closed, record.Reset, record.Malformed}, r.status)
}

// Ended implements conversation.Run.
func (r *run) Ended(x *conversation.Exchange) {
	if r.ended == 0 {
		r.status = x.Status
	}
	r.ended++
}

// Fold implements conversation.Run: Alert if the server would not have us.
func (r *run) Fold(a *record.Answer) record.Status {
	switch {
	case r.known:
		return record.OK
	case r.ended == 0:
		return record.Cancelled
	}
	got := r.asked[0].answer()
	if got.Confirm != nil || got.Raw != nil {
		a.RDP = &got
	}
	for _, c := range r.asked {
		if t, ok := c.tls(); ok {
			a.TLS = &t
		}
	}
	return r.status
}
