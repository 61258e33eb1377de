package scanner

import (
	"bytes"
	"cmp"
	_ "embed" // ports.yaml
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// Port is a port to look at. A Hint (see hints) decides what is spoken there; without one ("") the port's usual protocol is tried first and
// then what the server says decides.
type Port struct {
	Number uint16
	Hint   string
}

// hints are the protocols that a port may be said to speak.
func hints() []string {
	return []string{"ssh", "tls", "http", "smtp", "ftp", "imap", "pop3", "rdp", "mysql", "postgres", "redis"}
}

// MaxPorts bounds a list of ports: each costs every host a connection.
const MaxPorts = 4096

// ParsePorts reads a list like "22,8443/tls,8000-8010": numbers and ranges,
// each with an optional hint, in the order in which they are to be asked.
// Duplicates are dropped. The error joins what is wrong with each item.
func ParsePorts(s string) ([]Port, error) {
	var ports []Port
	var faults []error
	at := map[uint16]int{} // index into ports
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		from, to, hint, err := parsePorts(item)
		if err != nil {
			faults = append(faults, fmt.Errorf("%q: %w", item, err))
			continue
		}
		for n := int(from); n <= int(to); n++ {
			i, there := at[uint16(n)]
			switch {
			case !there:
				at[uint16(n)] = len(ports)
				ports = append(ports, Port{uint16(n), hint})
			case ports[i].Hint == "":
				ports[i].Hint = hint
			case hint != "" && hint != ports[i].Hint:
				faults = append(faults, fmt.Errorf("%q: port %d is said to speak %s before", item, n, ports[i].Hint))
			}
		}
	}
	if len(ports) > MaxPorts {
		faults = append(faults, fmt.Errorf("%d ports; at most %d are asked", len(ports), MaxPorts))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return ports, nil
}

// parsePorts reads one item: "22", "8443/tls", "8000-8010", "8000-8010/http".
func parsePorts(item string) (from, to uint16, hint string, err error) {
	numbers, hint, hinted := strings.Cut(item, "/")
	if hinted && !slices.Contains(hints(), hint) {
		return 0, 0, "", fmt.Errorf("no protocol %q; known are %s", hint, strings.Join(hints(), ", "))
	}
	first, last, isRange := strings.Cut(numbers, "-")
	if !isRange {
		last = first
	}
	if from, err = parsePort(first); err != nil {
		return 0, 0, "", err
	}
	if to, err = parsePort(last); err != nil {
		return 0, 0, "", err
	}
	if from > to {
		return 0, 0, "", fmt.Errorf("the range ends before it begins")
	}
	return from, to, hint, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 16)
	switch {
	case s == "":
		return 0, errors.New("a port number is missing")
	case errors.Is(err, strconv.ErrRange), err == nil && n == 0:
		return 0, errors.New("ports are 1 to 65535")
	case err != nil:
		return 0, fmt.Errorf("%q is not a port number", s)
	}
	return uint16(n), nil
}

//go:embed ports.yaml
var portsYAML []byte

// knownPort is a line of ports.yaml.
type knownPort struct {
	Port    uint16 `yaml:"port"`
	Usual   string `yaml:"usual"`
	Inside  string `yaml:"inside"` // what TLS is usually spoken around there; "": HTTP
	Reason  string `yaml:"reason"`
	Default *bool  `yaml:"default"`
}

// knownPorts parses the embedded list once.
var knownPorts = sync.OnceValues(func() (portList, error) { return parseKnownPorts(portsYAML) })

// portList is ports.yaml, in its order and by number.
type portList struct {
	all    []knownPort
	byPort map[uint16]knownPort
}

func parseKnownPorts(text []byte) (portList, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	list := portList{byPort: map[uint16]knownPort{}}
	if err := d.Decode(&list.all); err != nil {
		return portList{}, fmt.Errorf("ports.yaml: %w", err)
	}
	for _, p := range list.all {
		_, twice := list.byPort[p.Port]
		switch {
		case p.Port == 0 || twice:
			return portList{}, fmt.Errorf("ports.yaml: port %d is zero or there twice", p.Port)
		case p.Usual != "" && !slices.Contains(hints(), p.Usual):
			return portList{}, fmt.Errorf("ports.yaml: port %d: no protocol %q", p.Port, p.Usual)
		case p.Inside != "" && (p.Usual != "tls" || !slices.Contains(hints(), p.Inside)):
			return portList{}, fmt.Errorf("ports.yaml: port %d: %q inside %q", p.Port, p.Inside, p.Usual)
		case p.Reason == "":
			return portList{}, fmt.Errorf("ports.yaml: port %d has no reason", p.Port)
		}
		list.byPort[p.Port] = p
	}
	return list, nil
}

// DefaultPorts are some fifty ports that servers and hosting panels use,
// without hints, the most telling first.
func DefaultPorts() []Port {
	list, err := knownPorts()
	if err != nil {
		return nil // a test reads the embedded list
	}
	var ports []Port
	for _, p := range list.all {
		if p.Default == nil || *p.Default {
			ports = append(ports, Port{Number: p.Port})
		}
	}
	return ports
}

// PortReason says what a known port is used for, or "".
func PortReason(port uint16) string {
	list, _ := knownPorts()
	return list.byPort[port].Reason
}

// Speaks is what a port is taken to speak before anybody asked it: its hint, or
// else what is usual there, or "". behind is what stands inside, if that is TLS.
func (p Port) Speaks() (protocol, behind string) {
	protocol = cmp.Or(p.Hint, usual(p.Number))
	if protocol == "tls" {
		behind = inside(p.Number)
	}
	return protocol, behind
}

// usual is the protocol that a port most often speaks, or "".
func usual(port uint16) string {
	list, _ := knownPorts()
	return list.byPort[port].Usual
}

// inside is the protocol that a port which speaks TLS most often has behind it.
func inside(port uint16) string {
	list, _ := knownPorts()
	return cmp.Or(list.byPort[port].Inside, "http")
}
