package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// HostileTown is hosts that are hostile on all three ports.
type HostileTown struct {
	Within string                // CIDR that holds the hosts, and addresses that refuse
	Ports  string                // as for --ports
	Kinds  map[netip.Addr]string // the name of every host's HostileServer
	group  group
}

// StartHostile starts n hosts, at most 65,000, of all kinds in turn in a /16
// of 127.0.0.0/8 that nobody uses. Each takes three file descriptors.
func StartHostile(n int) (*HostileTown, error) {
	kinds, err := Hostile()
	if err != nil {
		return nil, err
	}
	for second := byte(67); second < 75; second++ {
		t, err := startHostile(n, kinds, second)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return t, err
		}
	}
	return nil, fmt.Errorf("ports %d, %d and %d are in use on all of 127.67.0.0 to 127.74.255.255", portSSH, portTLS, portHTTP)
}

func startHostile(n int, kinds []HostileServer, second byte) (*HostileTown, error) {
	bits := 32
	for 1<<(32-bits) < n+1 {
		bits--
	}
	t := &HostileTown{
		Within: fmt.Sprintf("127.%d.0.0/%d", second, bits),
		Ports:  townPorts(),
		Kinds:  map[netip.Addr]string{},
	}
	for i := range n {
		at := netip.AddrFrom4([4]byte{127, second, byte((i + 1) >> 8), byte(i + 1)})
		kind := kinds[i%len(kinds)]
		for _, port := range []uint16{portSSH, portTLS, portHTTP} {
			if _, err := t.group.listen(netip.AddrPortFrom(at, port), kind.Serve); err != nil {
				return nil, errors.Join(err, t.Close())
			}
		}
		t.Kinds[at] = kind.Name
	}
	return t, nil
}

// Close ends all servers and their connections. It may be called again.
func (t *HostileTown) Close() error { return t.group.Close() }

// Listening is one server that listens.
type Listening struct {
	Addr  netip.AddrPort
	group group
}

// Listen starts h at an address of loopback; port 0 takes a free one.
func (h HostileServer) Listen(at netip.AddrPort) (*Listening, error) {
	var l Listening
	var err error
	if l.Addr, err = l.group.listen(at, h.Serve); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &l, nil
}

// Close ends the server and its connections.
func (l *Listening) Close() error { return l.group.Close() }
