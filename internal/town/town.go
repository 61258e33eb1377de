// Package town starts towns of real servers on loopback: a hundred and more
// hosts, each an address of 127.0.0.0/8, that belong to providers which are
// known. It is where hostkin's figures come from, so it is told nothing of how
// hostkin judges.
//
// A town follows from its seed: other seeds give other providers, with other
// software, pages, certificates, settings and sizes. Only the ECDSA signatures
// and the dates in certificates differ between two towns of one seed.
package town

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/hostkin/hostkin/internal/daemon"
)

// Ports are the ports that the hosts of a town serve on. Zero fields take the
// values of DefaultPorts.
type Ports struct {
	SSH, TLS, HTTP, IMAP, FTP uint16
}

// DefaultPorts needs no privilege.
func DefaultPorts() Ports { return Ports{SSH: 10022, TLS: 10443, HTTP: 10080, IMAP: 10143, FTP: 10021} }

// Options say which town to start, and where.
type Options struct {
	Seed uint64
	// Base is the first address of the town's /23, 127.30.0.0 if it is not
	// valid. Towns that run at the same time need different ones.
	Base netip.Addr
	// Dir is where configurations, pages and keys are kept; empty is a fresh
	// folder. So is one that other users cannot enter when running as root,
	// because apache2 gives up its privileges.
	Dir   string
	Ports Ports
}

// Role is the truth about a host.
type Role struct {
	// Provider is empty for a host that has no kin in the town.
	Provider string `json:"provider"`
	// Kind is one of the constants below.
	Kind string `json:"kind"`
	// Near is the provider that a near miss resembles.
	Near string `json:"near,omitempty"`
}

// The kinds of hosts. The first four belong to a provider.
const (
	Golden  = "golden"  // the image as it was made
	Drifted = "drifted" // shows the stock page of its web server, all else golden
	Rekeyed = "rekeyed" // own SSH host keys and own certificate of the provider's making
	Partial = "partial" // golden, but some ports are closed

	CDN      = "cdn"       // a front: one certificate on several addresses, all else stock
	Tenant   = "tenant"    // a stock image as a cloud sells it, own keys
	NearMiss = "near-miss" // software and settings of a provider, nothing else of it
	Default  = "default"   // a stock page, own certificate
	Site     = "site"      // an own web site
	App      = "app"       // a well-known application's login page
	SSHOnly  = "ssh-only"  // no web server
)

// Kinds is the whole vocabulary, kin first.
func Kinds() []string {
	return []string{Golden, Drifted, Rekeyed, Partial, CDN, Tenant, NearMiss, Default, Site, App, SSHOnly}
}

// Town is a running town.
type Town struct {
	Within   string              // the range to look at, a CIDR
	PortSpec string              // as for --ports, with hints
	Truth    map[netip.Addr]Role // every host that exists
	Software map[string]int      // hosts by web server and by SSH server

	dir      string
	owned    bool // dir is ours to remove
	children []*daemon.Process
	stop     context.CancelFunc
}

// Start starts the town of o and returns when all of its servers listen. They
// end on Close, when ctx is cancelled, or with this process.
func Start(ctx context.Context, o Options) (*Town, error) {
	if !o.Base.IsValid() {
		o.Base = netip.AddrFrom4([4]byte{127, 30, 0, 0})
	}
	if !o.Base.IsLoopback() || !o.Base.Is4() {
		return nil, fmt.Errorf("a town stands on IPv4 loopback, not on %s", o.Base)
	}
	o.Ports = o.Ports.orDefault()
	within, err := o.Base.Prefix(23)
	if err != nil {
		return nil, err
	}
	dir, owned, err := workDir(o.Dir)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	t := &Town{
		Within:   within.String(),
		PortSpec: fmt.Sprintf("%d/ssh,%d/tls,%d/http,%d/imap,%d/ftp", o.Ports.SSH, o.Ports.TLS, o.Ports.HTTP, o.Ports.IMAP, o.Ports.FTP),
		Truth:    map[netip.Addr]Role{},
		Software: map[string]int{},
		dir:      dir, owned: owned, stop: stop,
	}
	machines := plan(o.Seed, within.Addr())
	for _, m := range machines {
		t.Truth[m.addr] = m.role
		for _, s := range m.software() {
			t.Software[s]++
		}
	}
	if err := t.build(ctx, machines, o.Ports); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *Town) build(ctx context.Context, machines []*machine, ports Ports) error {
	if err := forge(machines); err != nil {
		return err
	}
	commands, err := configure(t.dir, machines, ports)
	if err != nil {
		return err
	}
	t.children, err = daemon.Start(ctx, commands)
	return err
}

// Kin are the hosts of provider.
func (t *Town) Kin(provider string) map[netip.Addr]Role {
	kin := map[netip.Addr]Role{}
	for a, r := range t.Truth {
		if r.Provider == provider {
			kin[a] = r
		}
	}
	return kin
}

// Close ends every server of the town, by its process id, and removes the
// folder unless it was given.
func (t *Town) Close() error {
	t.stop()
	var errs []error
	for _, c := range t.children {
		errs = append(errs, c.Wait())
	}
	if t.owned {
		errs = append(errs, os.RemoveAll(t.dir))
	}
	return errors.Join(errs...)
}

func (p Ports) orDefault() Ports {
	d := DefaultPorts()
	if p.SSH == 0 {
		p.SSH = d.SSH
	}
	if p.TLS == 0 {
		p.TLS = d.TLS
	}
	if p.HTTP == 0 {
		p.HTTP = d.HTTP
	}
	if p.IMAP == 0 {
		p.IMAP = d.IMAP
	}
	if p.FTP == 0 {
		p.FTP = d.FTP
	}
	return p
}

// workDir returns a folder that the servers can read and whether it was made here.
func workDir(dir string) (string, bool, error) {
	if dir != "" {
		full, err := filepath.Abs(dir)
		if err != nil {
			return "", false, err
		}
		if os.Geteuid() != 0 || othersMayEnter(full) {
			return full, false, os.MkdirAll(full, 0o755)
		}
	}
	made, err := os.MkdirTemp("", "hostkin-town-")
	if err != nil {
		return "", false, err
	}
	return made, true, os.Chmod(made, 0o755)
}

func othersMayEnter(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err == nil && info.Mode().Perm()&1 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}
