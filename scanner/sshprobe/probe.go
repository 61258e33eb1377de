// Package sshprobe asks SSH servers for their identification, their KEXINIT
// and their host keys (RFC 4253), without any key-exchange arithmetic: the host
// key comes in the clear in the answer to any well-formed public value.
package sshprobe

import (
	"slices"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

// Probe asks for all that an SSH server shows before encryption begins. The
// first connection waits for the server to identify itself; those after it
// know the server's lists and say everything at once.
type Probe struct {
	First   bool   // one connection: banner, KEXINIT, the most preferred host key. Else every offered key type not yet seen
	Contact string // URL or mail address, told as the comment of our identification (RFC 9511); "" none
	Odd     bool   // then also, without First, how it takes what is no identification: one connection a question, no KEXINIT of ours
}

var _ conversation.Probe = Probe{}

// Name is "ssh".
func (Probe) Name() string { return "ssh" }

// Start implements conversation.Probe. Key types whose asking failed before
// are asked again.
func (p Probe) Start(at record.Endpoint, seen record.Answer) conversation.Run {
	r := &run{at: at, contact: p.Contact, first: p.First, have: map[string]bool{}}
	if seen.SSH != nil && seen.SSH.KEXINIT != nil {
		r.known = seen.SSH.KEXINIT
		for _, k := range seen.SSH.HostKeys {
			if k.Status == record.OK {
				r.have[keyType(k.Algorithm)] = true
			}
		}
	}
	if p.Odd && !p.First && (seen.SSH == nil || seen.SSH.Odd == nil) {
		r.questions = questions()
	}
	return r
}

// run asks one endpoint, one connection after the other: servers count
// unauthenticated connections (MaxStartups) and turn away those in excess.
type run struct {
	at      record.Endpoint
	contact string
	first   bool
	known   *record.KEXINIT // the server's, once it is known
	have    map[string]bool // key types that need no asking

	questions []question // still to be asked, after all keys

	now      *connection // under way
	odd      *odd        // or this
	asked    string      // host key algorithm that now is for; "" on the first connection
	greeted  bool        // the first connection of an unknown server was made
	patient  bool        // the server does not bear being told everything at once
	stopped  bool
	brought  bool // banner or a key came
	failure  record.Status
	answer   record.SSH
	answered bool // answer holds something
}

// Next implements conversation.Run.
func (r *run) Next(x *conversation.Exchange) bool {
	if r.now != nil || r.odd != nil || r.stopped {
		return false
	}
	x.Addr = r.at.AddrPort()
	x.Limits.Bytes = maxReceived
	c := &connection{offer: generalOffer(), contact: r.contact}
	if r.known == nil {
		if r.greeted {
			return false
		}
		r.greeted = true
	} else {
		r.asked = r.wanted()
		if r.asked == "" {
			return r.ask(x)
		}
		offer, ok := exactOffer(r.known, r.asked)
		if !ok { // it has only key exchange methods that nobody else has
			r.failed(record.Alert)
			r.stopped = true
			return false
		}
		c = &connection{offer: offer, contact: r.contact, eager: !r.patient, key: record.HostKey{Algorithm: r.asked}}
	}
	r.now, x.Conv = c, c
	return true
}

// ask asks the next odd question, if one is left.
func (r *run) ask(x *conversation.Exchange) bool {
	if len(r.questions) == 0 {
		return false
	}
	r.odd = &odd{question: r.questions[0]}
	r.questions = r.questions[1:]
	x.Conv = r.odd
	return true
}

// wanted is the next host key algorithm to ask for, or "".
func (r *run) wanted() string {
	if r.first && len(r.have) > 0 {
		return ""
	}
	for _, a := range toAsk(r.known.HostKey) {
		if !r.have[keyType(a)] {
			return a
		}
	}
	return ""
}

// Ended implements conversation.Run.
func (r *run) Ended(x *conversation.Exchange) {
	if r.odd != nil {
		r.told()
		return
	}
	c := r.now
	r.now = nil
	if r.asked == "" {
		r.greeting(c)
	}
	switch {
	case c.status == record.OK:
		r.have[keyType(c.key.Algorithm)] = true
		r.answer.HostKeys = append(r.answer.HostKeys, c.key)
		r.brought, r.answered = true, true
		return
	case mayBeFault(c.status) && c.eager:
		r.patient = true // ask for the same once more, step by step
		return
	case mayBeFault(c.status) && r.asked == "" && r.known != nil && !r.first:
		return // our general offer did not suit it: ask with its own lists
	}
	r.failed(c.status)
	if c.key.Algorithm != "" {
		r.have[keyType(c.key.Algorithm)] = true
		r.answer.HostKeys = append(r.answer.HostKeys, c.key)
		r.answered = true
	}
	// A server that is silent or gone is not asked for its other keys.
	r.stopped = r.stopped || !mayBeFault(c.status) || r.first
}

// told keeps the answer to an odd question. A server that gives none is not
// asked another.
func (r *run) told() {
	answer, ok := r.odd.answer()
	r.odd = nil
	if !ok {
		r.questions = nil
		return
	}
	r.answer.Odd = append(r.answer.Odd, answer)
	r.answered = true
}

// greeting keeps what the first connection showed besides a host key.
func (r *run) greeting(c *connection) {
	s := c.seen
	r.known = s.KEXINIT
	r.answer.Preamble, r.answer.Banner, r.answer.KEXINIT, r.answer.Raw = s.Preamble, s.Banner, s.KEXINIT, s.Raw
	r.answered = len(s.Preamble) > 0 || s.Banner != nil || s.Raw != nil
	r.stopped = s.KEXINIT == nil
}

func (r *run) failed(s record.Status) {
	if r.failure == "" {
		r.failure = s
	}
}

// mayBeFault tells the ends that a server may choose because of what we said.
func mayBeFault(s record.Status) bool {
	return slices.Contains([]record.Status{record.Alert, record.Closed, record.Reset, record.Malformed}, s)
}

// Fold implements conversation.Run: OK if a host key came or none was wanted,
// else how the first failed connection ended.
func (r *run) Fold(a *record.Answer) record.Status {
	if r.answered {
		a.SSH = new(record.SSH)
		*a.SSH = r.answer
	}
	if r.brought || r.failure == "" {
		return record.OK
	}
	return r.failure
}
