// Package probes is the one explicit list of the probes that hostkin has.
package probes

import (
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/httpprobe"
	"github.com/hostkin/hostkin/scanner/jarmprobe"
	"github.com/hostkin/hostkin/scanner/lineprobe"
	"github.com/hostkin/hostkin/scanner/mysqlprobe"
	"github.com/hostkin/hostkin/scanner/postgresprobe"
	"github.com/hostkin/hostkin/scanner/rdpprobe"
	"github.com/hostkin/hostkin/scanner/redisprobe"
	"github.com/hostkin/hostkin/scanner/sshprobe"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// Options are what the user decides about all probes.
type Options struct {
	Contact string // URL or mail address told to every HTTP and SSH server (RFC 9511); its domain is who we are in EHLO
	Odd     bool   // also what an intrusion detection system may take for an attack
	NoJARM  bool   // without the ten connections of JARM
}

// Entry is one probe and when to use it.
type Entry struct {
	Speaks string             // the protocol of the port; what usually stands behind TLS there is asked inside TLS too
	Probe  conversation.Probe // asks everything that is not yet seen
	Brief  conversation.Probe // the first look, cheap and telling; nil: not in a first look
	Cost   int                // typical connections of Probe
	Spare  bool               // tells nothing of kinship that the others do not: expand asks it only when everything is wanted
}

// All is the list. The first entry of a protocol is the one that finds out
// whether a port speaks it.
func All(o Options) []Entry {
	odd := 0 // connections more, of ssh and of http
	if o.Odd {
		odd = 2
	}
	list := []Entry{
		{Speaks: "ssh", Probe: sshprobe.Probe{Contact: o.Contact, Odd: o.Odd}, Brief: sshprobe.Probe{Contact: o.Contact, First: true}, Cost: 3 + odd},
		{Speaks: "tls", Probe: tlsprobe.Probe{Odd: o.Odd}, Brief: tlsprobe.Probe{Brief: true}, Cost: 5},
		{Speaks: "http", Probe: httpprobe.Probe{Contact: o.Contact, Odd: o.Odd}, Brief: httpprobe.Probe{Contact: o.Contact, First: true}, Cost: 1 + odd},
		{Speaks: "rdp", Probe: rdpprobe.Probe{}, Brief: rdpprobe.Probe{}, Cost: 1},
		{Speaks: "mysql", Probe: mysqlprobe.Probe{}, Brief: mysqlprobe.Probe{}, Cost: 1},
		{Speaks: "postgres", Probe: postgresprobe.Probe{}, Brief: postgresprobe.Probe{First: true}, Cost: 2},
		{Speaks: "redis", Probe: redisprobe.Probe{}, Brief: redisprobe.Probe{}, Cost: 1},
	}
	for _, protocol := range []string{"smtp", "ftp", "imap", "pop3"} {
		lines := lineprobe.Probe{Protocol: protocol, Contact: o.Contact}
		list = append(list, Entry{Speaks: protocol, Probe: lines, Brief: lines, Cost: 1})
	}
	if !o.NoJARM {
		list = append(list, Entry{Speaks: "tls", Probe: jarmprobe.Probe{}, Cost: jarmprobe.Count, Spare: true})
	}
	return list
}
