package main

import (
	"strconv"
	"strings"

	"github.com/hostkin/hostkin/scanner"
)

// targetHelp is the same wherever targets are named.
const targetHelp = `TARGET is an address, a CIDR, a range a-b, a host name, [v6], host:port, @FILE, or - for stdin; IPv4
and IPv6. Lists may be text, nmap XML, masscan or zmap output. Special-purpose addresses (IANA
registries) are refused unless --allow-special; loopback is allowed, multicast never. The examples
show documentation addresses, which are special-purpose: put real ones in their place.`

// portHelp lists the ports that are looked at by default.
func portHelp() string {
	var b strings.Builder
	b.WriteString("Without --ports these are looked at:\n")
	line := " "
	for _, p := range scanner.DefaultPorts() {
		word := " " + strconv.Itoa(int(p.Number))
		if p.Hint != "" {
			word += "/" + p.Hint
		}
		if len(line)+len(word) > 98 {
			b.WriteString(line + "\n")
			line = " "
		}
		line += word
	}
	b.WriteString(line + "\nA hint (/ssh, /tls, /http, /smtp, /ftp, /imap, /pop3, /rdp, /mysql, /postgres, /redis) says what a port\nspeaks. Without one the port's usual protocol is tried first, then what the server says decides.")
	return b.String()
}
