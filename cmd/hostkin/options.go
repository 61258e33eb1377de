package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/probes"
)

// gathered notes a flag's bad value instead of stopping at it.
type gathered struct {
	pflag.Value
	name   string
	faults *[]error
}

func (g *gathered) Set(text string) error {
	before := g.String()
	if err := g.Value.Set(text); err != nil {
		g.Value.Set(before) // some values change even when they fail
		if number := (*strconv.NumError)(nil); errors.As(err, &number) {
			err = number.Err
		}
		*g.faults = append(*g.faults, fmt.Errorf("--%s %q: %w", g.name, text, err))
	}
	return nil
}

// outputFlags say where results go and in which form.
type outputFlags struct {
	json bool
	path string
}

func (f *outputFlags) add(flags *pflag.FlagSet, jsonHelp string) {
	flags.BoolVar(&f.json, "json", false, jsonHelp)
	flags.StringVarP(&f.path, "output", "o", "", "write results to `FILE` instead of stdout (.gz and .zst are compressed)")
}

// scanFlags are those of every command that sends.
type scanFlags struct {
	lists, exclude, excludeFiles []string
	portList                     string
	ports                        []scanner.Port // of portList; nil: not given
	workers, perHost             int
	rate, perNet, minHitrate     float64
	timeout                      time.Duration
	contact                      string
	dryRun, full, allowSpecial   bool
	odd, noJARM                  bool
	orderKey                     uint64
}

func (f *scanFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&f.lists, "list", "l", nil, "read more targets from `FILE` (text, nmap XML, masscan, zmap)")
	flags.StringArrayVar(&f.exclude, "exclude", nil, "never touch `TARGET`; wins over everything else")
	flags.StringArrayVar(&f.excludeFiles, "exclude-file", nil, "never touch the targets in `FILE`")
	flags.StringVar(&f.portList, "ports", "", "`PORTS` like 22,8443/tls,8000-8010, with the protocol as a hint")
	flags.IntVar(&f.workers, "workers", 256, "hosts at once that answer; up to three times as many more may be waited for")
	flags.Float64Var(&f.rate, "rate", 500, "connections per second over all; 0: no limit")
	flags.IntVar(&f.perHost, "per-host", 4, "connections to one host at once; 0: no limit")
	flags.Float64Var(&f.perNet, "per-net", 50, "connections per second to one /24 or /48, loopback excepted; 0: no limit")
	flags.DurationVar(&f.timeout, "timeout", 5*time.Second, "for one connection, from its start to its end")
	flags.StringVar(&f.contact, "contact", "", "`URL` or mail address told to every HTTP and SSH server (RFC 9511), its domain to every SMTP server")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say how many hosts, connections and how long; send nothing")
	flags.BoolVar(&f.full, "full", false, "ask everything, leave nothing out")
	flags.BoolVar(&f.odd, "odd", false, "also ask what an intrusion detection system may take for an attack")
	flags.BoolVar(&f.noJARM, "no-jarm", false, "do without JARM and its ten connections")
	flags.BoolVar(&f.allowSpecial, "allow-special", false, "allow special-purpose addresses (IANA registries); multicast never")
	flags.Uint64Var(&f.orderKey, "order-key", 0, "another `N`, another order of hosts; the same N, the same order")
}

// probes are those that the flags ask for.
func (f *scanFlags) probes() []probes.Entry {
	return probes.All(probes.Options{Contact: f.contact, Odd: f.odd, NoJARM: f.noJARM})
}

// check completes f and names every fault of its values.
func (f *scanFlags) check() []error {
	var faults []error
	bad := func(flag string, value any, problem string) {
		faults = append(faults, fmt.Errorf("--%s %v: %s", flag, value, problem))
	}
	if f.workers < 1 || f.workers > 1<<16 {
		bad("workers", f.workers, "must be between 1 and 65536")
	}
	if f.perHost < 0 {
		bad("per-host", f.perHost, "must not be negative")
	}
	for flag, value := range map[string]float64{"rate": f.rate, "per-net": f.perNet} {
		if value < 0 || math.IsNaN(value) || math.IsInf(value, 0) {
			bad(flag, value, "must be a number of connections per second, or 0 for no limit")
		}
	}
	if !(f.minHitrate >= 0 && f.minHitrate < 1) {
		bad("min-hitrate", f.minHitrate, "must be a share of hosts: 0 (any) or more, and less than 1")
	}
	if f.timeout <= 0 || f.timeout > time.Hour {
		bad("timeout", f.timeout, "must be more than 0 and at most 1h")
	}
	if f.portList != "" {
		var err error
		if f.ports, err = scanner.ParsePorts(f.portList); err != nil {
			for _, fault := range flatten(err) {
				faults = append(faults, fmt.Errorf("--ports: %w", fault))
			}
		}
	}
	contact, err := checkContact(f.contact)
	if err != nil {
		faults = append(faults, err)
	}
	f.contact = contact
	return faults
}

// trailing is a flag that takes the arguments after it too, as in
// "expand SEED --within A B". Only arguments that follow one before the flag
// count: in "expand --within A SEED" the last is the seed.
type trailing struct {
	flags  *pflag.FlagSet
	marks  *[]mark
	Values []string
}

// mark remembers that a trailing flag stood before argument number at.
type mark struct {
	at    int
	owner *trailing
}

var _ pflag.Value = (*trailing)(nil)

// Set is called while the arguments are read from left to right, so the number
// of arguments so far tells where the flag stands.
func (t *trailing) Set(value string) error {
	t.Values = append(t.Values, value)
	*t.marks = append(*t.marks, mark{t.flags.NArg(), t})
	return nil
}

func (t *trailing) String() string { return strings.Join(t.Values, " ") }

// Type is what the help calls the value.
func (t *trailing) Type() string { return "stringArray" }

// deal gives the arguments that follow a trailing flag to that flag and
// returns the others.
func deal(args []string, marks []mark) (own []string) {
	for i, arg := range args {
		var owner *trailing
		for _, m := range marks {
			if m.at > 0 && m.at <= i {
				owner = m.owner
			}
		}
		if owner == nil {
			own = append(own, arg)
		} else {
			owner.Values = append(owner.Values, arg)
		}
	}
	return own
}
