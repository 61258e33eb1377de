// Package lab is servers in this process, on loopback: a town of hosts whose
// kinship is known, for `hostkin demo` and for tests, and hostile servers.
//
// The servers are real (crypto/tls, x/crypto/ssh, HTTP written by hand so that
// fields come in the order of the product that is played), the hosts are
// addresses of 127.0.0.0/8. Whatever figure comes out of a town is simulated.
package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// The ports that the hosts of a town serve on; none needs a privilege.
const (
	portSSH  = 10022
	portTLS  = 10443
	portHTTP = 10080
)

// The kinds of hosts. The first three have kin.
const (
	Golden   = "golden"    // the provider's image as it was made
	Drifted  = "drifted"   // a stock page instead of the panel, or ports closed
	Rekeyed  = "re-keyed"  // own SSH host keys, all else golden
	Stranger = "stranger"  // nothing to do with anybody
	CDN      = "cdn"       // fronts that share one certificate, key and page
	NearMiss = "near miss" // a provider's software and TLS settings, nothing else
)

func townPorts() string { return fmt.Sprintf("%d/ssh,%d/tls,%d/http", portSSH, portTLS, portHTTP) }

// Role is the truth about a host.
type Role struct {
	Provider string // "" for a host without kin; the hosts of a CDN are not kin
	Kind     string // one of the constants
}

// Town is a running town.
type Town struct {
	Seed   netip.Addr          // a golden host of the provider to find
	Within string              // CIDR that holds the town
	Ports  string              // as for --ports, with hints
	Truth  map[netip.Addr]Role // every host that exists; the other addresses refuse
	group  group
}

// Demo starts a town of some hundred hosts in a /24 of 127.66.0.0/16 that
// nobody uses. Towns of one seed are equal but for the third byte of their
// addresses. It needs Linux, or aliases of all those addresses.
func Demo(seed uint64) (*Town, error) {
	machines, err := plan(seed)
	if err != nil {
		return nil, err
	}
	for third := range 32 {
		t, err := start(seed, machines, netip.AddrFrom4([4]byte{127, 66, byte(third), 0}))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue // another town
		}
		return t, err
	}
	return nil, fmt.Errorf("ports %d, %d and %d are in use on all of 127.66.0.0 to 127.66.31.255 (a server on all addresses?)", portSSH, portTLS, portHTTP)
}

func start(seed uint64, machines []machine, base netip.Addr) (*Town, error) {
	t := &Town{
		Within: netip.PrefixFrom(base, 24).String(),
		Ports:  townPorts(),
		Truth:  map[netip.Addr]Role{},
	}
	last := source{seed}.rand("addresses").Perm(253)
	for i, m := range machines {
		b := base.As4()
		b[3] = byte(last[i] + 2)
		at := netip.AddrFrom4(b)
		if err := t.serve(at, m); err != nil {
			return nil, errors.Join(err, t.Close())
		}
		t.Truth[at] = m.role
		if m.role == (Role{Provider: "ferrum", Kind: Golden}) && (!t.Seed.IsValid() || at.Less(t.Seed)) {
			t.Seed = at
		}
	}
	return t, nil
}

func (t *Town) serve(at netip.Addr, m machine) error {
	services := map[uint16]func(net.Conn){}
	if m.shell != nil {
		services[portSSH] = serveSSH(m.shell.settings, m.shell.keys)
	}
	if m.tls != nil {
		services[portTLS] = serveTLS(m.tls, m.secure)
	}
	if m.plain != nil {
		services[portHTTP] = serveHTTP(m.plain)
	}
	for port, service := range services {
		if _, err := t.group.listen(netip.AddrPortFrom(at, port), service); err != nil {
			return err
		}
	}
	return nil
}

// Provider lists the hosts of a provider, sorted.
func (t *Town) Provider(name string) []netip.Addr {
	var out []netip.Addr
	for at, role := range t.Truth {
		if role.Provider == name {
			out = append(out, at)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// Close ends all servers and their connections. It may be called again.
func (t *Town) Close() error { return t.group.Close() }
