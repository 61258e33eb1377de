package scanner

import (
	"slices"
	"strings"
	"testing"
)

func TestParsePorts(t *testing.T) {
	for text, want := range map[string][]Port{
		"22":                      {{22, ""}},
		"22,443/tls":              {{22, ""}, {443, "tls"}},
		" 80 , 8000-8002/http ":   {{80, ""}, {8000, "http"}, {8001, "http"}, {8002, "http"}},
		"443,22,443,22/ssh":       {{443, ""}, {22, "ssh"}},
		"8443/tls,8440-8443":      {{8443, "tls"}, {8440, ""}, {8441, ""}, {8442, ""}},
		"65535,1":                 {{65535, ""}, {1, ""}},
		"10022/ssh,10443/tls,1-1": {{10022, "ssh"}, {10443, "tls"}, {1, ""}},
	} {
		got, err := ParsePorts(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParsePortsFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":               `"": a port number is missing`,
		"22,":            `"": a port number is missing`,
		"0":              `"0": ports are 1 to 65535`,
		"65536":          `"65536": ports are 1 to 65535`,
		"ssh":            `"ssh": "ssh" is not a port number`,
		"-1":             `"-1": a port number is missing`,
		"80-":            `"80-": a port number is missing`,
		"90-80":          `"90-80": the range ends before it begins`,
		"443/https":      `"443/https": no protocol "https"; known are ssh, tls, http, smtp, ftp, imap, pop3, rdp, mysql, postgres, redis`,
		"443/":           `"443/": no protocol ""; known are ssh, tls, http, smtp, ftp, imap, pop3, rdp, mysql, postgres, redis`,
		"22/ssh,22/http": `"22/http": port 22 is said to speak ssh before`,
		"1-65535":        `65535 ports; at most 4096 are asked`,
		"x,80,y":         "\"x\": \"x\" is not a port number\n\"y\": \"y\" is not a port number",
	} {
		if got, err := ParsePorts(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
}

func FuzzParsePorts(f *testing.F) {
	for _, text := range []string{"22,8443/tls,8000-8010", "", "0", "1-65535", ",,", "22/ssh-23", "\x00", "٣"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ports, err := ParsePorts(text)
		if (err == nil) == (len(ports) == 0) || len(ports) > MaxPorts {
			t.Errorf("%d ports, error %v", len(ports), err)
		}
		for i, p := range ports {
			if p.Number == 0 || slices.ContainsFunc(ports[:i], func(o Port) bool { return o.Number == p.Number }) {
				t.Errorf("port %d is zero or there twice", p.Number)
			}
		}
	})
}

func TestDefaultPorts(t *testing.T) {
	if _, err := knownPorts(); err != nil {
		t.Fatal(err)
	}
	ports := DefaultPorts()
	if len(ports) < 30 || len(ports) > 60 || ports[0].Number != 22 {
		t.Errorf("%d default ports: %v", len(ports), ports)
	}
	for _, p := range ports {
		if p.Hint != "" || PortReason(p.Number) == "" || usual(p.Number) == "" {
			t.Errorf("port %+v: usually %q, because of %q", p, usual(p.Number), PortReason(p.Number))
		}
	}
	for port, want := range map[uint16]string{22: "ssh", 443: "tls", 80: "http", 993: "tls", 8006: "tls", 12345: ""} {
		if got := usual(port); got != want {
			t.Errorf("port %d usually speaks %q, want %q", port, got, want)
		}
	}
}

func TestPortListFaults(t *testing.T) {
	for text, want := range map[string]string{
		"- {port: 22, usual: ssh, reason: x}\n- {port: 22, usual: ssh, reason: x}": "port 22",
		"- {port: 22, usual: gopher, reason: x}":                                   "gopher",
		"- {port: 22, usual: ssh}":                                                 "no reason",
		"- {port: 70000, usual: ssh, reason: x}":                                   "70000",
		"- {prot: 22, usual: ssh, reason: x}":                                      "prot",
	} {
		if _, err := parseKnownPorts([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
