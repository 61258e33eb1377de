// Package farm puts up real TLS servers in many configurations on loopback, to
// measure how well signatures tell them apart.
package farm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/internal/daemon"
)

// Config is one way to set up TLS. Empty fields leave the product's default;
// lists are in the product's own words.
type Config struct {
	Min, Max  string // "1.0" ... "1.3"
	Ciphers   string // of TLS 1.2 and below; GnuTLS: the priority string; Botan: the policy
	Suites    string // of TLS 1.3
	Curves    string
	Cert      string // credential, or two joined by "+"; "" means "rsa"
	Prefer    string // whose order of suites counts: "server", "client" or ""
	NoTickets bool
	ALPN      string // joined by commas
	Ask       string // for a client certificate: "request", "require" or ""
	Strict    bool   // answers only to a name that it knows
	DH        bool   // with the group ffdhe2048 for DHE
	Own       string // further settings in the product's own words
}

// Site is one configuration that is up.
type Site struct {
	Product string
	Label   string // what differs from the product's default
	At      netip.AddrPort
}

// Options choose what to put up.
type Options struct {
	Set      string          // "a", "b" or "c"
	Base     netip.Addr      // servers get the addresses after it; zero: 127.60.0.0
	Products []string        // only these; none: all
	Most     int             // configurations a product; 0: all
	Go       []string        // command line of ServeGo in a process of its own; none: no Go servers
	Missing  func(err error) // told of a product that this machine does not have; nil: it is an error
}

// Farm is a set of servers.
type Farm struct {
	Sites    []Site
	dir      string
	next     netip.Addr
	creds    *credentials
	commands []daemon.Command
	goServer []string
	running  []*daemon.Process
	stop     context.CancelFunc
	err      error // the first one
}

// Start puts up the servers and waits until all answer. They end with Close,
// with ctx, and with this process.
func Start(ctx context.Context, o Options) (*Farm, error) {
	dir, err := os.MkdirTemp("", "hostkin-farm-")
	if err != nil {
		return nil, err
	}
	f := &Farm{dir: dir, next: o.Base, goServer: o.Go}
	if !o.Base.IsValid() {
		f.next = netip.AddrFrom4([4]byte{127, 60, 0, 0})
	}
	ctx, f.stop = context.WithCancel(ctx)
	if err := f.start(ctx, o); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Farm) start(ctx context.Context, o Options) error {
	if err := os.Chmod(f.dir, 0o755); err != nil { // some servers give up their privileges
		return err
	}
	var err error
	if f.creds, err = newCredentials(f.dir); err != nil {
		return err
	}
	sets, err := set(o.Set)
	if err != nil {
		return err
	}
	for _, p := range products() {
		configs := sets[p.name]
		if o.Most > 0 {
			configs = configs[:min(o.Most, len(configs))]
		}
		if len(configs) == 0 || !chosen(o.Products, p.name) || p.name == "go" && len(o.Go) == 0 {
			continue
		}
		if err := p.missing(); err != nil {
			if o.Missing == nil {
				return err
			}
			o.Missing(err)
			continue
		}
		p.serve(f, f.place(p, configs))
	}
	if f.err != nil {
		return f.err
	}
	f.running, err = daemon.Start(ctx, f.commands)
	return err
}

func chosen(products []string, name string) bool {
	if slices.Contains(products, name) {
		return true
	}
	return len(products) == 0
}

// Close ends the servers and removes their files.
func (f *Farm) Close() error {
	f.stop()
	var errs []error
	for _, p := range f.running {
		errs = append(errs, p.Wait())
	}
	return errors.Join(append(errs, os.RemoveAll(f.dir))...)
}

// place is a configuration with its address and the PEM files of its credentials.
type place struct {
	Config
	at    netip.AddrPort
	certs []credential
}

// sitePort is the port of all sites but those of products that cannot bind an address.
const sitePort = 14443

func (f *Farm) place(p product, configs []Config) []place {
	var places []place
	for _, c := range configs {
		f.next = f.next.Next()
		port := uint16(sitePort)
		if p.anyAddress {
			port = f.freePort()
		}
		l := place{Config: c, at: netip.AddrPortFrom(f.next, port)}
		for name := range strings.SplitSeq(or(c.Cert, "rsa"), "+") {
			l.certs = append(l.certs, f.creds.named(f, name))
		}
		places = append(places, l)
		f.Sites = append(f.Sites, Site{p.name, c.label(), l.at})
	}
	return places
}

// freePort is a port that nobody listens on, on any address.
func (f *Farm) freePort() uint16 {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		f.fail(err)
		return 0
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

// label tells what is set.
func (c Config) label() string {
	var parts []string
	add := func(name, value string) {
		if len(value) > 60 {
			value = value[:57] + "..."
		}
		if value != "" {
			parts = append(parts, name+value)
		}
	}
	if c.Min+c.Max != "" {
		add("", c.Min+"-"+c.Max)
	}
	add("", c.Cert)
	add("", c.Ciphers)
	add("suites ", c.Suites)
	add("curves ", c.Curves)
	add("prefer ", c.Prefer)
	add("alpn ", c.ALPN)
	add("", c.Ask)
	for _, x := range []struct {
		name string
		set  bool
	}{{"no tickets", c.NoTickets}, {"strict SNI", c.Strict}, {"DH", c.DH}} {
		if x.set {
			parts = append(parts, x.name)
		}
	}
	add("", strings.Join(strings.Fields(c.Own), " "))
	if len(parts) == 0 {
		return "default"
	}
	return strings.Join(parts, ", ")
}

func (f *Farm) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

func (f *Farm) path(name string) string { return filepath.Join(f.dir, name) }

func (f *Farm) write(name, content string) string {
	path := f.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.fail(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		f.fail(err)
	}
	return path
}

// run adds a server process that answers at the last of places when it is ready.
func (f *Farm) run(places []place, name string, args ...string) {
	f.commands = append(f.commands, daemon.Command{
		Name: name, Args: args, Answer: places[len(places)-1].at,
		Log: f.write(fmt.Sprintf("log/%d-%s", len(f.commands), filepath.Base(name)), ""),
		Env: []string{"HOME=" + f.dir, "XDG_DATA_HOME=" + f.dir, "XDG_CONFIG_HOME=" + f.dir},
	})
}

// each adds a process for every place.
func (f *Farm) each(places []place, name string, args func(place) []string) {
	for _, l := range places {
		f.run([]place{l}, name, args(l)...)
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
